"""Single attempts to get through: connect, and at most what shows that somebody answers. Never a request, never data.

Used by the probe and the gate. Each returns what the network said, and raises nothing for what a network does.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import re
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Mapping
from concurrent.futures import Executor
from pathlib import Path

from bolwerk.core.proof.document import Outcome

__all__ = ["GOT_THROUGH", "Said", "connect", "datagram", "name", "proxied", "query", "resolvers"]

Said = tuple[Outcome, str]
"""An outcome, and the error's name or whatever else helps."""

GOT_THROUGH = frozenset({"Connected", "Answered"})

GREETING = b"bolwerk"
RESOLV_CONF = Path("/etc/resolv.conf")
_MEANINGS: Mapping[int, Outcome] = {
    **dict.fromkeys((errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE), "Refused"),
    **dict.fromkeys((errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EPERM, errno.EACCES, errno.ENETDOWN), "Unreachable"),
    # What Linux says of a route of type blackhole.
    errno.EINVAL: "Unreachable",
    # The kernel gave up before our patience did.
    errno.ETIMEDOUT: "TimedOut",
}
_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})
_RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
_HTTP_STATUS = re.compile(rb"HTTP/\d\.\d ([1-5]\d\d)\b", re.ASCII)
_MOST_OF_REPLY = 1024
_DNS_HEADER = 12


async def connect(address: str, port: int, *, seconds: float) -> Said:
    """Shake hands over TCP, and hang up."""
    return await _said(_connect(address, port), seconds)


async def proxied(address: str, port: int, *, to: str, seconds: float) -> Said:
    """Ask a forward proxy for a way to a host and port, and hang up whatever it says.

    Parameters
    ----------
    seconds
        For the handshake, and as long again for the answer.
    """
    return await _said(_proxied(address, port, to, seconds), None)


async def datagram(address: str, port: int, *, seconds: float) -> Said:
    """Send one small datagram and wait for any."""
    return await _said(_datagram(address, port), seconds)


async def query(address: str, port: int, *, asked: str, seconds: float) -> Said:
    """Ask a resolver for a name; that it says anything means that it was reached."""
    return await _said(_query(address, port, asked), seconds)


async def name(host: str, *, seconds: float, threads: Executor) -> Said:
    """Resolve a name as any program of this pod would, and return its addresses.

    Parameters
    ----------
    threads
        In which the C library does it. One may go on for long after the attempt has ended, so these are not the event
        loop's own, for which it would wait.
    """
    outcome, detail = await _said(_name(host, threads), seconds)
    # Whether a name would have been resolved is not known by a resolver's silence.
    return ("Failed", "no answer") if outcome == "TimedOut" else (outcome, detail)


def resolvers(path: Path = RESOLV_CONF) -> tuple[list[str], list[str]]:
    """Return the resolvers of this pod, and the domains that it searches."""
    servers: list[str] = []
    domains: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        match line.split():
            case ["nameserver", server, *_]:
                servers.append(server)
            case ["search", *found]:
                domains = found
            case _:  # options, comments
                pass
    return servers, domains


async def _said(attempt: Awaitable[Said], seconds: float | None) -> Said:
    try:
        async with asyncio.timeout(seconds):
            return await attempt
    except TimeoutError:
        return "TimedOut", ""
    except socket.gaierror as error:
        return ("NoSuchName", "") if error.errno in _NO_SUCH_NAME else ("Failed", str(error.strerror))
    except OSError as error:
        code = errno.errorcode.get(error.errno or 0, type(error).__name__)
        return _MEANINGS.get(error.errno or 0, "Failed"), code


async def _connect(address: str, port: int) -> Said:
    async with _connected(address, port, socket.SOCK_STREAM):
        return "Connected", ""


async def _proxied(address: str, port: int, to: str, seconds: float) -> Said:
    async with contextlib.AsyncExitStack() as stack:
        async with asyncio.timeout(seconds):
            proxy = await stack.enter_async_context(_connected(address, port, socket.SOCK_STREAM))
        # Who took the connection was reached, also if it then says nothing: no error is the network's word any more.
        try:
            async with asyncio.timeout(seconds):
                reply = await _first_line(proxy, f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n".encode("ascii"))
        except TimeoutError:
            return "Refused", "no answer"
        except OSError:
            return "Refused", "hung up"
    status = _HTTP_STATUS.match(reply)
    if not status:
        return "Refused", "not a proxy"
    code = status[1].decode("ascii")
    return ("Connected" if code.startswith("2") else "Refused"), f"HTTP {code}"


async def _first_line(host: socket.socket, request: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(host, request)
    reply = b""
    while b"\n" not in reply and len(reply) < _MOST_OF_REPLY and (more := await loop.sock_recv(host, 256)):
        reply += more
    return reply


async def _datagram(address: str, port: int) -> Said:
    await _exchanged(address, port, GREETING)
    return "Answered", ""


async def _query(address: str, port: int, asked: str) -> Said:
    reply = await _exchanged(address, port, _question(asked))
    said = _RCODES.get(reply[3] & 15, str(reply[3] & 15)) if len(reply) >= _DNS_HEADER else "no DNS"
    return ("Refused" if said == "REFUSED" else "Answered"), said


async def _name(host: str, threads: Executor) -> Said:
    # With the dot at the end no domain is searched, which would ask for other names too.
    resolve = functools.partial(socket.getaddrinfo, f"{host.rstrip('.')}.", None, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(threads, resolve)
    return "Answered", ",".join(dict.fromkeys(str(each[4][0]) for each in found))


async def _exchanged(address: str, port: int, message: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    # Connected, so that only this host's reply counts, and its refusal is heard.
    async with _connected(address, port, socket.SOCK_DGRAM) as host:
        await loop.sock_sendall(host, message)
        return await loop.sock_recv(host, _MOST_OF_REPLY)


@contextlib.asynccontextmanager
async def _connected(address: str, port: int, kind: socket.SocketKind) -> AsyncIterator[socket.socket]:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as made:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, (address, port))
        yield made


def _question(asked: str) -> bytes:
    labels = b"".join(bytes([len(label)]) + label for label in asked.encode("ascii").split(b".") if label)
    return struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">BHH", 0, 1, 1)
