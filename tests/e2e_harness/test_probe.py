"""The instruments of the real node, on loopback: the probe says what happened, the world notes it, a table shows it."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import probe, process
from harness.truthtable import Table

LOOPBACK = "127.0.0.1"
E2E = Path(probe.__file__).parents[1]


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {kind: process.free_port() for kind in ("https", "datagram", "resolver", "proxy")}


@pytest.fixture(scope="module")
def world(ports: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if shutil.which("openssl") is None:
        pytest.skip("the world's certificate is made with openssl: install it")
    place = tmp_path_factory.mktemp("world")
    log, certificate, key = place / "log", place / "certificate", place / "key"
    log.touch()  # the world writes it at the first contact only, after it has answered
    asked = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test"]
    subprocess.run([*asked, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    services = [f"{kind}={LOOPBACK}:{port}" for kind, port in ports.items()]
    child = process.start(
        "world",
        [sys.executable, "-m", "harness.world", log, certificate, key, *services],
        log=place / "output",
        directory=E2E,
    )
    process.wait_for(
        lambda: probe.attempt("tcp", LOOPBACK, ports["proxy"]) == "through",
        what="the world",
        seconds=30,
        children=[child],
    )
    yield log
    child.end()


def _services(log: Path, since: float) -> set[str]:
    lines = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    return {line["service"] for line in lines if line["at"] >= since}


@pytest.mark.parametrize(
    ("kind", "service"),
    [("tcp", "https"), ("datagram", "datagram"), ("resolver", "resolver"), ("tcp", "resolver")],
)
def test_what_is_through_is_noted_by_the_world(kind: str, service: str, world: Path, ports: dict[str, int]) -> None:
    started = time.time()
    assert probe.attempt(kind, LOOPBACK, ports[service]) == "through"
    process.wait_for(lambda: service in _services(world, started), what="the note", seconds=10)


def test_a_proxy_leads_on_to_where_it_is_asked(world: Path, ports: dict[str, int]) -> None:
    started = time.time()
    assert probe.attempt("proxy", LOOPBACK, ports["proxy"], f"{LOOPBACK}:{ports['https']}") == "through"
    process.wait_for(lambda: _services(world, started) == {"proxy", "https"}, what="both notes", seconds=10)


def test_silence_is_blocked_and_a_refusal_is_not(ports: dict[str, int]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((LOOPBACK, 0))
        assert probe.attempt("datagram", LOOPBACK, silent.getsockname()[1]) == "blocked"
    assert probe.attempt("tcp", LOOPBACK, process.free_port()) == "Connection refused"
    assert probe.attempt("proxy", LOOPBACK, ports["datagram"], "nowhere:1") == "Connection refused"


def test_the_hammer_tries_until_it_is_stopped(world: Path, ports: dict[str, int], tmp_path: Path) -> None:
    stop, started = tmp_path / "stop", time.time()

    def notes() -> int:
        lines = map(json.loads, world.read_text(encoding="utf-8").splitlines())
        return sum(line["service"] == "https" and line["at"] >= started for line in lines)

    with ThreadPoolExecutor() as threads:
        hammering = threads.submit(probe.hammer, str(stop), [["tcp", LOOPBACK, ports["https"]]])
        try:
            process.wait_for(lambda: notes() >= 5, what="five attempts", seconds=30)
        finally:
            stop.touch()
        (outcomes,) = hammering.result().values()
    assert set(outcomes) == {"through"}
    process.wait_for(lambda: notes() == outcomes["through"], what="a note of every attempt", seconds=10)


def test_a_table_shows_and_names_the_cells_that_differ() -> None:
    wanted = {("a/app", "inside"): "through", ("a/app", "outside"): "blocked"}
    table = Table("Enforce", wanted, {("a/app", "inside"): "through", ("a/app", "outside"): "through"})
    assert table.differences() == ["a/app → outside: expected blocked, observed through"]
    assert "THROUGH (expected blocked)" in str(table)
    assert Table("Enforce", wanted, wanted).differences() == []
    assert Table("Enforce", wanted, {}).differences() != [], "what was not measured is not as expected"
