"""The audit trail's writer: lines at once, the head behind them, and one chain over every restart and fault."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import web

from bolwerk.core.audit.action import Action
from bolwerk.core.audit.entry import Fact
from bolwerk.core.audit.verdict import Verdict
from bolwerk.core.audit.verify import verify
from bolwerk.core.line import Line
from bolwerk.shell.fence import Fence
from bolwerk.shell.sink import Sink
from bolwerk.shell.trail import Trail

from .api import MemoryApi
from .conftest import ScriptedServer
from .trails import actions, read

STORED = "/api/v1/namespaces/bolwerk/configmaps/bolwerk-audit"


def fact(name: str = "x") -> Fact:
    return Fact(Action.WALL_APPLIED, f"SovereigntyPolicy {name}")


def judge(log: Path, *heads: str) -> Verdict:
    lines = [Line(f"line {number}", text) for number, text in enumerate(log.read_text().splitlines(), 1)]
    return verify([lines], expected_heads=heads)


@contextmanager
def running(trail: Trail) -> Iterator[None]:
    task = asyncio.create_task(trail.run())
    try:
        yield
    finally:
        task.cancel()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.001)


def stored(api: MemoryApi) -> dict[str, str]:
    found: dict[str, str] = api.objects.get(STORED, {}).get("data", {})
    return found


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bolwerk.shell.trail.PAUSE_SECONDS", 0.01)


async def test_lines_are_written_at_once_and_the_head_follows(trail: Trail, api: MemoryApi, audit_log: Path) -> None:
    trail.record([fact("a"), fact("b")])

    assert actions(audit_log) == ["TrailStarted", "WallApplied", "WallApplied"]
    assert not stored(api)
    with running(trail):
        await until(lambda: stored(api).get("sequence") == "3")
    assert stored(api)["hash"] == read(audit_log)[-1]["hash"]
    assert judge(audit_log, stored(api)["hash"]).ok


async def test_many_entries_are_one_write(trail: Trail, api: MemoryApi) -> None:
    with running(trail):
        for number in range(100):
            trail.record([fact(str(number))])
        await until(lambda: stored(api).get("sequence") == "101")

    assert sum(api.writes.values()) == 1


async def test_who_has_nothing_to_tell_writes_nothing(
    make_trail: Callable[[str], Trail], trail: Trail, api: MemoryApi, audit_log: Path
) -> None:
    trail.record([fact()])
    await trail.close()
    api.writes.clear()
    before = read(audit_log)

    again = make_trail("second")
    await again.open()
    again.record([])
    with running(again):
        await asyncio.sleep(0.05)
    await again.close()

    assert not api.writes
    assert read(audit_log) == before


@pytest.mark.parametrize("beyond", [0, 3])
async def test_the_next_leader_goes_on_from_the_stored_head_and_says_so(
    make_trail: Callable[[str], Trail], trail: Trail, api: MemoryApi, audit_log: Path, beyond: int
) -> None:
    trail.record([fact()])
    await trail.close()
    trail.record([fact(str(number)) for number in range(beyond)])  # and then it is killed

    again = make_trail("second")
    await again.open()
    again.record([fact("after")])
    await again.close()

    verdict = judge(audit_log, stored(api)["hash"])
    assert verdict.ok, verdict.broken
    assert (verdict.resumed, verdict.unanchored) == (1, beyond)
    resumed = next(entry for entry in read(audit_log) if entry["action"] == "TrailResumed")
    assert resumed["detail"] == {"formerWriter": "test", "linesBeyondAtMost": 1024}
    assert resumed["origin"] == "second"


async def test_an_answer_that_was_lost_is_no_other_writer(trail: Trail, api: MemoryApi, server: ScriptedServer) -> None:
    async def lose(request: web.Request) -> web.StreamResponse:
        await api(request)
        raise web.HTTPGatewayTimeout

    with running(trail):
        trail.record([fact("a")])
        await until(lambda: stored(api).get("sequence") == "2")
        server.script = [lose, api]
        trail.record([fact("b")])
        await until(lambda: stored(api).get("sequence") == "3")
        trail.record([fact("c")])
        await until(lambda: stored(api).get("sequence") == "4")


async def test_a_write_that_was_under_way_at_the_end_is_not_in_the_way_of_the_last_one(
    trail: Trail, api: MemoryApi, server: ScriptedServer
) -> None:
    async def hang(request: web.Request) -> web.StreamResponse:
        await api(request)
        written.set()
        await asyncio.sleep(60)
        raise AssertionError

    written = asyncio.Event()
    server.script = [hang, api]
    with running(trail):
        trail.record([fact("a")])
        await asyncio.wait_for(written.wait(), 5)
        trail.record([fact("b")])
    await asyncio.sleep(0)

    await trail.close()

    assert stored(api)["sequence"] == "3"


@pytest.mark.parametrize("found", ["nothing", "another hash", "nonsense"])
async def test_a_head_that_somebody_touched_is_replaced_and_told(
    trail: Trail, api: MemoryApi, audit_log: Path, found: str
) -> None:
    with running(trail):
        trail.record([fact("a")])
        await until(lambda: stored(api).get("sequence") == "2")
        touched = api.objects.pop(STORED)
        if found != "nothing":
            data = {"sequence": "7", "hash": "f" * 64} if found == "another hash" else {"sequence": "many"}
            touched = {**touched, "metadata": {**touched["metadata"], "resourceVersion": "9"}, "data": data}
            api.objects[STORED] = touched
        trail.record([fact("b")])
        await until(lambda: stored(api).get("sequence") == "4")

    assert actions(audit_log)[-1] == "HeadReplaced"
    assert judge(audit_log, stored(api)["hash"]).ok


async def test_without_a_right_to_store_the_head_lines_are_written_all_the_same(
    trail: Trail, api: MemoryApi, audit_log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    api.refusals["configmaps"] = (403, "may not create configmaps")
    with running(trail):
        trail.record([fact("a")])
        await until(lambda: bool(caplog.records))
        assert vars(caplog.records[0])["error"] == "may not create configmaps"
        assert actions(audit_log) == ["TrailStarted", "WallApplied"]
        del api.refusals["configmaps"]
        await until(lambda: stored(api).get("sequence") == "2")


async def test_a_line_that_cannot_be_written_is_in_the_log_and_missed_in_the_chain(
    trail: Trail, audit_log: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Sink, __: str) -> None:
        raise OSError(28, "No space left on device")

    trail.record([fact("a")])
    with monkeypatch.context() as broken:
        broken.setattr(Sink, "write", fail)
        trail.record([fact("b")])
    trail.record([fact("c")])

    [record] = caplog.records
    assert "No space left" in vars(record)["error"]
    assert '"SovereigntyPolicy b"' in vars(record)["line"]
    verdict = judge(audit_log)
    assert verdict.broken is not None
    assert "1 missing" in verdict.broken.sentence


async def test_with_too_much_beyond_the_head_whoever_has_more_to_tell_waits(trail: Trail, api: MemoryApi) -> None:
    trail.record([fact(str(number)) for number in range(600)])
    waiting = asyncio.create_task(trail.room())
    await asyncio.sleep(0)
    assert not waiting.done()

    with running(trail):
        await asyncio.wait_for(waiting, 2)

    assert stored(api)["sequence"] == "601"
    await trail.room()


async def test_with_too_much_beyond_it_the_head_does_not_wait_for_its_second(
    trail: Trail, api: MemoryApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bolwerk.shell.trail.PAUSE_SECONDS", 3600.0)
    with running(trail):
        trail.record([fact("first")])
        await until(lambda: stored(api).get("sequence") == "2")
        trail.record([fact("second")])
        await asyncio.sleep(0.02)
        assert stored(api)["sequence"] == "2"

        trail.record([fact(str(number)) for number in range(600)])
        await until(lambda: stored(api).get("sequence") == "603")


async def test_a_closed_fence_keeps_the_head_as_it_is(trail: Trail, api: MemoryApi, fence: Fence) -> None:
    trail.record([fact()])
    fence.close()

    await trail.close()

    assert not api.writes


def test_a_rotated_file_is_followed_and_a_cut_line_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_text('{"audit": {"cut')
    sink = Sink(path)

    sink.write("one")
    path.rename(tmp_path / "audit.log.1")
    sink.write("two")
    sink.sync()
    sink.close()

    assert (tmp_path / "audit.log.1").read_text() == '{"audit": {"cut\none\n'
    assert path.read_text() == "two\n"


def test_a_trail_that_was_not_opened_is_a_mistake(make_trail: Callable[[str], Trail]) -> None:
    with pytest.raises(RuntimeError, match="not been opened"):
        make_trail("hasty").record([fact()])
