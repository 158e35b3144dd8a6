"""The loop that makes the world as the core decided: observe, decide, execute, tell.

Many workers share one queue; each works on one LocalModel at a time. What is decided comes from `reconcile`,
passed in; this module never looks into a spec or a status.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeAlias

from bolwerk.core.kinds import LOCAL_MODEL, Ref
from bolwerk.core.model.observed import Observed
from bolwerk.core.plan import Apply, Delete, Event, Manifest, Plan
from bolwerk.core.settings import Settings
from bolwerk.shell.cache import Cache, Key
from bolwerk.shell.client import Client
from bolwerk.shell.errors import ApiError, ConflictError, FenceClosedError
from bolwerk.shell.events import Recorder
from bolwerk.shell.executor import Executor
from bolwerk.shell.metrics import Metrics
from bolwerk.shell.pace import Pace
from bolwerk.shell.queue import WorkQueue
from bolwerk.shell.trim import pack, unpack

__all__ = ["Controller", "Reconcile"]

logger = logging.getLogger(__name__)

Reconcile: TypeAlias = Callable[[Observed, Settings, datetime], Plan]
"""The core's decision."""


class Controller:
    """Works on LocalModels until cancelled.

    Parameters
    ----------
    now
        The wall clock, for the decision only.
    """

    def __init__(
        self,
        *,
        reconcile: Reconcile,
        settings: Settings,
        client: Client,
        cache: Cache,
        queue: WorkQueue[Key],
        recorder: Recorder,
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        self._reconcile = reconcile
        self._settings = settings
        self._client = client
        self._cache = cache
        self._queue = queue
        self._recorder = recorder
        self._metrics = metrics
        self._now = now
        self._pace: Pace[Key] = Pace(time.monotonic)
        self._executor = Executor(client=client, cache=cache, metrics=metrics)

    async def work(self) -> None:
        """Take LocalModels from the queue, one after the other, for ever.

        Raises
        ------
        FenceClosedError
            When this replica may not write any more; it has to end.
        """
        while True:
            key = await self._queue.get()
            try:
                await self._work_on(key)
            finally:
                self._queue.done(key)

    async def _work_on(self, key: Key) -> None:
        started = time.perf_counter()
        try:
            result = await self.process(key)
        except FenceClosedError:
            raise
        except ConflictError as error:
            # Another writer was faster; what it wrote is on its way to the cache.
            self._queue.retry(key)
            result = "conflict"
            logger.debug("looked at something outdated", extra={"model": _name(key), "error": error.message})
        except ApiError as error:
            seconds = self._queue.retry(key)
            result = "error"
            self._metrics.errors.labels(error.reason or type(error).__name__).inc()
            logger.warning(
                "reconciliation failed",
                extra={"model": _name(key), "error": error.message, "retry_in": f"{seconds:.1f}s"},
            )
        except Exception as error:  # one LocalModel that breaks the code must not stop all others
            seconds = self._queue.retry(key)
            result = "error"
            self._metrics.errors.labels(type(error).__name__).inc()
            logger.exception("reconciliation failed", extra={"model": _name(key), "retry_in": f"{seconds:.1f}s"})
        self._metrics.reconciles.labels(result).inc()
        self._metrics.seconds.observe(time.perf_counter() - started)

    async def process(self, key: Key) -> str:
        """Look at one LocalModel and do what has to be done about it.

        Returns
        -------
        str
            `steady` (nothing to do), `changed`, `refused`, `unsettled`, `paced` or `gone`.
        """
        observed = self._cache.observe(key)
        if observed is None or observed.model["metadata"].get("deletionTimestamp"):
            # Its children go with it: they are owned.
            self._queue.forget(key)
            self._pace.forget(key)
            return "gone"
        plan = self._decide(observed)
        if plan.empty:
            self._settle(key, plan)
            return "steady"
        if not (plan.apply or plan.delete):
            await self._tell(key, observed, plan)
            self._settle(key, plan)
            return "changed"
        wait = self._pace.take(key)
        if wait:
            self._queue.add_after(key, wait)
            logger.warning(
                "written too often: something else keeps changing it",
                extra={"model": _name(key), "because": _because(plan), "next_in": f"{wait:.1f}s"},
            )
            return "paced"
        return await self._carry_out(key, observed, plan)

    async def _carry_out(self, key: Key, observed: Observed, plan: Plan) -> str:
        refusals = await self._executor.execute(plan, observed.model)
        if not refusals:
            await self._post(observed, (apply.event for apply in plan.apply if apply.event))
        # The status and the events tell how things are after what was just done, or why it could not be.
        again = self._cache.observe(key, refusals=refusals)
        if again is None:
            return "gone"
        plan = self._decide(again)
        await self._tell(key, again, plan)
        if refusals:
            self._queue.retry(key)
            return "refused"
        if plan.apply:
            # Something else changes it as fast as it is applied, or the API server does not keep what it was
            # given. Never in a hot loop.
            seconds = self._queue.retry(key)
            logger.warning(
                "applied, and it still differs",
                extra={"model": _name(key), "because": _because(plan), "retry_in": f"{seconds:.1f}s"},
            )
            return "unsettled"
        self._settle(key, plan)
        return "changed"

    def _decide(self, observed: Observed) -> Plan:
        plan = self._reconcile(observed, self._settings, self._now())
        settled = tuple(apply for apply in plan.apply if not self._executor.is_settled(apply))
        pending = tuple(delete for delete in plan.delete if not self._executor.is_terminating(delete))
        return replace(plan, apply=settled, delete=pending)

    def _settle(self, key: Key, plan: Plan) -> None:
        self._queue.forget(key)
        if plan.requeue_after is not None:
            self._queue.add_after(key, plan.requeue_after)

    async def _tell(self, key: Key, observed: Observed, plan: Plan) -> None:
        if plan.status is not None:
            answer = await self._client.apply_status(LOCAL_MODEL, _status(observed, plan.status))
            self._cache.put(LOCAL_MODEL, answer)
            if _but_status(unpack(pack(LOCAL_MODEL, answer))) != _but_status(observed.model):
                # Edited meanwhile. The watch has nothing new to tell about that: the cache has it from this answer.
                self._queue.add(key)
            logger.info("status", extra={"model": _name(key), "phase": plan.status.get("phase", "")})
        await self._post(observed, plan.events)

    async def _post(self, observed: Observed, events: Iterable[Event]) -> None:
        for event in events:
            await self._recorder.post(observed.model, event)


def _status(observed: Observed, status: Manifest) -> Manifest:
    metadata = observed.model["metadata"]
    ref = Ref(LOCAL_MODEL, metadata["namespace"], metadata["name"])
    return {
        "apiVersion": LOCAL_MODEL.api_version,
        "kind": LOCAL_MODEL.name,
        # The uid: never the status of a namesake that was created meanwhile.
        "metadata": {"namespace": ref.namespace, "name": ref.name, "uid": metadata["uid"]},
        "status": status,
    }


def _but_status(model: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in model.items() if field != "status"}


def _name(key: Key) -> str:
    return "/".join(key)


def _because(plan: Plan) -> str:
    changes: list[Apply | Delete] = [*plan.apply, *plan.delete]
    return f"{changes[0].ref}: {changes[0].because}"
