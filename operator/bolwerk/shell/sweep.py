"""Lists: the first of every kind, before any decision is made, and the later ones that find what watches missed.

kopf never reports the deletion of an object that went while a watch was interrupted. So whenever a watch was
opened anew, and every ten minutes, the metadata of the kind is listed and compared with the cache. The few ConfigMaps
that matter are neither listed nor watched but got by name, every half minute: kopf would watch all of the cluster, and
whoever may do that may read what people keep in them. Those of LocalModels, of which there are many, every ten minutes.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable

from bolwerk.core.kinds import (
    NETWORK_POLICY,
    POD,
    VALIDATING_ADMISSION_POLICY,
    VALIDATING_ADMISSION_POLICY_BINDING,
    Kind,
    Ref,
)
from bolwerk.core.model.observed import CHILD_KINDS
from bolwerk.shell.cache import Cache, Key
from bolwerk.shell.client import Client
from bolwerk.shell.controller import Enqueue
from bolwerk.shell.errors import ApiError, GoneError, NotFoundError
from bolwerk.shell.metrics import Metrics

__all__ = ["Sweeper", "selector_of"]

logger = logging.getLogger(__name__)

MANAGED = "app.kubernetes.io/managed-by=bolwerk"
SWEEP_SECONDS = 600.0
RETRY_SECONDS = 10.0
LIST_ATTEMPTS = 5
# With more differences than this the kind is listed in full instead of fetched one by one.
FEW = 50
POLL_SECONDS = 30.0
# Of what is got by name: few enough that others have their turn.
AT_A_TIME = 16
# Of these only Bolwerk's own are looked at; of all others, somebody else's matter too.
SELECTED = frozenset({*CHILD_KINDS, POD, VALIDATING_ADMISSION_POLICY, VALIDATING_ADMISSION_POLICY_BINDING}) - {
    NETWORK_POLICY
}


def selector_of(kind: Kind) -> str:
    """Return the label selector with which a kind is listed and watched, empty for all."""
    return MANAGED if kind in SELECTED else ""


class Sweeper:
    """Fills the cache, then keeps it honest.

    Parameters
    ----------
    kinds
        Those that are listed and watched.
    polled
        Tells which single objects are looked at instead.
    named
        Tells which more are, but as seldom as everything is swept.
    jitter
        A number in [0, 1), so that replicas and kinds do not sweep in step.
    """

    def __init__(
        self,
        *,
        kinds: Iterable[Kind],
        polled: Callable[[], Iterable[Ref]],
        named: Callable[[], Iterable[Ref]] = tuple,
        client: Client,
        cache: Cache,
        enqueue: Enqueue,
        metrics: Metrics,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._kinds = tuple(kinds)
        self._polled = polled
        self._named = named
        self._client = client
        self._cache = cache
        self._enqueue = enqueue
        self._metrics = metrics
        self._jitter = jitter
        self._due: set[Kind] = set()
        self._wake = asyncio.Event()

    async def fill(self) -> None:
        """List every kind into the cache.

        Raises
        ------
        ApiError
            When a kind cannot be listed: no decision may be made on half a picture.
        """
        await asyncio.gather(*(self._load(kind) for kind in self._kinds))
        await self._look_at_polled()
        await self._look_at(self._named())

    def request(self, kind: Kind) -> None:
        """Have a kind swept soon: its watch was opened anew."""
        self._due.add(kind)
        self._wake.set()

    async def poll(self) -> None:
        """Look at what no watch tells about, every half minute, for ever."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self._look_at_polled()
            except ApiError as error:
                logger.warning("a poll failed and is repeated", extra={"error": error.message})

    async def _look_at_polled(self) -> None:
        await self._look_at(self._polled())

    async def _look_at(self, refs: Iterable[Ref]) -> None:
        named = tuple(refs)
        for start in range(0, len(named), AT_A_TIME):
            await asyncio.gather(*map(self._look_at_one, named[start : start + AT_A_TIME]))

    async def _look_at_one(self, ref: Ref) -> None:
        known = self._cache.find(ref)
        if not await self._refresh(ref) and known is not None:
            # At that version: if it was made anew meanwhile, that is another one.
            self._enqueue(self._cache.bury(ref.kind, ref.key, known.uid, version=known.version))

    async def run(self) -> None:
        """Sweep when asked and every ten minutes, for ever."""
        while True:
            try:
                async with asyncio.timeout(SWEEP_SECONDS * (1 + self._jitter() / 5)):
                    await self._wake.wait()
            except TimeoutError:
                self._due.update(self._kinds)
                self._cache.forget_graves()
                by_name = tuple(self._named())
            else:
                by_name = ()
            self._wake.clear()
            kinds, self._due = sorted(self._due), set()
            try:
                await self._sweep_all(kinds)
                await self._look_at(by_name)
            except ApiError as error:
                logger.warning("a sweep failed and is repeated", extra={"error": error.message})
                await asyncio.sleep(RETRY_SECONDS)
                for kind in kinds:
                    self.request(kind)

    async def _sweep_all(self, kinds: Iterable[Kind]) -> None:
        for kind in kinds:
            await self.sweep(kind)

    async def sweep(self, kind: Kind) -> None:
        """Compare the metadata of all objects of a kind with the cache, and mend the cache."""
        listed, version = await self._versions(kind)
        known, polled = self._cache.entries(kind), {ref.key for ref in self._polled() if ref.kind == kind}
        ghosts = [
            (key, entry.uid)
            for key, entry in known.items()
            # Not listed, and not created after the list was made.
            if listed.get(key, ("", 0))[0] != entry.uid and entry.version <= version and key not in polled
        ]
        for key, uid in ghosts:
            self._metrics.ghosts.labels(kind.name).inc()
            logger.info("found deleted", extra={"object": Ref(kind, *key)})
            self._enqueue(self._cache.bury(kind, key, uid, version=version))
        missed = [key for key, (_, live) in listed.items() if key not in known or known[key].version < live]
        if len(missed) > FEW:
            await self._load(kind)
        for key in missed[:FEW] if len(missed) <= FEW else ():
            await self._refresh(Ref(kind, *key))
        if missed:
            self._metrics.missed.labels(kind.name).inc(len(missed))
            logger.info("found changes that no watch reported", extra={"kind": kind.name, "count": len(missed)})

    async def _refresh(self, ref: Ref) -> bool:
        try:
            live = await self._client.get(ref)
        except NotFoundError:
            return False  # if it was listed, it is gone since: its deletion is on its way, or the next sweep finds it
        self._enqueue(self._cache.put(ref.kind, live))
        return True

    async def _load(self, kind: Kind) -> None:
        for attempt in range(1, LIST_ATTEMPTS + 1):
            try:
                async for page in self._client.pages(kind, selector=selector_of(kind)):
                    for item in page.items:
                        self._enqueue(self._cache.put(kind, item))
                    await asyncio.sleep(0)  # thousands of objects: let others have their turn
            except GoneError:  # the snapshot expired between two pages
                if attempt == LIST_ATTEMPTS:
                    raise
            else:
                return

    async def _versions(self, kind: Kind) -> tuple[dict[Key, tuple[str, int]], int]:
        for attempt in range(1, LIST_ATTEMPTS + 1):
            listed: dict[Key, tuple[str, int]] = {}
            version = 0
            try:
                async for page in self._client.pages(kind, selector=selector_of(kind), metadata_only=True):
                    version = int(page.version)
                    for item in page.items:
                        metadata = item["metadata"]
                        key = (metadata.get("namespace", ""), metadata["name"])
                        listed[key] = (metadata["uid"], int(metadata["resourceVersion"]))
                    await asyncio.sleep(0)
            except GoneError:
                if attempt == LIST_ATTEMPTS:
                    raise
            else:
                return listed, version
        raise AssertionError("unreachable")
