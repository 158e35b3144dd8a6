"""Reads what governed pods refer to: what admission cannot see.

Used by the scanner. Objects are read one at a time, by the names in pod specs; none is listed, watched or kept. A value
lives in `_seen` and what that calls, and nowhere else: not in the cache, a log line, an exception or a metric.
"""

from __future__ import annotations

import asyncio

from bolwerk.core.kinds import POD, Ref
from bolwerk.core.references.findings import Finding
from bolwerk.core.references.gaps import Gaps, kinds_to_read
from bolwerk.core.references.look import Rules, Seen, look
from bolwerk.core.references.pod import References, references
from bolwerk.core.references.scope import Scope
from bolwerk.core.references.survey import Survey, conclude, survey
from bolwerk.core.settings import Settings
from bolwerk.shell.client import Client
from bolwerk.shell.errors import ApiError, GoneError, NotFoundError

__all__ = ["READERS", "Reader"]

LIST_ATTEMPTS = 5
# Whole pods are sent, of which a tenth is read: a page is a megabyte or so.
PODS_A_PAGE = 100
# Few beside the client's own limit: a scan may take its time and others may not wait for it.
READERS = 4
FORBIDDEN = 403


class Reader:
    """Reads pods, then each ConfigMap and Secret that they refer to, once."""

    def __init__(self, *, client: Client, settings: Settings) -> None:
        self._client = client
        self._settings = settings
        self._looking = asyncio.Lock()

    async def scan(self, where: Scope) -> tuple[list[Finding], Gaps]:
        """Look behind the references of the pods in a scope; return what leads outside, and what was not looked at.

        Raises
        ------
        ApiError, ExceptionGroup
            When something could be read neither now nor after the client's retries.
        """
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
