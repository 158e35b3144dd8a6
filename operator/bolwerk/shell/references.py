"""When what governed pods refer to is looked at, and who is told: the cache of the policies, and the metrics.

Runs while leading, every ten minutes and soon after a SovereigntyPolicy or the set of governed namespaces changed. What
is read then is `referred`'s business; here there are only names.
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
from bolwerk.core.policy.observed import Observed
from bolwerk.core.references.findings import Finding, Findings
from bolwerk.core.references.gaps import Gaps
from bolwerk.core.references.scope import Scope, scope
from bolwerk.core.settings import Settings
from bolwerk.shell.client import Client
from bolwerk.shell.errors import ApiError
from bolwerk.shell.metrics import Metrics
from bolwerk.shell.referred import Reader

__all__ = ["Scanner"]

logger = logging.getLogger(__name__)

SCAN_SECONDS = 600.0
RETRY_SECONDS = 60.0
# A change is followed by others: the namespaces of a new policy, the next line that somebody edits.
SETTLE_SECONDS = 5.0


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
        self._reader = Reader(client=client, settings=settings)
        self._settings = settings
        self._observe = observe
        self._publish = publish
        self._metrics = metrics
        self._jitter = jitter
        self._wake = asyncio.Event()
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
        results = [(where, *await self._reader.scan(where)) for where in self._scopes(observed)]
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
