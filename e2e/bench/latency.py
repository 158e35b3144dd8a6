"""How long it takes from a change to what must follow from it, as somebody sees it who watches the API server."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from bench.client import Api, Manifest, each
from bolwerk.core.kinds import DEPLOYMENT, LOCAL_MODEL, NETWORK_POLICY, Kind

_PATIENCE = 60.0  # seconds
_PACE = 0.2  # seconds between two changes at rest
_OTHERS_AT_ONCE = 16

Model = tuple[str, str]
Seen = Callable[[Manifest], bool]


@dataclass(frozen=True)
class Latencies:
    """Seconds from a change, as it is sent, to what must follow from it, as a watch tells it."""

    at_rest: Sequence[float]
    in_the_crowd: Sequence[float]
    others: Sequence[float]
    bursts: int
    rate: float
    """How many of the others changed per second, in the slowest burst."""
    opened: Sequence[float]
    deleted: Sequence[float]


async def take(api: Api, models: Sequence[Model], others: Sequence[Model], *, say: Callable[[str], None]) -> Latencies:
    """Take all of them, one kind after the other."""
    say("edits at rest")
    at_rest = await edits_at_rest(api, models)
    say(f"edits while {len(others)} others change")
    mine, theirs, rates = await edits_in_the_crowd(api, models, others)
    say("walls opened by hand")
    opened = await heal_edited(api, models)
    say("walls deleted by hand")
    deleted = await heal_deleted(api, models)
    return Latencies(at_rest, mine, theirs, len(rates), min(rates), opened, deleted)


class Eye:
    """Watches one kind in one namespace, and tells when an object is as somebody waits for."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[Seen, asyncio.Future[float]]] = {}
        self._open = asyncio.Event()

    @classmethod
    @contextlib.asynccontextmanager
    async def on(cls, api: Api, kind: Kind, namespace: str) -> AsyncIterator["Eye"]:
        """Keep the watch open for as long as the block lasts."""
        eye = cls()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(eye._follow(api, kind, namespace))
            await eye._open.wait()
            yield eye
            task.cancel()

    async def _follow(self, api: Api, kind: Kind, namespace: str) -> None:
        async for event in api.watch(kind, namespace):
            now = time.perf_counter()
            if event["type"] == "OPEN":
                self._open.set()
                continue
            if event["type"] == "ERROR":
                raise RuntimeError(f"the watch on {kind.plural} broke: {event['object']}")
            waiting = self._waiting.get(event["object"]["metadata"]["name"])
            if waiting and event["type"] != "DELETED" and not waiting[1].done() and waiting[0](event["object"]):
                waiting[1].set_result(now)

    async def until(self, name: str, seen: Seen) -> float:
        """Return the instant at which the object of this name was seen to be so."""
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting[name] = (seen, future)
        try:
            async with asyncio.timeout(_PATIENCE):
                return await future
        except TimeoutError:
            raise TimeoutError(f"{name} did not become as it should within {_PATIENCE:.0f} s") from None
        finally:
            del self._waiting[name]


async def _timed(seen: Coroutine[Any, Any, float], change: Coroutine[Any, Any, object]) -> float:
    """Return the seconds from sending the change until what must follow was seen."""
    async with asyncio.TaskGroup() as group:
        following = group.create_task(seen)
        await asyncio.sleep(0)  # the watcher must be waiting before the change is made
        started = time.perf_counter()
        await change
    return following.result() - started


async def edit(api: Api, eye: Eye, model: Model, length: int) -> float:
    """Change a LocalModel; return the seconds until its Deployment was seen to have the change."""
    namespace, name = model
    wanted = f"--max-model-len={length}"

    def has_it(deployment: Manifest) -> bool:
        return wanted in deployment["spec"]["template"]["spec"]["containers"][0]["command"]

    return await _timed(
        eye.until(name, has_it),
        api.patch(LOCAL_MODEL, namespace, name, {"spec": {"engine": {"vllm": {"maxModelLength": length}}}}),
    )


async def edits_at_rest(api: Api, models: Sequence[Model]) -> list[float]:
    """Change one LocalModel after the other, with nothing else going on."""
    taken = []
    async with Eye.on(api, DEPLOYMENT, models[0][0]) as eye:
        for number, model in enumerate(models):
            taken.append(await edit(api, eye, model, 4096 + number))
            await asyncio.sleep(_PACE)
    return taken


async def edits_in_the_crowd(
    api: Api, models: Sequence[Model], others: Sequence[Model]
) -> tuple[list[float], list[float], list[float]]:
    """Change one LocalModel after the other while all others change too, each once, again and again.

    Returns
    -------
    tuple
        Seconds for each of the models, seconds for each of the others, and for each burst how many others changed
        per second.
    """
    mine: list[float] = []
    theirs: list[float] = []
    rates: list[float] = []
    lengths = iter(range(10_000, 1_000_000))
    async with Eye.on(api, DEPLOYMENT, models[0][0]) as eye:

        async def one(model: Model) -> None:
            theirs.append(await edit(api, eye, model, next(lengths)))

        async def crowd() -> None:
            started = time.perf_counter()
            await each(others, one, at_once=_OTHERS_AT_ONCE)
            rates.append(len(others) / (time.perf_counter() - started))

        while len(mine) < len(models):
            crowding = asyncio.create_task(crowd())
            while not crowding.done():
                mine.append(await edit(api, eye, models[len(mine) % len(models)], next(lengths)))
            await crowding
    return mine, theirs, rates


async def heal_edited(api: Api, models: Sequence[Model]) -> list[float]:
    """Open one wall after the other by hand; return the seconds until each was seen closed again."""
    taken = []
    async with Eye.on(api, NETWORK_POLICY, models[0][0]) as eye:
        for namespace, name in models:
            opened = False

            def closed(policy: Manifest) -> bool:
                nonlocal opened
                was_open, opened = opened, opened or bool(policy["spec"].get("egress"))
                return was_open and not policy["spec"].get("egress")

            taken.append(
                await _timed(
                    eye.until(name, closed), api.patch(NETWORK_POLICY, namespace, name, {"spec": {"egress": [{}]}})
                )
            )
            await asyncio.sleep(_PACE)
    return taken


async def heal_deleted(api: Api, models: Sequence[Model]) -> list[float]:
    """Delete one wall after the other; return the seconds until each was seen to stand again."""
    taken = []
    async with Eye.on(api, NETWORK_POLICY, models[0][0]) as eye:
        for namespace, name in models:
            path = f"{NETWORK_POLICY.root}/namespaces/{namespace}/{NETWORK_POLICY.plural}/{name}"
            taken.append(await _timed(eye.until(name, lambda _: True), api.call("DELETE", path)))
            await asyncio.sleep(_PACE)
    return taken
