"""What stands outside the cluster, and notes who got through to it.

Started by harness.network in a namespace: `python -m harness.world LOG CERTIFICATE KEY KIND=ADDRESS:PORT…`. A contact
is noted when TCP is up or a datagram is in, before anything is read or answered, for that is what a wall must not let
happen. Kinds: `https`, `datagram` (what QUIC would be), `resolver` (UDP and TCP), and `proxy`, which takes CONNECT to
wherever it is asked.
"""

import json
import selectors
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from typing_extensions import override

_CHUNK = 1 << 16
_IPV4 = bytes.fromhex("0001")  # type A
_ADDRESS = bytes.fromhex("c00c 0001 0001 00000001 0004 cb00710a")  # the name asked for, type A, IN, 1 s: 203.0.113.10


class _Noting(socketserver.BaseServer):
    """A server that writes down every contact."""

    log: Path
    service: str
    context: ssl.SSLContext | None = None

    @override
    def get_request(self) -> tuple[Any, Any]:
        request, address = super().get_request()
        line = {"service": self.service, "from": address[0], "at": time.time()}
        with self.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        if self.context is not None:
            request = self.context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        return request, address


class _Web(_Noting, ThreadingHTTPServer):
    pass


class _Streams(_Noting, socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Datagrams(_Noting, socketserver.ThreadingUDPServer):
    daemon_threads = True


class _Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # so that a client may go on asking

    def do_GET(self) -> None:
        body = b"this is the outside world\n"
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Tunnel(BaseHTTPRequestHandler):
    def do_CONNECT(self) -> None:
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port)), timeout=5) as onward:
            self.send_response(HTTPStatus.OK)
            self.end_headers()
            self._relay(onward)

    def _relay(self, onward: socket.socket) -> None:
        with selectors.DefaultSelector() as either:
            either.register(self.connection, selectors.EVENT_READ, onward)
            either.register(onward, selectors.EVENT_READ, self.connection)
            while True:
                for ready, _ in either.select():
                    data = ready.fileobj.recv(_CHUNK)  # type: ignore[union-attr] # both are sockets
                    if not data:
                        return
                    ready.data.sendall(data)


class _Echo(socketserver.DatagramRequestHandler):
    @override
    def handle(self) -> None:
        self.wfile.write(self.rfile.read())


class _ResolverByDatagram(socketserver.DatagramRequestHandler):
    @override
    def handle(self) -> None:
        self.wfile.write(_answer(self.rfile.read()))


class _ResolverByStream(socketserver.StreamRequestHandler):
    @override
    def handle(self) -> None:
        asked = self.rfile.read(int.from_bytes(self.rfile.read(2)))
        if asked:
            told = _answer(asked)
            self.wfile.write(len(told).to_bytes(2) + told)


def _answer(query: bytes) -> bytes:
    """Answer a question: the resolver knows an IPv4 address for every name, and no other records."""
    end = 12
    while query[end]:
        end += query[end] + 1
    question = query[12 : end + 5]
    answer = _ADDRESS if question[-4:-2] == _IPV4 else b""
    flags_and_counts = struct.pack("!5H", 0x8180, 1, bool(answer), 0, 0)
    return query[:2] + flags_and_counts + question + answer


_KINDS: dict[str, tuple[tuple[type[_Noting], type[socketserver.BaseRequestHandler]], ...]] = {
    "https": ((_Web, _Page),),
    "proxy": ((_Web, _Tunnel),),
    "datagram": ((_Datagrams, _Echo),),
    "resolver": ((_Datagrams, _ResolverByDatagram), (_Streams, _ResolverByStream)),
}


def _serve(said: str, log: Path, context: ssl.SSLContext) -> None:
    kind, _, where = said.partition("=")
    host, _, port = where.rpartition(":")
    host = host.strip("[]")
    for server, handler in _KINDS[kind]:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        wanted = {
            "address_family": family,
            "log": log,
            "service": kind,
            "context": context if kind == "https" else None,
        }
        # A class of its own for each, since socketserver takes the address family from the class.
        running = type(server.__name__, (server,), wanted)((host, int(port)), handler)
        threading.Thread(target=running.serve_forever, name=said, daemon=True).start()


def main(log: str, certificate: str, key: str, *services: str) -> None:
    """Serve until killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    for said in services:
        _serve(said, Path(log), context)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
