"""Two canaries and a forged sender: one datagram must not keep them busy for ever."""

from __future__ import annotations

import asyncio
import socket

import pytest

from bolwerk.programs.canary import ANSWER, canary

SECONDS = 20.0


async def _answered(asking: socket.socket, *datagrams: bytes) -> bytes:
    """Send datagrams in order and return the first answer."""
    loop = asyncio.get_running_loop()
    for each in datagrams:
        await loop.sock_sendall(asking, each)
    return await asyncio.wait_for(loop.sock_recv(asking, 2048), SECONDS)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_an_answer_is_shorter_than_the_datagram_and_soon_there_is_none(host: str) -> None:
    async with canary(0) as port:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.setblocking(False)
            asking.connect((host, port))
            for length in range(2, 12):
                # Nothing answers the first two, or their answers would come first.
                answer = await _answered(asking, b"", b"x", b"x" * length)
                assert answer == ANSWER[: length - 1]
                assert 0 < len(answer) < length
