"""The audit trail's one writer: chains entries, writes their lines, and keeps the chain's head in the cluster.

Every line is written at once. The head follows, once a second at most unless there are very many lines, and under the
write fence, into a ConfigMap of the operator's own; so after a crash a bounded number of lines may stand beyond it, and
the next leader, who cannot know of them, says so with its first entry. A process that has nothing to tell writes
nothing, not even that it began.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from bolwerk.core.audit.action import Action
from bolwerk.core.audit.entry import UNANCHORED, Detail, Entry, Fact, Head, chain
from bolwerk.shell.errors import ApiError, ConflictError, FenceClosedError, NotFoundError
from bolwerk.shell.head import Store, Stored
from bolwerk.shell.metrics import Metrics
from bolwerk.shell.sink import Sink

__all__ = ["Trail"]

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
LAST_WRITE_SECONDS = 1.0
# From here on the head is written at once, and whoever can waits with what there is more to tell: the next leader
# promises no more than UNANCHORED.
CROWDED = UNANCHORED // 2
CROWDED_SECONDS = 5.0


class Trail:
    """Writes entries, one process at a time: the leader.

    Parameters
    ----------
    store
        Keeps the head.
    identity, actor
        Which process this is, and the account that it acts as.
    """

    def __init__(
        self,
        *,
        sink: Sink,
        store: Store,
        identity: str,
        actor: str,
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        self._sink = sink
        self._store = store
        self._identity = identity
        self._actor = actor
        self._metrics = metrics
        self._now = now
        self._stored: Stored | None = None
        self._head: Head | None = None
        self._anchored = Head()
        self._began = False
        # Hashes that may have been stored although no answer came.
        self._sent: set[str] = set()
        self._told = asyncio.Event()
        self._crowded, self._roomy = asyncio.Event(), asyncio.Event()

    async def open(self) -> None:
        """Read where the chain stands. Before anything is recorded.

        Raises
        ------
        ApiError
            When it cannot be read.
        """
        self._stored = await self._store.read()
        self._head = self._anchored = self._stored.head if self._stored else Head()

    def record(self, facts: Iterable[Fact]) -> None:
        """Write an entry for each fact, now. Never raises: what was done is done, whether it can be told or not."""
        told = tuple(facts)
        if not told:
            return
        if self._head is None:
            raise RuntimeError("the trail has not been opened")
        if not self._began:
            self._began = True
            told = (self._beginning(), *told)
        for entry in chain(self._head, told, origin=self._identity, actor=self._actor, now=self._now()):
            self._write(entry)
            self._head = entry.head
        self._metrics.unanchored.set(self._unanchored)
        if self._unanchored >= CROWDED:
            self._crowded.set()
            self._roomy.clear()
        self._told.set()

    async def room(self) -> None:
        """Wait, but not for ever, while too many lines stand beyond the stored head."""
        if self._unanchored < CROWDED:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._roomy.wait(), CROWDED_SECONDS)

    async def run(self) -> None:
        """Keep the stored head up with the lines, for ever.

        Raises
        ------
        FenceClosedError
            When this replica may not write any more.
        """
        pause = PAUSE_SECONDS
        while True:
            await self._told.wait()
            self._told.clear()
            while self._head != self._anchored:
                if await self._anchor():
                    pause = PAUSE_SECONDS
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._crowded.wait(), pause)
                else:
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def close(self) -> None:
        """Store the head once more, if there is anything to store and it may still be written."""
        if self._head is not None and self._head != self._anchored:
            with contextlib.suppress(FenceClosedError, TimeoutError):
                await asyncio.wait_for(self._anchor_last(), LAST_WRITE_SECONDS)
        self._sink.close()

    async def _anchor_last(self) -> None:
        # The write that was under way when this process was told to end may be in the way of the last one.
        for _ in range(2):
            if self._head != self._anchored:
                await self._anchor()

    @property
    def _unanchored(self) -> int:
        return self._head.sequence - self._anchored.sequence if self._head else 0

    def _beginning(self) -> Fact:
        if self._stored is None or self._stored.head == Head():
            return Fact(Action.TRAIL_STARTED, str(self._store.ref))
        former: dict[str, Detail] = {"formerWriter": self._stored.writer, "linesBeyondAtMost": UNANCHORED}
        return Fact(Action.TRAIL_RESUMED, str(self._store.ref), detail=former)

    def _write(self, entry: Entry) -> None:
        self._metrics.entries.labels(entry.action).inc()
        try:
            self._sink.write(entry.line)
        except OSError as error:
            # A hole has to be closed also where nobody can be told. The line is kept here; the chain shows its absence.
            self._failed("line", str(error), line=entry.line)

    async def _anchor(self) -> bool:
        """Store the head as it is now; tells whether that is done."""
        if (head := self._head) is None:
            return True
        try:
            await asyncio.to_thread(self._sink.sync)  # the head vouches for lines that are there
        except OSError as error:
            self._failed("line", str(error))
        self._sent.add(head.hash)
        try:
            stored = await self._store.replace(self._stored, head, writer=self._identity)
        except (ConflictError, NotFoundError):
            return await self._look_again()
        except ApiError as error:
            self._failed("head", error.message)
            return False
        self._take(stored)
        return True

    async def _look_again(self) -> bool:
        """Find out what stands there instead of what was written last, and say so unless it was this process."""
        try:
            found = await self._store.read()
        except ApiError as error:
            self._failed("head", error.message)
            return False
        if found is not None and found.head.hash in self._sent:
            self._take(found)  # the answer to an earlier write was lost
            return True
        if found is None and self._stored is None:
            self._failed("head", f"there is no namespace {self._store.ref.namespace}")
            return False
        self._stored = found
        if found is None or found.head != self._anchored:
            detail = {"found": found.head.hash if found else "", "foundWriter": found.writer if found else ""}
            self.record([Fact(Action.HEAD_REPLACED, str(self._store.ref), actor="unknown", detail=detail)])
            logger.error("the head of the audit trail was changed or deleted by somebody else", extra=detail)
        return False

    def _take(self, stored: Stored) -> None:
        self._stored, self._anchored = stored, stored.head
        self._sent.clear()
        self._metrics.unanchored.set(self._unanchored)
        if self._unanchored < CROWDED:
            self._crowded.clear()
            self._roomy.set()

    def _failed(self, what: str, error: str, **more: str) -> None:
        self._metrics.untold.labels(what).inc()
        logger.error("the audit trail is not kept: its %s was not written", what, extra={"error": error, **more})
