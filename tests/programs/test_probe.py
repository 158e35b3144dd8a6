"""`bolwerk probe` as a process, and the document that it leaves."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bolwerk.core.proof.document import LENGTH, Document, Outcome, Result
from bolwerk.core.proof.reading import Expected, read_document
from bolwerk.core.proof.task import CLUSTER_DNS, Arm, Target, Task
from bolwerk.programs import attempt
from bolwerk.programs.probe import measure, written
from programs.networks import BOLWERK, host, in_own_network, need_own_network, packets, ran, resolver, silent

RUN = "feedbeef00"
OWN = ("10.244.1.7", "fd00:244::7")
POD = {"POD_UID": "uid-1", "NODE_NAME": "gpu-1", "POD_IPS": ",".join(OWN)}


def _task(*targets: Target, **rest: Any) -> Task:
    return Task(run=RUN, targets=targets, **rest)


def _env(task: Task) -> dict[str, str]:
    return {**POD, "BOLWERK_TASK": task.model_dump_json(by_alias=True, exclude_defaults=True)}


def _tcp(port: int, address: str = "127.0.0.1") -> Target:
    return Target(arm="Treatment", vector="TCP", family="IPv4", address=address, port=port)


def _name(to: str) -> Target:
    return Target(arm="Treatment", vector="Name", family="IPv4", to=to)


def _read(text: str, task: Task, *, began: datetime) -> Document:
    return read_document(
        text,
        Expected(
            run=task.run,
            pod="uid-1",
            node="gpu-1",
            addresses=OWN,
            targets=len(task.targets),
            earliest=began,
            latest=datetime.now(UTC) + timedelta(seconds=1),
        ),
    )


async def test_every_kind_of_target_has_its_result_in_the_tasks_order() -> None:
    async def proxy(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    async with (
        host(silent) as tcp,
        packets(lambda data: data) as (udp, _),
        packets(lambda _: None) as (mute, mute_heard),
        packets(resolver(5)) as (dns, _),
        host(proxy) as forward,
    ):
        targets = [
            _tcp(tcp),
            _tcp(udp) if udp != tcp else _tcp(1),
            *(
                Target(arm="Treatment", vector=vector, family="IPv4", address="127.0.0.1", port=port, to=to)
                for vector, port, to in [
                    ("UDP", udp, ""),
                    ("UDP", mute, ""),
                    ("DNS", dns, "example.com"),
                    ("Proxy", forward, "203.0.113.9:443"),
                    ("Metadata", tcp, ""),
                ]
            ),
        ]
        document = await measure(_task(*targets, timeout_seconds=0.5), pod="uid-1", node="gpu-1", addresses=OWN)

    assert [(each.o, each.n, each.d) for each in document.results] == [
        ("Connected", 1, ""),
        ("Refused", 3, "ECONNREFUSED"),
        ("Answered", 1, ""),
        ("TimedOut", 3, ""),
        ("Refused", 3, "REFUSED"),
        ("Refused", 3, "HTTP 407"),
        ("Connected", 1, ""),
    ]
    assert len(mute_heard) == 3


async def test_a_second_try_that_gets_through_counts() -> None:
    answers = iter([None, b"late"])
    async with packets(lambda _: next(answers)) as (port, _):
        target = Target(arm="Control", vector="UDP", family="IPv4", address="127.0.0.1", port=port)
        document = await measure(_task(target, timeout_seconds=2), pod="uid-1", node="gpu-1", addresses=OWN)

    assert document.results == (Result(o="Answered", n=2),)


@pytest.mark.parametrize(
    ("arm", "patience", "want"),
    [
        ("Treatment", 5, Result(o="TimedOut", n=5)),
        ("Treatment", 0, Result(o="Answered", n=1)),
        ("Function", 5, Result(o="Answered", n=1)),
    ],
)
async def test_a_wall_that_comes_late_counts_for_whoever_waits_for_it(arm: Arm, patience: float, want: Result) -> None:
    answers = iter([b"open", b"still open"])
    async with packets(lambda _: next(answers, None)) as (port, _):
        target = Target(arm=arm, vector="UDP", family="IPv4", address="127.0.0.1", port=port)
        task = _task(target, timeout_seconds=0.5, patience_seconds=patience)
        document = await measure(task, pod="uid-1", node="gpu-1", addresses=OWN)

    assert document.results == (want,)


async def test_cluster_dns_is_asked_for_a_name_of_the_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("search app.svc.corp.example svc.corp.example\nnameserver ::1\nnameserver 127.0.0.1\n")
    found = attempt.resolvers(resolv)
    monkeypatch.setattr(attempt, "resolvers", lambda: found)
    async with packets(lambda _: None, "::1") as (port, _), packets(resolver(3), port=port) as (_, heard):
        target = Target(
            arm="Function", vector="DNS", family="IPv4", address=CLUSTER_DNS, port=port, to="kubernetes.default.svc"
        )
        document = await measure(_task(target, timeout_seconds=0.5), pod="uid-1", node="gpu-1", addresses=OWN)

    # The second resolver, for the first says nothing.
    assert document.results == (Result(o="Answered", d="NXDOMAIN"),)
    assert heard[0][12:-4] == b"\x0akubernetes\x07default\x03svc\x04corp\x07example\x00"


@pytest.mark.parametrize(("text", "why"), [("nameserver\n", "names no resolver"), (None, "No such file")])
async def test_a_pod_that_has_no_resolver_says_so(
    text: str | None, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolv, read = tmp_path / "resolv.conf", attempt.resolvers
    if text is not None:
        resolv.write_text(text)
    monkeypatch.setattr(attempt, "resolvers", lambda: read(resolv))
    target = Target(arm="Function", vector="DNS", family="IPv4", address=CLUSTER_DNS, port=53, to="a.svc")
    document = await measure(_task(target), pod="uid-1", node="gpu-1", addresses=OWN)

    assert document.results[0].o == "Failed"
    assert why in document.results[0].d


def test_the_command_leaves_a_document_that_the_operator_takes(tmp_path: Path) -> None:
    output, began = tmp_path / "last-words", datetime.now(UTC)
    # The most that a task may have, on a port that every machine refuses.
    task = _task(*[_tcp(1)] * 96, attempts=1)
    done = ran([*BOLWERK, "probe", "--output", str(output)], env=_env(task))

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert output.stat().st_size <= LENGTH
    document = _read(output.read_text(), task, began=began)
    assert [each.o for each in document.results] == ["Refused"] * 96
    # There was no room for all of the errors' names, and there was for their beginning.
    assert {each.d for each in document.results} < {"ECONNREFUSED"[:cut] for cut in range(1, 13)}
    assert done.stdout.strip() == output.read_text()


@pytest.mark.parametrize(
    ("task", "why"),
    [
        ("no JSON", "Invalid JSON"),
        ('{"run": "a"}', "targets"),
        ('{"run": "a", "targets": []}', "targets"),
        ('{"run": "a", "targets": [{"arm": "Treatment", "vector": "SCTP", "family": "IPv4"}]}', "vector"),
    ],
)
def test_a_task_that_makes_no_sense_is_refused_with_a_sentence(task: str, why: str, tmp_path: Path) -> None:
    output = tmp_path / "last-words"
    done = ran([*BOLWERK, "probe", "--output", str(output)], env={**POD, "BOLWERK_TASK": task})

    assert done.returncode == 1
    assert done.stderr.startswith("Error: nothing was measured: ")
    assert why in done.stderr
    assert "Traceback" not in done.stderr
    assert not output.exists()


def test_the_command_ends_in_time_though_a_resolver_says_nothing(tmp_path: Path) -> None:
    """The C library waits 5 seconds for each of two tries; the probe does not wait for the C library."""
    need_own_network("iptables")
    resolv, output = tmp_path / "resolv.conf", tmp_path / "last-words"
    resolv.write_text("nameserver 203.0.113.53\noptions timeout:20 attempts:5\n")
    mute = "ip addr add 203.0.113.1/24 dev lo; ip addr add 203.0.113.53/32 dev lo; iptables -A INPUT -p udp -j DROP"
    mounts = f"mount --bind {resolv} /etc/resolv.conf"
    task = _task(_tcp(1), *[_name(f"h{index}.example") for index in range(39)], timeout_seconds=0.5)
    began, clock = datetime.now(UTC), time.monotonic()
    done = ran(in_own_network(f"{mute}; {mounts}", (*BOLWERK, "probe", "--output", str(output)), env=_env(task)))
    took = time.monotonic() - clock

    assert done.returncode == 0, done.stderr
    document = _read(output.read_text(), task, began=began)
    assert document.results[0] == Result(o="Refused", n=3, d="ECONNREFUSED")
    assert document.results[1:] == (Result(o="Failed", d="no answer"),) * 39
    # Each name had 1.5 seconds, all at once; one thread of the C library had 100.
    assert document.finished - document.started < timedelta(seconds=15)
    assert took < 50


NAMESERVER = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine:
    mine.bind(("127.0.0.53", 53))
    print("bound", flush=True)
    while True:
        asked, who = mine.recvfrom(512)
        name, kind = asked[12:-4], asked[-4:-2]
        head = asked[:2] + b"\\x81\\x80\\x00\\x01"
        if b"gone" in name:
            mine.sendto(asked[:2] + b"\\x81\\x83" + asked[4:], who)
        elif b"ill" in name:
            mine.sendto(asked[:2] + b"\\x81\\x82" + asked[4:], who)
        elif kind == b"\\x00\\x01":
            # As many as a datagram holds, and the one that tells comes last.
            rows = [bytes([203, 0, 113, each]) for each in range(1, 20)] + [bytes([10, 9, 8, 7])]
            body = b"".join(b"\\xc0\\x0c\\x00\\x01\\x00\\x01\\x00\\x00\\x00\\x3c\\x00\\x04" + each for each in rows)
            mine.sendto(head + bytes([0, len(rows), 0, 0, 0, 0]) + asked[12:] + body, who)
        else:
            mine.sendto(head + b"\\x00\\x00\\x00\\x00\\x00\\x00" + asked[12:], who)
"""


def test_names_are_resolved_as_any_program_of_the_pod_would(tmp_path: Path) -> None:
    need_own_network()
    resolv, output, ready = tmp_path / "resolv.conf", tmp_path / "last-words", tmp_path / "ready"
    server = tmp_path / "nameserver.py"
    server.write_text(NAMESERVER)
    resolv.write_text("search svc.cluster.local\nnameserver 127.0.0.53\noptions ndots:5\n")
    setup = (
        f"mount --bind {resolv} /etc/resolv.conf; {sys.executable} {server} >{ready} & "
        f"until grep -q bound {ready}; do sleep 0.1; done"
    )
    names = ("api.example", "gone.example", "ill.example", "api.example.")
    task = _task(*map(_name, names), allowed=("10.9.0.0/16", "fd00::/8"), timeout_seconds=5)
    began = datetime.now(UTC)
    done = ran(in_own_network(setup, (*BOLWERK, "probe", "--output", str(output)), env=_env(task)))

    assert done.returncode == 0, done.stderr
    api, gone, ill, dotted = _read(output.read_text(), task, began=began).results
    assert api.o == "Answered"
    # What tells comes first, and only whole addresses are kept.
    assert api.d.split(",")[0] == "10.9.8.7"
    assert len(api.d.split(",")) > 5
    assert all(
        each.startswith("203.0.113.") and int(each.rpartition(".")[2]) in range(1, 20) for each in api.d.split(",")[1:]
    )
    assert dotted.d == api.d
    assert gone == Result(o="NoSuchName")
    assert ill.o == "Failed"


def _document(results: tuple[Result, ...], node: str = "gpu-1") -> Document:
    at = datetime(2026, 12, 1, 12, 0, 0, 123456, tzinfo=UTC)
    return Document(run=RUN, pod="u" * 36, node=node, addresses=OWN, started=at, finished=at, results=results)


@pytest.mark.parametrize("outcome", ["Connected", "Answered", "Refused", "TimedOut", "Unreachable", "NoSuchName"])
@pytest.mark.parametrize("detail", ["x" * 127, "é" * 127, '"\\' * 63])
def test_the_kubelet_keeps_it_whole_however_much_there_is_to_tell(outcome: Outcome, detail: str) -> None:
    text = written(_document((Result(o=outcome, n=10, d=detail),) * 96, node="n" * 253))

    assert len(text.encode()) <= LENGTH
    assert {each.o for each in Document.model_validate_json(text).results} == {outcome}


def test_for_want_of_room_addresses_go_whole() -> None:
    addresses = [f"2001:db8::{index}" for index in range(1, 10)]
    text = written(_document((Result(o="Answered", d=",".join(addresses)),) * 40 + (Result(o="TimedOut", n=3),) * 40))

    kept = [each.d.split(",") for each in Document.model_validate_json(text).results[:40]]
    assert all(each == addresses[: len(each)] for each in kept)
    assert all(kept)
