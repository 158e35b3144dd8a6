"""The canary: a host that whoever is not held back can reach. It accepts and hangs up, and answers datagrams in kind.

It reads nothing that it is sent over TCP, and a datagram's answer is shorter than the datagram: nobody can use it
against a third host.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable
from typing import cast

from typing_extensions import override

__all__ = ["canary", "serve_until_told"]

ANSWER = b"bolwerk"


class _Answers(asyncio.DatagramProtocol):
    _transport: asyncio.DatagramTransport

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The event loop's own class is no asyncio.DatagramTransport, whatever its documentation says.
        self._transport = cast(asyncio.DatagramTransport, transport)

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        # Shorter than what came, so that two canaries that a forged sender sets on each other soon fall silent.
        if answer := ANSWER[: max(len(data) - 1, 0)]:
            self._transport.sendto(answer, addr)


@contextlib.asynccontextmanager
async def canary(port: int) -> AsyncIterator[int]:
    """Serve within the block, all address families that the machine has; gives the port (0 asks for a free one)."""
    with _socket(socket.SOCK_STREAM) as stream, _socket(socket.SOCK_DGRAM) as packets:
        stream.bind(("", port))
        packets.bind(("", stream.getsockname()[1]))
        server = await asyncio.start_server(_hang_up, sock=stream)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(_Answers, sock=packets)
        try:
            yield stream.getsockname()[1]
        finally:
            transport.close()
            server.close()


async def serve_until_told(port: int, *, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT, and say on which port."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with canary(port) as bound:
        say(f"answering on port {bound} of TCP and UDP")
        await told.wait()


async def _hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def _socket(kind: socket.SocketKind) -> socket.socket:
    family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
    made = socket.socket(family, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    return made
