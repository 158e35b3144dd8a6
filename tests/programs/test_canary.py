"""`bolwerk canary`: reached by whoever is not held back, over both families, and of no use against anybody else."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys

import pytest

from bolwerk.programs import attempt
from bolwerk.programs.canary import canary
from programs.networks import BOLWERK, PATIENCE

LOOPBACKS = ("127.0.0.1", "::1")
SECONDS = 20.0


@pytest.mark.parametrize("address", LOOPBACKS)
async def test_it_is_reached_over_both_families(address: str) -> None:
    async with canary(0) as port:
        assert await attempt.connect(address, port, seconds=SECONDS) == ("Connected", "")
        assert await attempt.datagram(address, port, seconds=SECONDS) == ("Answered", "")


async def test_it_hangs_up_without_a_word() -> None:
    async with canary(0) as port, asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("address", LOOPBACKS)
async def test_an_answer_is_shorter_than_what_asked_for_it_and_soon_there_is_none(address: str) -> None:
    """Two canaries that a forged sender sets on each other would else be busy for ever."""
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    async with canary(0) as port, asyncio.timeout(SECONDS):
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.setblocking(False)
            asking.connect((address, port))
            for size in (2, 3, 7, 8, 9, 1400):
                # Nothing answers the first two, or what comes first would be of them.
                for each in (b"", b"x", b"x" * size):
                    await loop.sock_sendall(asking, each)
                assert len(await loop.sock_recv(asking, 9000)) == min(size - 1, 7)


async def test_a_taken_port_is_an_error_and_no_silence() -> None:
    async with canary(0) as port:
        with pytest.raises(OSError, match="in use"):
            async with canary(port):
                pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_when_told_with_nothing_to_complain_of(number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", *BOLWERK[1:], "canary", "--port", "0",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout
    async with asyncio.timeout(PATIENCE):
        line = (await process.stdout.readline()).decode()
        assert line.startswith("answering on port ")
        port = int(line.split()[3])
        held = [await asyncio.open_connection(address, port) for address in LOOPBACKS]
        process.send_signal(number)
        _, errors = await process.communicate()
    for _, writer in held:
        writer.close()
        await writer.wait_closed()

    assert (process.returncode, errors) == (0, b"")
