"""The loop that makes the world as the core decided: observe, decide, execute, tell.

There is one for each reconciled kind. Many workers share its queue; each works on one object at a time. What is
observed comes from the kind's index, what is decided from `reconcile`, both passed in; this module never looks into a
spec or a status.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from bolwerk.core.kinds import Ref
from bolwerk.core.plan import Apply, Delete, Event, Manifest, Plan, Refusal
from bolwerk.core.settings import Settings
from bolwerk.shell.audit import Auditor
from bolwerk.shell.cache import Cache, Index
from bolwerk.shell.client import Client
from bolwerk.shell.errors import ApiError, ConflictError, FenceClosedError
from bolwerk.shell.events import Recorder
from bolwerk.shell.executor import Executor, Ledger
from bolwerk.shell.metrics import Metrics
from bolwerk.shell.pace import Pace
from bolwerk.shell.queue import WorkQueue
from bolwerk.shell.trim import pack, unpack

__all__ = ["Controller", "Enqueue", "Reconcile", "Snapshot"]

logger = logging.getLogger(__name__)

# A decision about a policy may read a whole cluster, and holds up the event loop meanwhile. After a long one the worker
# rests for so many times as long: others, and what keeps the Lease, come first.
LONG_DECISION_SECONDS = 0.02
REST = 4.0
# How often it looks up meanwhile whether something is over.
BREATH_SECONDS = 0.1


class Snapshot(Protocol):
    """What all snapshots have, whatever the kind."""

    @property
    def resource(self) -> Mapping[str, Any]:
        """The reconciled object."""


S = TypeVar("S", bound=Snapshot)

Reconcile: TypeAlias = Callable[[S, Settings, datetime], Plan]
"""The core's decision."""

Enqueue: TypeAlias = Callable[[Iterable[Ref]], None]
"""Has reconciled objects, of whatever kind, looked at."""


class Controller(Generic[S]):
    """Works on the objects of one kind until cancelled.

    Parameters
    ----------
    index
        Knows the kind, and observes what a decision reads.
    queue
        The kind's own.
    enqueue
        For others whom a write concerns.
    auditor
        Is told of everything that is done, when it is done.
    now
        The wall clock, for the decision only.
    """

    def __init__(
        self,
        *,
        index: Index[S],
        reconcile: Reconcile[S],
        settings: Settings,
        client: Client,
        cache: Cache,
        queue: WorkQueue[Ref],
        enqueue: Enqueue,
        recorder: Recorder,
        auditor: Auditor[S],
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        self._index = index
        self._reconcile = reconcile
        self._settings = settings
        self._client = client
        self._cache = cache
        self._queue = queue
        self._enqueue = enqueue
        self._recorder = recorder
        self._auditor = auditor
        self._metrics = metrics
        self._now = now
        self._pace: Pace[Ref] = Pace(time.monotonic)
        self._held_up = 0.0
        self._executor = Executor(client=client, cache=cache, enqueue=enqueue, metrics=metrics)

    async def work(self) -> None:
        """Take objects from the queue, one after the other, for ever.

        Raises
        ------
        FenceClosedError
            When this replica may not write any more; it has to end.
        """
        while True:
            ref = await self._queue.get()
            try:
                await self._work_on(ref)
                await self._rest(ref)
            finally:
                self._queue.done(ref)

    async def _rest(self, ref: Ref) -> None:
        held_up, self._held_up = self._held_up, 0.0
        if held_up <= LONG_DECISION_SECONDS:
            return
        rested = time.monotonic() + REST * held_up
        while (left := rested - time.monotonic()) > 0 and not self._queue.has_rung(ref):  # noqa: ASYNC110 - few rest
            await asyncio.sleep(min(left, BREATH_SECONDS))

    async def _work_on(self, ref: Ref) -> None:
        started = time.perf_counter()
        try:
            result = await self.process(ref)
        except FenceClosedError:
            raise
        except ConflictError as error:
            # Another writer was faster; what it wrote is on its way to the cache.
            self._queue.retry(ref)
            result = "conflict"
            logger.debug("looked at something outdated", extra={"resource": ref, "error": error.message})
        except ApiError as error:
            seconds = self._queue.retry(ref)
            result = "error"
            self._metrics.errors.labels(error.reason or type(error).__name__).inc()
            logger.warning(
                "reconciliation failed",
                extra={"resource": ref, "error": error.message, "retry_in": f"{seconds:.1f}s"},
            )
        except Exception as error:  # one object that breaks the code must not stop all others
            seconds = self._queue.retry(ref)
            result = "error"
            self._metrics.errors.labels(type(error).__name__).inc()
            logger.exception("reconciliation failed", extra={"resource": ref, "retry_in": f"{seconds:.1f}s"})
        self._metrics.reconciles.labels(result).inc()
        self._metrics.seconds.observe(time.perf_counter() - started)

    async def process(self, ref: Ref) -> str:
        """Look at one object and do what has to be done about it.

        Returns
        -------
        str
            `steady` (nothing to do), `changed`, `refused`, `unsettled`, `overtaken`, `paced` or `gone`.
        """
        observed, plan = self._look(ref)
        if observed is None:
            # What it owns goes with it.
            self._queue.forget(ref)
            self._pace.forget(ref)
            self._auditor.gone(ref)
            return "gone"
        self._auditor.looked(ref, observed)
        if plan.empty:
            self._settle(ref, observed, plan)
            return "steady"
        if not (plan.apply or plan.delete):
            await self._tell(ref, observed, plan)
            self._settle(ref, observed, plan)
            return "changed"
        wait = self._pace.take(ref)
        if wait:
            self._queue.add_after(ref, wait)
            logger.warning(
                "written too often: something else keeps changing it",
                extra={"resource": ref, "because": _because(plan), "next_in": f"{wait:.1f}s"},
            )
            return "paced"
        return await self._carry_out(ref, observed, plan)

    async def _carry_out(self, ref: Ref, observed: S, plan: Plan) -> str:
        ledger, uid = Ledger(), observed.resource["metadata"]["uid"]
        try:
            refusals = await self._executor.execute(
                plan, ref, uid, ledger=ledger, outdated=lambda: self._queue.has_rung(ref)
            )
        finally:
            self._auditor.changed(observed.resource, ledger.done)
        if not refusals:
            await self._post(observed, (apply.event for apply in plan.apply if apply.event))
        if self._queue.has_rung(ref):
            return "overtaken"  # something is over: that comes before the rest, which may take long
        # The status and the events tell how things are after what was just done, or why it could not be.
        again, plan = self._look(ref, refusals=refusals)
        if again is None:
            return "gone"
        await self._tell(ref, again, plan)
        if refusals:
            self._queue.retry(ref)
            return "refused"
        if plan.apply:
            # Something else changes it as fast as it is applied, or the API server does not keep what it was
            # given. Never in a hot loop.
            seconds = self._queue.retry(ref)
            logger.warning(
                "applied, and it still differs",
                extra={"resource": ref, "because": _because(plan), "retry_in": f"{seconds:.1f}s"},
            )
            return "unsettled"
        self._settle(ref, again, plan)
        return "changed"

    def _look(self, ref: Ref, *, refusals: tuple[Refusal, ...] = ()) -> tuple[S | None, Plan]:
        """Return what is observed, None when the object is gone or going, and what is decided on that."""
        started = time.perf_counter()
        observed = self._index.observe(ref.key, refusals=refusals)
        if observed is None or observed.resource["metadata"].get("deletionTimestamp"):
            self._queue.add_at(ref, None)
            return None, Plan()
        now = self._now()
        plan = self._decide(observed, now)
        self._held_up += time.perf_counter() - started
        # Now and not when all is done: what ends then ends also if something else is refused or has to be retried.
        after = plan.requeue_after
        self._queue.add_at(ref, None if after is None else (now + timedelta(seconds=after)).timestamp())
        return observed, plan

    def _decide(self, observed: S, now: datetime) -> Plan:
        plan = self._reconcile(observed, self._settings, now)
        settled = tuple(apply for apply in plan.apply if not self._executor.is_settled(apply))
        pending = tuple(delete for delete in plan.delete if not self._executor.is_terminating(delete))
        return replace(plan, apply=settled, delete=pending)

    def _settle(self, ref: Ref, observed: S, plan: Plan) -> None:
        self._queue.forget(ref)
        self._auditor.settled(ref, observed, plan.status or observed.resource.get("status") or {})

    async def _tell(self, ref: Ref, observed: S, plan: Plan) -> None:
        if plan.status is not None:
            answer = await self._client.apply_status(ref.kind, _status(ref, observed.resource, plan.status))
            self._auditor.told(observed, plan.status, answer)
            self._enqueue(self._cache.put(ref.kind, answer) - {ref})
            if _but_status(unpack(pack(ref.kind, answer))) != _but_status(observed.resource):
                # Edited meanwhile. The watch has nothing new to tell about that: the cache has it from this answer.
                self._queue.add(ref)
            phase = {"phase": plan.status["phase"]} if "phase" in plan.status else {}
            logger.info("status", extra={"resource": ref, **phase})
        await self._post(observed, plan.events)

    async def _post(self, observed: S, events: Iterable[Event]) -> None:
        for event in events:
            await self._recorder.post(observed.resource, event)


def _status(ref: Ref, resource: Mapping[str, Any], status: Manifest) -> Manifest:
    scope = {"namespace": ref.namespace} if ref.namespace else {}
    return {
        "apiVersion": ref.kind.api_version,
        "kind": ref.kind.name,
        # The uid: never the status of a namesake that was created meanwhile.
        "metadata": {**scope, "name": ref.name, "uid": resource["metadata"]["uid"]},
        "status": status,
    }


def _but_status(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in resource.items() if field != "status"}


def _because(plan: Plan) -> str:
    changes: list[Apply | Delete] = [*plan.apply, *plan.delete]
    return f"{changes[0].ref}: {changes[0].because}"
