"""The outside world's one server: HTTPS that notes who connected.

Started by harness.network in the world's namespace: `python -m harness.world PORT CERTIFICATE KEY LOG`. A connection is
noted when TCP is up, before any TLS, for that is what a wall must not let happen.
"""

import json
import socket
import ssl
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from typing_extensions import override


class _Server(ThreadingHTTPServer):
    def __init__(self, port: int, *, context: ssl.SSLContext, log: Path) -> None:
        super().__init__(("", port), _Answer)
        self._context = context
        self._log = log.open("a", encoding="utf-8", buffering=1)

    @override
    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._log.write(json.dumps({"from": address[0]}) + "\n")
        return self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"this is the outside world\n"
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(port: str, certificate: str, key: str, log: str) -> None:
    """Serve until killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    _Server(int(port), context=context, log=Path(log)).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
