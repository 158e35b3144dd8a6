"""The scan of the ConfigMaps and Secrets that governed pods refer to: what admission cannot see.

Runs while leading, every ten minutes and soon after a SovereigntyPolicy or the set of governed namespaces changed.
Objects are read one at a time, by the names in pod specs; none is listed, watched or kept. A value lives in `_seen` and
what that calls, and nowhere else: not in the cache, a log line, an exception or a metric.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bolwerk.core.invalid import InvalidSpecError
from bolwerk.core.kinds import POD, Ref
from bolwerk.core.policy.observed import Observed
from bolwerk.core.references.findings import Finding, Findings
from bolwerk.core.references.gaps import Gaps, kinds_to_read
from bolwerk.core.references.look import Rules, Seen, look
from bolwerk.core.references.pod import References, references
from bolwerk.core.references.scope import Scope, scope
from bolwerk.core.references.survey import Survey, conclude, survey
from bolwerk.core.settings import Settings
from bolwerk.shell.client import Client
from bolwerk.shell.errors import ApiError, GoneError, NotFoundError
from bolwerk.shell.metrics import Metrics

__all__ = ["Scanner"]

logger = logging.getLogger(__name__)

SCAN_SECONDS = 600.0
RETRY_SECONDS = 60.0
# A change is followed by others: the namespaces of a new policy, the next line that somebody edits.
SETTLE_SECONDS = 5.0
LIST_ATTEMPTS = 5
# Whole pods are sent, of which a tenth is read: a page is a megabyte or so.
PODS_A_PAGE = 100
# Few beside the client's own limit: a scan may take its time and others may not wait for it.
READERS = 4
FORBIDDEN = 403


class Scanner:
    """Looks behind references and tells what it found by name.

    Parameters
    ----------
    observe
        Takes the snapshot of every SovereigntyPolicy.
    publish
        Takes in what was found for the policy of this name.
    jitter
        A number in [0, 1), so that clusters that were started together do not scan in step.
    """

    def __init__(
        self,
        *,
        client: Client,
        settings: Settings,
        observe: Callable[[], Iterable[Observed]],
        publish: Callable[[str, Findings], None],
        metrics: Metrics,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._settings = settings
        self._observe = observe
        self._publish = publish
        self._metrics = metrics
        self._jitter = jitter
        self._wake = asyncio.Event()
        self._looking = asyncio.Lock()
        self._scanned: Any = None
        self._counted: set[tuple[str, str, str]] = set()

    def request(self) -> None:
        """Say that a SovereigntyPolicy, the catalogue or a namespace may have changed; cheap, however often."""
        self._wake.set()

    async def run(self) -> None:
        """Scan at once, when something changed and every ten minutes, for ever."""
        while True:
            seconds = SCAN_SECONDS * (1 + self._jitter() / 5)
            try:
                await self.scan()
            except* ApiError as errors:
                # What was found before stays: it is more likely true than nothing.
                logger.warning("a scan of references failed and is repeated", extra={"error": str(_first(errors))})
                seconds = RETRY_SECONDS
            try:
                async with asyncio.timeout(seconds):
                    await self._changed()
            except TimeoutError:
                continue

    async def _changed(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(SETTLE_SECONDS)
            self._wake.clear()
            if _situation(self._observe()) != self._scanned:
                return

    async def scan(self) -> None:
        """Look behind the references of all governed namespaces once.

        Raises
        ------
        ApiError, ExceptionGroup
            When something could be read neither now nor after the client's retries; nothing is published then.
        """
        started = time.monotonic()
        observed = tuple(self._observe())
        situation = _situation(observed)
        results = [(where, *await self._scan(where)) for where in self._scopes(observed)]
        self._scanned = situation
        self._count(results)
        for where, found, gaps in results:
            findings = Findings.of(found, looked_at=gaps.looked_at, not_looked_at=gaps.sentences(self._settings))
            logger.debug(
                "scanned references",
                extra={"policy": where.policy, "objects": findings.looked_at, "findings": len(found)},
            )
            self._publish(where.policy, findings)
        self._metrics.scanned_at.set_to_current_time()
        self._metrics.scan_seconds.set(time.monotonic() - started)

    def _count(self, results: Iterable[tuple[Scope, list[Finding], Gaps]]) -> None:
        counted: Counter[tuple[str, str, str]] = Counter(
            (where.policy, each.leak, each.decision) for where, found, _ in results for each in found
        )
        for labels, number in counted.items():
            self._metrics.leaks.labels(*labels).set(number)
        # Not all of them cleared before: a scrape in between would end an alert.
        for labels in self._counted - counted.keys():
            self._metrics.leaks.remove(*labels)
        self._counted = set(counted)

    def _scopes(self, observed: Iterable[Observed]) -> Iterator[Scope]:
        for each in observed:
            try:
                yield scope(each, self._settings)
            except InvalidSpecError:
                continue  # its status says what is wrong; what was found before stays in it

    async def _scan(self, where: Scope) -> tuple[list[Finding], Gaps]:
        gaps, found = Gaps(), list[Finding]()
        for namespace in where.namespaces:
            try:
                surveyed = survey(await self._pods(namespace))
            except ApiError as error:
                if error.status != FORBIDDEN:
                    raise
                gaps.denied.add((POD, namespace))
                continue
            seen = await self._read(surveyed, where.rules, gaps)
            found.extend(conclude(surveyed, seen, where.rules))
        return found, gaps

    async def _pods(self, namespace: str) -> list[References]:
        for attempt in range(1, LIST_ATTEMPTS + 1):
            found: list[References] = []
            try:
                async for page in self._client.pages(POD, namespace=namespace, limit=PODS_A_PAGE):
                    found.extend(references(pod) for pod in page.items)
                    await asyncio.sleep(0)  # thousands of pods: let others have their turn
            except GoneError:  # the snapshot expired between two pages
                if attempt == LIST_ATTEMPTS:
                    raise
            else:
                return found
        raise AssertionError("unreachable")

    async def _read(self, surveyed: Survey, rules: Rules, gaps: Gaps) -> dict[Ref, Seen]:
        seen: dict[Ref, Seen] = {}
        kinds = kinds_to_read(self._settings)
        waiting = iter(sorted(ref for ref in surveyed.users if ref.kind in kinds))

        async def reader() -> None:
            for ref in waiting:
                if (ref.kind, ref.namespace) in gaps.denied:
                    continue
                try:
                    seen[ref] = await self._seen(ref, surveyed.keys(ref), rules)
                except NotFoundError:
                    seen[ref] = Seen()  # optional, or its pod waits for it
                except ApiError as error:
                    if error.status != FORBIDDEN:
                        raise
                    gaps.denied.add((ref.kind, ref.namespace))
                else:
                    gaps.looked_at += 1
                    gaps.too_long.update((ref, key) for key in seen[ref].too_long)

        async with asyncio.TaskGroup() as readers:
            for _ in range(READERS):
                readers.create_task(reader())
        return seen

    async def _seen(self, ref: Ref, keys: frozenset[str] | None, rules: Rules) -> Seen:
        manifest = await self._client.get(ref)
        # In a thread, for a value may be a megabyte and the loop has others to serve; one at a time, for they share one
        # interpreter.
        async with self._looking:
            return await asyncio.to_thread(look, ref.kind, manifest, keys, rules)


def _situation(observed: Iterable[Observed]) -> Any:
    """Return what decides where is looked and what counts, to be compared with what it was."""
    return [
        (
            each.policy["metadata"]["uid"],
            each.policy["metadata"].get("generation"),
            [(namespace["metadata"]["name"], namespace["metadata"].get("labels")) for namespace in each.namespaces],
            (each.overlay or {}).get("data"),
        )
        for each in observed
    ]


def _first(errors: BaseExceptionGroup[ApiError]) -> BaseException:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
