"""Everything that is kopf: its registry, its settings, its login, and the one handler that all kinds share.

kopf watches and nothing else. Only `on.event` is used, no handler returns anything or touches `patch`, posting is
off: kopf then writes nothing at all, on no object, ever. Whatever has to be retried is in our own queue.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import kopf
from typing_extensions import override

from bolwerk.core.kinds import Kind
from bolwerk.shell.cache import Cache
from bolwerk.shell.connection import Connection
from bolwerk.shell.controller import Enqueue
from bolwerk.shell.sweep import selector_of

__all__ = ["Watcher", "make_settings"]

# For how long kopf repeats a request that fails before it gives up and the process ends: longer than an upgrade
# of a control plane takes.
PATIENCE_SECONDS = 600.0
LONGEST_BACKOFF_SECONDS = 30.0
REJECTED_LOGIN_DELAY_SECONDS = 5


class Backoffs(Iterable[float]):
    """Doubling delays with jitter, about ten minutes of them, new ones for each request."""

    @override
    def __iter__(self) -> Iterator[float]:
        spent, delay = 0.0, 1.0
        while spent < PATIENCE_SECONDS:
            jittered = delay * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, guards nothing
            yield jittered
            spent += jittered
            delay = min(delay * 2, LONGEST_BACKOFF_SECONDS)


class NoDiffBase(kopf.DiffBaseStorage):
    """Spares kopf two deep copies of every object per event, for a comparison that only other handlers need."""

    @override
    def build(self, *, body: Any, extra_fields: Any = None) -> Any:
        return {}

    @override
    def fetch(self, *, body: Any) -> Any:
        return None

    @override
    def store(self, *, body: Any, patch: Any, essence: Any) -> None:
        raise AssertionError("nothing is stored on objects")


def make_settings(kinds: Iterable[Kind]) -> kopf.OperatorSettings:
    """Make kopf's settings: silent, patient, write-free."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.watching.chunk_size = 500
    for kind in kinds:
        if selector := selector_of(kind):
            settings.watching.label_selectors[kind.group, kind.version, kind.plural] = selector
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 5
    settings.networking.error_backoffs = Backoffs()
    settings.process.ultimate_exiting_timeout = 20
    settings.persistence.diffbase_storage = NoDiffBase()
    settings.queueing.exit_timeout = 0.5
    # The handler only enqueues: a task that waits for an object's next event would only hold memory.
    settings.queueing.idle_timeout = 0.5
    return settings


class Watcher:
    """Feeds watch events into the cache and the queues.

    Parameters
    ----------
    kinds
        Those to watch, all of them served: kopf cannot wait for one that is not.
    stop
        Ends kopf when set.
    opened
        Called with a kind when its watch was opened after a list, so deletions may have been missed.
    traces
        Put on kopf's session, beside the one that notices opened watches.
    """

    def __init__(
        self,
        *,
        kinds: Iterable[Kind],
        connection: Connection,
        cache: Cache,
        enqueue: Enqueue,
        opened: Callable[[Kind], None],
        stop: asyncio.Event,
        clock: Callable[[], float],
        traces: Iterable[aiohttp.TraceConfig] = (),
    ) -> None:
        self._kinds = tuple(kinds)
        self._connection = connection
        self._cache = cache
        self._enqueue = enqueue
        self._opened = opened
        self._stop = stop
        self._clock = clock
        self._traces = [*traces, self._trace()]
        self._listed: set[Kind] = set()
        self._paths = {f"{kind.root}/{kind.plural}": kind for kind in self._kinds}
        self._logged_in_at = float("-inf")
        self.last_event_at: dict[Kind, float] = {}
        self.failure: BaseException | None = None

    async def spawn(self) -> Collection[asyncio.Task[None]]:
        """Start kopf's tasks, to be awaited by `kopf.run_tasks`; when one of them ends, kopf has stopped watching."""
        return await kopf.spawn_tasks(
            registry=self._registry(),
            settings=make_settings(self._kinds),
            standalone=True,
            clusterwide=True,
            # Unused without peering. Unless it is given, kopf asks for the user's name, which a uid in a pod has not.
            identity="bolwerk",  # type: ignore[arg-type]
            stop_flag=self._stop,
        )

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry)(self._login)
        for kind in self._kinds:
            kopf.on.event(kind.group, kind.version, kind.plural, registry=registry, param=kind)(self._event)
        return registry

    async def _event(self, *, event: Any, param: Any = None, **_: Any) -> None:
        try:
            kind: Kind = param
            self.last_event_at[kind] = self._clock()
            changed = self._cache.remove if event["type"] == "DELETED" else self._cache.put
            self._enqueue(changed(kind, event["object"]))
        except BaseException as failure:
            # kopf logs what a handler raises and goes on; a cache that misses an event must not go on.
            self.failure = failure
            self._stop.set()
            raise

    async def _login(self, **_: Any) -> kopf.AiohttpSession:
        # kopf logs in again after a 401; with a token that stays rejected it would do so without a pause.
        if self._clock() - self._logged_in_at < REJECTED_LOGIN_DELAY_SECONDS:
            raise kopf.TemporaryError("the API server rejects the token", delay=REJECTED_LOGIN_DELAY_SECONDS)
        self._logged_in_at = self._clock()
        session = self._connection.session(traces=self._traces)
        return kopf.AiohttpSession(server=self._connection.server, aiohttp_session=session)

    def _trace(self) -> aiohttp.TraceConfig:
        trace = aiohttp.TraceConfig()

        async def ended(_: aiohttp.ClientSession, __: SimpleNamespace, params: aiohttp.TraceRequestEndParams) -> None:
            kind = self._paths.get(params.url.path)
            if kind is None or params.response.status >= 400:  # noqa: PLR2004
                return
            if "watch" not in params.url.query:
                self._listed.add(kind)
            elif kind in self._listed:
                self._listed.discard(kind)
                self._opened(kind)

        trace.on_request_end.append(ended)
        return trace
