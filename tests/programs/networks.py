"""A network of a test's own, in which nothing that the test does is the machine's matter; and hosts on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest

BOLWERK = (sys.executable, "-c", "from bolwerk.cli import main; main()")
PATIENCE = 60.0
"""Seconds until a process that does not end has failed: the machine may be busy."""

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def need_own_network(*programs: str) -> None:
    """Skip the test where it cannot have a network namespace of its own."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("network namespaces need root on Linux: run the tests as root, in a container for instance")
    if missing := [each for each in ("unshare", "ip", "mount", *programs) if not shutil.which(each)]:
        pytest.skip(f"no {', '.join(missing)}: install util-linux, iproute2, mount and iptables")


def in_own_network(setup: str, command: tuple[str, ...], *, env: Mapping[str, str] | None = None) -> list[str]:
    """Return a command line that runs a command in a new network, once `setup` has laid it out."""
    variables = [f"{key}={value}" for key, value in (env or {}).items()]
    script = f"set -e; ip link set lo up; {setup}; exec env {shlex.join([*variables, *command])}"
    return ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script]


def ran(
    command: list[str] | tuple[str, ...], *, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    variables = None if env is None else {**os.environ, **env}
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, env=variables)


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Say nothing until the other side hangs up."""
    await reader.read()


@contextlib.asynccontextmanager
async def host(talk: Talk, address: str = "127.0.0.1") -> AsyncIterator[int]:
    """Listen on a free TCP port, and talk to whoever comes."""

    talks: set[asyncio.Task[None]] = set()

    async def talked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        talks.add(task)
        with contextlib.suppress(ConnectionError):  # the other side may hang up at any time
            await talk(reader, writer)
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(talked, address, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*talks)


class _Answers(asyncio.DatagramProtocol):
    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self._answer = answer
        self.heard: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.append(data)
        if (answer := self._answer(data)) is not None:
            self._transport.sendto(answer, addr)  # type: ignore[attr-defined]  # the loop's class is no DatagramTransport


@contextlib.asynccontextmanager
async def packets(
    answer: Callable[[bytes], bytes | None], address: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Hear datagrams on a free UDP port, and answer them, or not; gives the port and what was heard."""
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Answers(answer), local_addr=(address, port)
    )
    try:
        yield transport.get_extra_info("sockname")[1], protocol.heard
    finally:
        transport.close()


def resolver(rcode: int) -> Callable[[bytes], bytes]:
    """Return what a DNS server says that has the same answer to everything."""
    return lambda asked: asked[:2] + bytes([0x81, 0x80 | rcode]) + asked[4:]
