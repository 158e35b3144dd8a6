"""When an object is looked at again: after a failure, when its plan says so, and never in a hot loop."""

import asyncio
import dataclasses
import itertools
import time
from datetime import datetime

import pytest

from bolwerk.core.kinds import SERVICE, Ref
from bolwerk.core.model.observed import Observed
from bolwerk.core.plan import Apply, Delete, Plan
from bolwerk.core.settings import Settings
from bolwerk.shell.cache import Cache
from bolwerk.shell.controller import LONG_DECISION_SECONDS, REST
from bolwerk.shell.errors import FenceClosedError
from bolwerk.shell.fence import Fence
from bolwerk.shell.queue import WorkQueue

from .api import MemoryApi
from .chat import CHAT, SERVICE_PATH, UID, child, converging
from .conftest import Make
from .objects import make


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


async def test_what_ends_is_looked_at_when_it_ends_although_something_is_refused(
    make_controller: Make, api: MemoryApi, queue: WorkQueue[Ref]
) -> None:
    """The back-off may be five minutes by then."""
    api.refusals["networkpolicies"] = (403, "not now")
    ends_in = 0.2
    started = time.monotonic()

    def ending(observed: Observed, settings: Settings, now: datetime) -> Plan:
        return dataclasses.replace(
            converging(observed, settings, now), requeue_after=max(ends_in - (time.monotonic() - started), 60e-6)
        )

    assert await make_controller(ending).process(CHAT) == "refused"

    assert await queue.get() == CHAT
    assert time.monotonic() - started < 1


async def test_what_has_to_be_closed_is_closed_although_something_is_refused(
    make_controller: Make, api: MemoryApi, cache: Cache
) -> None:
    api.refusals["networkpolicies"] = (403, "not now")
    hole, former = make(SERVICE, "hole", owner=UID), make(SERVICE, "former", owner=UID)
    for service in (hole, former):
        api.keep(SERVICE, service)
        cache.put(SERVICE, service)

    def closing(observed: Observed, settings: Settings, now: datetime) -> Plan:
        surplus = tuple(
            Delete(Ref(SERVICE, "team", name), f"services-team-{name}", "no longer desired", first=name == "hole")
            for name in ("former", "hole")
            if any(found["metadata"]["name"] == name for found in observed.children.get(SERVICE, ()))
        )
        return dataclasses.replace(converging(observed, settings, now), delete=surplus)

    assert await make_controller(closing).process(CHAT) == "refused"

    kept = {path.rpartition("/")[2] for path in api.objects if "/services/" in path}
    assert kept == {"former"}


async def test_what_ends_while_much_else_is_applied_does_not_wait_for_it(
    make_controller: Make, api: MemoryApi, queue: WorkQueue[Ref]
) -> None:
    ends = time.time() + 0.3
    applied_late: list[float] = []

    def opening(_: Observed, __: Settings, now: datetime) -> Plan:
        if time.time() >= ends:
            applied_late.append(time.time())
            return Plan()
        many = tuple(
            Apply(
                SERVICE, {**child(SERVICE), "metadata": {**child(SERVICE)["metadata"], "name": f"s{number}"}}, "absent"
            )
            for number in range(5000)
        )
        return Plan(apply=many, requeue_after=ends - now.timestamp())

    controller = make_controller(opening)
    queue.add(CHAT)
    working = asyncio.create_task(controller.work())
    async with asyncio.timeout(30):
        while not applied_late:  # noqa: ASYNC110 - the worker tells nobody
            await asyncio.sleep(0.01)
    working.cancel()

    assert applied_late[0] - ends < 1
    assert 0 < api.writes["apply", "services"] < 5000
