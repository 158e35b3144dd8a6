"""The work queue, in virtual time."""

import asyncio

import pytest

from bolwerk.shell.queue import WorkQueue

pytestmark = pytest.mark.looptime


def now() -> float:
    return asyncio.get_running_loop().time()


def make_queue() -> WorkQueue[str]:
    return WorkQueue(jitter=lambda: 0.0)


async def take(queue: WorkQueue[str]) -> str:
    async with asyncio.timeout(1000):
        return await queue.get()


async def test_a_key_that_is_added_twice_while_it_waits_is_worked_on_once() -> None:
    queue = make_queue()
    queue.add("a")
    queue.add("b")
    queue.add("a")

    assert [await take(queue), await take(queue)] == ["a", "b"]
    assert len(queue) == 0


async def test_a_key_that_is_added_while_it_is_worked_on_comes_back_only_after_that() -> None:
    queue = make_queue()
    queue.add("a")
    assert await take(queue) == "a"

    queue.add("a")
    queue.add("a")
    assert len(queue) == 0, "two workers must never hold one key"

    queue.done("a")
    assert await take(queue) == "a"
    queue.done("a")
    assert queue.idle


async def test_a_key_that_is_done_and_not_added_again_is_not_worked_on_again() -> None:
    queue = make_queue()
    queue.add("a")
    queue.done(await take(queue))

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.get(), 1000)


async def test_workers_that_wait_are_woken_one_for_each_key() -> None:
    queue = make_queue()
    workers = [asyncio.create_task(queue.get()) for _ in range(3)]
    await asyncio.sleep(0)

    queue.add("a")
    queue.add("b")
    done, waiting = await asyncio.wait(workers, timeout=1)

    assert {task.result() for task in done} == {"a", "b"}
    assert len(waiting) == 1
    waiting.pop().cancel()


async def test_a_worker_that_is_cancelled_on_its_turn_passes_the_key_on() -> None:
    queue = make_queue()
    first, second = asyncio.create_task(queue.get()), asyncio.create_task(queue.get())
    await asyncio.sleep(0)

    queue.add("a")
    first.cancel()

    assert await asyncio.wait_for(second, 1) == "a"


async def test_failures_back_off_from_one_second_to_five_minutes() -> None:
    queue = make_queue()

    delays = [queue.retry("a") for _ in range(11)]

    assert delays == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


async def test_jitter_stretches_a_back_off_by_at_most_a_fifth() -> None:
    queue: WorkQueue[str] = WorkQueue(jitter=lambda: 0.999)

    assert 1.19 < queue.retry("a") < 1.2


async def test_a_key_that_failed_comes_back_after_its_back_off_and_not_before() -> None:
    queue = make_queue()
    queue.retry("a")
    queue.retry("a")

    assert await take(queue) == "a"
    assert now() == 2


async def test_an_event_brings_a_key_that_failed_back_at_once() -> None:
    queue = make_queue()
    for _ in range(10):
        queue.retry("a")

    queue.add("a")

    assert await take(queue) == "a"
    assert now() == 0


async def test_a_key_that_is_well_again_starts_its_back_off_anew_and_has_no_appointment() -> None:
    queue = make_queue()
    for _ in range(5):
        queue.retry("a")
    queue.forget("a")

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.get(), 1000)
    assert queue.retry("a") == 1


async def test_a_later_appointment_replaces_an_earlier_one() -> None:
    queue = make_queue()
    queue.add_after("a", 5)
    queue.add_after("a", 30)

    assert await take(queue) == "a"
    assert now() == 30


async def test_an_appointment_that_comes_due_during_the_work_is_kept_until_it_is_done() -> None:
    queue = make_queue()
    queue.add("a")
    await take(queue)
    queue.add_after("a", 1)
    await asyncio.sleep(5)
    assert len(queue) == 0

    queue.done("a")

    assert await take(queue) == "a"


async def test_depth_and_age_tell_of_the_key_that_waits_longest() -> None:
    queue = make_queue()
    assert (len(queue), queue.oldest_age) == (0, 0)
    queue.add("a")
    await asyncio.sleep(3)
    queue.add("b")
    await asyncio.sleep(4)

    assert (len(queue), queue.oldest_age) == (2, 7)
    await take(queue)
    assert (len(queue), queue.oldest_age) == (1, 4)


class Wall:
    """A wall clock that somebody may set."""

    def __init__(self) -> None:
        self.ahead = 1e9

    def __call__(self) -> float:
        return now() + self.ahead


async def test_an_alarm_rings_when_its_instant_has_come_and_never_before() -> None:
    wall = Wall()
    queue: WorkQueue[str] = WorkQueue(wall=wall)
    at = wall() + 86_400
    queue.add_at("late", at + 7)
    queue.add_at("a", at)

    assert await queue.get() == "a"
    assert 0 <= wall() - at < 0.001
    assert await queue.get() == "late"
    assert 0 <= wall() - at - 7 < 0.001


@pytest.mark.parametrize("jump", [3600.0, 5e6])
async def test_an_alarm_rings_within_a_second_after_the_clock_was_set_past_it(jump: float) -> None:
    """Also when the machine slept: the loop's clock stands still then."""
    wall = Wall()
    queue: WorkQueue[str] = WorkQueue(wall=wall)
    queue.add_at("a", wall() + 3600)
    await asyncio.sleep(10)

    wall.ahead += jump
    started = now()

    assert await queue.get() == "a"
    assert now() - started <= 1


async def test_an_alarm_waits_longer_when_the_clock_was_set_back() -> None:
    wall = Wall()
    queue: WorkQueue[str] = WorkQueue(wall=wall)
    at = wall() + 10
    queue.add_at("a", at)
    await asyncio.sleep(9.5)

    wall.ahead -= 3600

    assert await queue.get() == "a"
    assert wall() >= at
    assert now() >= 3600


async def test_a_later_alarm_replaces_an_earlier_one_and_none_cancels_it() -> None:
    wall = Wall()
    queue: WorkQueue[str] = WorkQueue(wall=wall)
    for key in ("moved", "cancelled"):
        queue.add_at(key, wall() + 5)
    queue.add_at("moved", wall() + 50)
    queue.add_at("cancelled", None)

    started = now()
    assert await take(queue) == "moved"
    assert now() - started == pytest.approx(50)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.get(), 1000)


async def test_neither_well_being_nor_a_back_off_silences_an_alarm() -> None:
    """What ends at noon ends at noon, also while something else about the object is retried every five minutes."""
    wall = Wall()
    queue: WorkQueue[str] = WorkQueue(jitter=lambda: 0.0, wall=wall)
    queue.add_at("a", wall() + 5)
    queue.forget("a")
    for _ in range(10):
        queue.retry("a")

    started = now()
    assert await take(queue) == "a"
    assert now() - started == pytest.approx(5)


async def test_who_works_on_a_key_can_tell_that_its_alarm_rang_meanwhile() -> None:
    wall = Wall()
    queue: WorkQueue[str] = WorkQueue(wall=wall)
    queue.add("a")
    assert await take(queue) == "a"
    queue.add_at("a", wall() + 5)
    queue.add("a")
    assert not queue.has_rung("a"), "that something else came in is no alarm"

    await asyncio.sleep(6)
    assert queue.has_rung("a")
    queue.done("a")
    assert not queue.has_rung("a")
    assert await take(queue) == "a"
