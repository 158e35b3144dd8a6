"""When an object is looked at again: after a failure, when its plan says so, and never in a hot loop."""

import asyncio
import itertools
import time
from datetime import datetime

import pytest

from bolwerk.core.kinds import SERVICE, Ref
from bolwerk.core.model.observed import Observed
from bolwerk.core.plan import Plan
from bolwerk.core.settings import Settings
from bolwerk.shell.cache import Cache
from bolwerk.shell.controller import LONG_DECISION_SECONDS, REST
from bolwerk.shell.errors import FenceClosedError
from bolwerk.shell.fence import Fence
from bolwerk.shell.queue import WorkQueue

from .api import MemoryApi
from .chat import CHAT, SERVICE_PATH, converging
from .conftest import Make


async def test_one_model_that_breaks_the_code_is_retried_and_stops_no_other(
    make_controller: Make, queue: WorkQueue[Ref], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Observed, __: Settings, ___: datetime) -> Plan:
        raise ZeroDivisionError("a bug")

    await make_controller(broken)._work_on(CHAT)

    assert "reconciliation failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert queue.retry(CHAT) == 2


async def test_a_worker_ends_when_it_may_not_write(make_controller: Make, queue: WorkQueue[Ref], fence: Fence) -> None:
    fence.close()
    queue.add(CHAT)

    with pytest.raises(FenceClosedError):
        await make_controller(converging).work()


async def test_a_steady_model_is_looked_at_again_when_the_plan_says_so(
    make_controller: Make, queue: WorkQueue[Ref]
) -> None:
    def later(_: Observed, __: Settings, ___: datetime) -> Plan:
        return Plan(requeue_after=0.01)

    await make_controller(later).process(CHAT)

    assert await queue.get() == CHAT


async def test_a_fight_with_another_writer_is_slowed_down_to_one_write_a_second(
    make_controller: Make, api: MemoryApi, cache: Cache, queue: WorkQueue[Ref]
) -> None:
    controller = make_controller(converging)
    results = []
    for _ in range(15):
        results.append(await controller.process(CHAT))
        # The other writer undoes it at once.
        if SERVICE_PATH in api.objects:
            cache.remove(SERVICE, api.objects.pop(SERVICE_PATH))

    assert results == ["changed"] * 10 + ["paced"] * 5
    assert api.writes[("apply", "services")] == 10
    assert queue.idle, "what is paced waits for its turn"


async def test_a_decision_that_holds_up_the_event_loop_is_not_made_again_at_once(
    make_controller: Make, queue: WorkQueue[Ref]
) -> None:
    decided: list[tuple[float, float]] = []
    enough = asyncio.Event()

    def ponder(_: Observed, __: Settings, ___: datetime) -> Plan:
        started = time.perf_counter()
        time.sleep(2 * LONG_DECISION_SECONDS)
        decided.append((started, time.perf_counter()))
        queue.add(CHAT)  # it has changed meanwhile
        if len(decided) == 3:
            enough.set()
        return Plan()

    queue.add(CHAT)
    working = asyncio.create_task(make_controller(ponder).work())
    await asyncio.wait_for(enough.wait(), 5)
    working.cancel()

    for (began, ended), (again, _) in itertools.pairwise(decided):
        assert again - ended >= REST * (ended - began) * 0.9
