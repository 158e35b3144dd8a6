"""Single attempts: what each says of a host that answers, refuses, talks nonsense or says nothing."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from pathlib import Path

import pytest

from bolwerk.programs import attempt
from programs.networks import host, packets, resolver, silent

LOOPBACKS = ("127.0.0.1", "::1")
SECONDS = 20.0
"""Of an attempt that ends by itself; the machine may be busy."""
SHORT = 0.5
"""Of one that does not."""


def _closed(kind: socket.SocketKind, address: str = "127.0.0.1") -> int:
    """Return a port on which nobody listens."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as bound:
        bound.bind((address, 0))
        return int(bound.getsockname()[1])


@pytest.mark.parametrize("address", LOOPBACKS)
async def test_a_handshake_is_a_connection(address: str) -> None:
    async with host(silent, address) as port:
        assert await attempt.connect(address, port, seconds=SECONDS) == ("Connected", "")


@pytest.mark.parametrize("address", LOOPBACKS)
async def test_a_closed_port_refuses(address: str) -> None:
    port = _closed(socket.SOCK_STREAM, address)
    assert await attempt.connect(address, port, seconds=SECONDS) == ("Refused", "ECONNREFUSED")


@pytest.mark.parametrize("address", LOOPBACKS)
async def test_any_datagram_is_an_answer(address: str) -> None:
    async with packets(lambda _: b"x", address) as (port, heard):
        assert await attempt.datagram(address, port, seconds=SECONDS) == ("Answered", "")
    assert heard == [attempt.GREETING]


@pytest.mark.parametrize("address", LOOPBACKS)
async def test_a_datagram_to_a_closed_port_is_refused(address: str) -> None:
    port = _closed(socket.SOCK_DGRAM, address)
    assert await attempt.datagram(address, port, seconds=SECONDS) == ("Refused", "ECONNREFUSED")


async def test_a_datagram_that_nobody_answers_times_out() -> None:
    async with packets(lambda _: None) as (port, _):
        began = time.monotonic()
        assert await attempt.datagram("127.0.0.1", port, seconds=SHORT) == ("TimedOut", "")
    assert SHORT <= time.monotonic() - began < SECONDS


@pytest.mark.parametrize(
    ("rcode", "said"),
    [
        (0, ("Answered", "NOERROR")),
        (2, ("Answered", "SERVFAIL")),
        (3, ("Answered", "NXDOMAIN")),
        (5, ("Refused", "REFUSED")),
        (9, ("Answered", "9")),
    ],
)
async def test_a_resolver_is_known_by_its_words(rcode: int, said: attempt.Said) -> None:
    async with packets(resolver(rcode)) as (port, heard):
        assert await attempt.query("127.0.0.1", port, asked="example.com", seconds=SECONDS) == said
    assert heard[0][12:] == b"\x07example\x03com\x00\x00\x01\x00\x01"


async def test_what_is_no_dns_was_reached_all_the_same() -> None:
    async with packets(lambda _: b"hello") as (port, _):
        assert await attempt.query("127.0.0.1", port, asked="a.nl", seconds=SECONDS) == ("Answered", "no DNS")


async def test_a_resolver_that_is_not_there_refuses_by_an_errors_name() -> None:
    port = _closed(socket.SOCK_DGRAM)
    assert await attempt.query("127.0.0.1", port, asked="a.nl", seconds=SECONDS) == ("Refused", "ECONNREFUSED")


async def test_a_silent_resolver_times_out() -> None:
    async with packets(lambda _: None) as (port, _):
        assert await attempt.query("127.0.0.1", port, asked="a.nl", seconds=SHORT) == ("TimedOut", "")


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ([b"HTTP/1.1 200 Connection established\r\n\r\n"], ("Connected", "HTTP 200")),
        ([b"HT", b"TP/1.1 2", b"00 OK\r\n\r\n"], ("Connected", "HTTP 200")),
        ([b"HTTP/1.0 407 Proxy Authentication Required\r\n", b"\r\n"], ("Refused", "HTTP 407")),
        ([b"HTTP/1.1 403"], ("Refused", "HTTP 403")),
        ([b"\x05\xff\x00nothing of the kind\r\n"], ("Refused", "not a proxy")),
        ([b"HTTP/1.1\r\n"], ("Refused", "not a proxy")),
        ([b"x" * 100_000], ("Refused", "not a proxy")),
        ([], ("Refused", "not a proxy")),
    ],
)
async def test_a_proxy_is_known_by_its_first_line(pieces: list[bytes], said: attempt.Said) -> None:
    asked: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        for each in pieces:
            writer.write(each)
            await writer.drain()
            await asyncio.sleep(0.02)  # so that they are read one by one

    async with host(talk) as port:
        assert await attempt.proxied("127.0.0.1", port, to="203.0.113.9:443", seconds=SECONDS) == said
    assert asked == [b"CONNECT 203.0.113.9:443 HTTP/1.1\r\nHost: 203.0.113.9:443\r\n\r\n"]


async def test_a_proxy_that_takes_the_connection_and_says_nothing_was_reached() -> None:
    async with host(silent) as port:
        said = await attempt.proxied("127.0.0.1", port, to="203.0.113.9:443", seconds=SHORT)
    assert said == ("Refused", "no answer")


async def test_a_proxy_that_hangs_up_was_reached() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        # Closed like this a socket sends a reset.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with host(reset) as port:
        said = await attempt.proxied("127.0.0.1", port, to="203.0.113.9:443", seconds=SECONDS)
    assert said == ("Refused", "hung up")


async def test_a_proxy_that_is_not_there_refuses_by_an_errors_name() -> None:
    port = _closed(socket.SOCK_STREAM)
    said = await attempt.proxied("127.0.0.1", port, to="203.0.113.9:443", seconds=SECONDS)
    assert said == ("Refused", "ECONNREFUSED")


def test_the_pods_own_resolvers(tmp_path: Path) -> None:
    written = tmp_path / "resolv.conf"
    written.write_text(
        "# of the kubelet\nsearch old.example\nsearch app.svc.cluster.local svc.cluster.local cluster.local\n"
        "nameserver 10.96.0.10\nnameserver fd00::a\noptions ndots:5\nnameserver\n"
    )
    assert attempt.resolvers(written) == (
        ["10.96.0.10", "fd00::a"],
        ["app.svc.cluster.local", "svc.cluster.local", "cluster.local"],
    )
