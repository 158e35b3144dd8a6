"""Single attempts to get through: connect, and at most what shows that somebody answers. Never a request, never data.

Used by the probe and the gate. Each returns what the network said, and raises nothing for what a network does.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import Awaitable, Mapping
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
    # The kernel gave up before our patience did.
    errno.ETIMEDOUT: "TimedOut",
}
_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})
_RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
_MOST_OF_REPLY = 1024
_DNS_HEADER = 12


async def connect(address: str, port: int, *, seconds: float) -> Said:
    """Shake hands over TCP, and hang up."""
    return await _said(_connect(address, port), seconds)


async def proxied(address: str, port: int, *, to: str, seconds: float) -> Said:
    """Ask a forward proxy for a way to a host and port, and hang up whatever it says."""
    return await _said(_proxied(address, port, to), seconds)


async def datagram(address: str, port: int, *, seconds: float) -> Said:
    """Send one small datagram and wait for any."""
    return await _said(_datagram(address, port), seconds)


async def query(address: str, port: int, *, names: list[str], seconds: float) -> Said:
    """Ask a resolver for the first of some names that it answers; that it says anything means that it was reached."""
    return await _said(_query(address, port, names), seconds)


async def name(host: str, *, seconds: float) -> Said:
    """Resolve a name as any program of this pod would, and return its addresses."""
    return await _said(_name(host), seconds)


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


async def _said(attempt: Awaitable[Said], seconds: float) -> Said:
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
    _, writer = await asyncio.open_connection(address, port)
    writer.close()
    return "Connected", ""


async def _proxied(address: str, port: int, to: str) -> Said:
    reader, writer = await asyncio.open_connection(address, port)
    try:
        writer.write(f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n".encode("ascii"))
        line = (await reader.read(_MOST_OF_REPLY)).split(b"\r\n", 1)[0].split()
        agreed = _is_http(line) and line[1].startswith(b"2")
        said = f"HTTP {line[1].decode('ascii', 'replace')}" if _is_http(line) else "not a proxy"
        return ("Connected" if agreed else "Refused"), said
    finally:
        writer.close()


def _is_http(line: list[bytes]) -> bool:
    return len(line) > 1 and line[0].startswith(b"HTTP/")


async def _datagram(address: str, port: int) -> Said:
    await _exchanged(address, port, GREETING)
    return "Answered", ""


async def _query(address: str, port: int, names: list[str]) -> Said:
    said = ""
    for asked in names:
        reply = await _exchanged(address, port, _question(asked))
        said = _RCODES.get(reply[3] & 15, str(reply[3] & 15)) if len(reply) >= _DNS_HEADER else "no DNS"
        if said == "NOERROR":
            break
    return ("Refused" if said == "REFUSED" else "Answered"), said


async def _name(host: str) -> Said:
    # With the dot at the end no domain is searched, which would ask for other names too.
    found = await asyncio.get_running_loop().getaddrinfo(f"{host}.", None, type=socket.SOCK_STREAM)
    return "Answered", ",".join(dict.fromkeys(str(each[4][0]) for each in found))


async def _exchanged(address: str, port: int, message: bytes) -> bytes:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        asking.connect((address, port))  # so that only this host's reply counts, and its refusal is heard
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(asking, message)
        return await loop.sock_recv(asking, _MOST_OF_REPLY)


def _question(asked: str) -> bytes:
    labels = b"".join(bytes([len(label)]) + label for label in asked.encode("ascii").split(b".") if label)
    return struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">BHH", 0, 1, 1)
