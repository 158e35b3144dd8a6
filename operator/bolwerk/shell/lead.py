"""What a replica does while it leads: look at what there is, then watch, sweep and work.

Made and run by `run`, once, when the Lease is held. Everything here ends with the process.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import kopf

from bolwerk.core.catalogue import age_days
from bolwerk.core.exceptions.observed import Observed as ExceptionObserved
from bolwerk.core.kinds import (
    CONFIG_MAP,
    EGRESS_EXCEPTION,
    ISOLATION_PROOF,
    LOCAL_MODEL,
    NODE,
    SOVEREIGNTY_POLICY,
    Kind,
    Ref,
)
from bolwerk.core.model.observed import Observed as ModelObserved
from bolwerk.core.policy.observed import EXCEPTION_KINDS, OPTIONAL_KINDS
from bolwerk.core.policy.observed import Observed as PolicyObserved
from bolwerk.core.proof.observed import Observed as NodeObserved
from bolwerk.core.settings import Settings
from bolwerk.shell import request as requests
from bolwerk.shell.audit import Auditor, ExceptionAuditor, NodeAuditor, PolicyAuditor
from bolwerk.shell.cache import Cache, Index
from bolwerk.shell.client import Client
from bolwerk.shell.clock import now
from bolwerk.shell.connection import Connection
from bolwerk.shell.controller import Controller, Reconcile, S
from bolwerk.shell.discovery import check_served, served_of, watch_served
from bolwerk.shell.drove import Drove
from bolwerk.shell.errors import ApiError, NotFoundError
from bolwerk.shell.events import Recorder
from bolwerk.shell.exceptions import EgressExceptions
from bolwerk.shell.metrics import Metrics
from bolwerk.shell.models import LocalModels
from bolwerk.shell.nodes import Nodes
from bolwerk.shell.policies import SovereigntyPolicies
from bolwerk.shell.queue import WorkQueue
from bolwerk.shell.references import Scanner
from bolwerk.shell.surveyor import Surveyor
from bolwerk.shell.sweep import Sweeper
from bolwerk.shell.trail import Trail
from bolwerk.shell.watch import Watcher

__all__ = ["CannotStartError", "Decisions", "Leader"]

logger = logging.getLogger(__name__)

NEEDED = (LOCAL_MODEL, SOVEREIGNTY_POLICY, ISOLATION_PROOF)
RECONCILED = (LOCAL_MODEL, SOVEREIGNTY_POLICY, EGRESS_EXCEPTION, NODE)
# All that the API server may or may not serve.
DISCOVERED = (*OPTIONAL_KINDS, *EXCEPTION_KINDS)
# Few, and each waits for the API server most of the time; a wall has to be quick beside ten thousand models.
POLICY_WORKERS = 2
# They only tell what the policies have opened and closed.
EXCEPTION_WORKERS = 2

# More nodes at once than this are concerned by something that all share, such as a wall, and that comes in droves.
FEW_NODES = 8
DROVE_SECONDS = 5.0

Spawn: TypeAlias = Callable[[Coroutine[Any, Any, Any], str], asyncio.Task[Any]]
"""Starts a task whose end, however it comes, ends the process."""


class CannotStartError(Exception):
    """The cluster is not prepared; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """The core's decision for each reconciled kind."""

    model: Reconcile[ModelObserved]
    policy: Reconcile[PolicyObserved]
    exception: Reconcile[ExceptionObserved]
    node: Reconcile[NodeObserved]


class Leader:
    """Assembles what a leader needs and runs it.

    Parameters
    ----------
    workers
        How many LocalModels are worked on at a time.
    skew
        Tells how far this machine's clock is ahead of the API server's.
    stop
        Ends kopf when set.
    """

    def __init__(
        self,
        *,
        decisions: Decisions,
        settings: Settings,
        workers: int,
        client: Client,
        connection: Connection,
        recorder: Recorder,
        trail: Trail,
        metrics: Metrics,
        skew: Callable[[], timedelta],
        stop: asyncio.Event,
    ) -> None:
        self._decisions = decisions
        self._settings = settings
        self._workers = workers
        self._client = client
        self._connection = connection
        self._recorder = recorder
        self._trail = trail
        self._metrics = metrics
        self._skew = skew
        self._stop = stop
        self._cache = Cache()
        self._queues: dict[Kind, WorkQueue[Ref]] = {kind: WorkQueue() for kind in RECONCILED}
        self._drove = Drove(self._queues[NODE].add, seconds=DROVE_SECONDS)
        self._models = LocalModels(self._cache, settings=settings)
        self._policies: SovereigntyPolicies | None = None
        self._exceptions: EgressExceptions | None = None
        self._nodes: Nodes | None = None
        self._scanner: Scanner | None = None
        self._watcher: Watcher | None = None

    async def run(self, *, spawn: Spawn, started: Callable[[], None]) -> None:
        """Lead until stopped.

        Parameters
        ----------
        started
            Called once kopf has started, and has put its own signal handlers in place.

        Raises
        ------
        CannotStartError
            When the cluster is not prepared.
        """
        await self._check_served()
        await self._open_trail()
        began = time.monotonic()
        try:
            served = await served_of(self._client, DISCOVERED)
            policies = SovereigntyPolicies(self._cache, served=served, settings=self._settings, skew=self._skew)
            governed = served.issuperset(EXCEPTION_KINDS)
            exceptions = EgressExceptions(self._cache, skew=self._skew) if governed else None
            nodes = Nodes(self._cache, served=served, settings=self._settings, now=now)
            kinds = [kind for kind in self._cache.kinds if kind != CONFIG_MAP]
            sweeper = Sweeper(
                kinds=kinds,
                polled=lambda: (*policies.polled(), *self._models.polled()),
                named=self._models.named,
                client=self._client,
                cache=self._cache,
                enqueue=self.enqueue,
                metrics=self._metrics,
            )
            await sweeper.fill()
            surveyor = Surveyor(nodes=nodes, client=self._client, cache=self._cache, enqueue=self.enqueue, now=now)
            await surveyor.survey()
        except ApiError as error:
            raise CannotStartError(f"The first list failed: {error.message}") from error
        self._policies, self._exceptions, self._nodes = policies, exceptions, nodes
        self._scanner = scanner = Scanner(
            client=self._client,
            settings=self._settings,
            observe=policies.observe_all,
            publish=lambda policy, findings: self.enqueue(policies.put_references(policy, findings)),
            metrics=self._metrics,
        )
        # The policies first: what ended while nobody led is closed before all else.
        reconciled = [kind for kind in (SOVEREIGNTY_POLICY, EGRESS_EXCEPTION, LOCAL_MODEL, NODE) if kind in kinds]
        for kind in reconciled:
            self.enqueue(Ref(kind, *key) for key in self._cache.entries(kind))
        logger.info(
            "listed",
            extra={
                **{kind.plural: len(self._cache.entries(kind)) for kind in reconciled},
                "optional": ",".join(sorted(kind.name for kind in served)) or "none",
                "seconds": f"{time.monotonic() - began:.2f}",
            },
        )
        spawn(self._trail.run(), "audit trail")
        spawn(sweeper.run(), "sweeper")
        spawn(sweeper.poll(), "poller")
        spawn(scanner.run(), "scanner")
        spawn(surveyor.run(), "surveyor")
        spawn(watch_served(self._client, DISCOVERED, served), "discovery")
        walls = self._controller(policies, self._decisions.policy, PolicyAuditor(self._trail, self._settings))
        for number in range(POLICY_WORKERS):
            spawn(walls.work(), f"policy worker {number}")
        if exceptions:
            explained = self._controller(exceptions, self._decisions.exception, ExceptionAuditor(self._trail))
            for number in range(EXCEPTION_WORKERS):
                spawn(explained.work(), f"exception worker {number}")
        models = self._controller(self._models, self._decisions.model, Auditor(self._trail))
        for number in range(self._workers):
            spawn(models.work(), f"model worker {number}")
        # One worker: two would both see room for one more node to be measured.
        spawn(self._controller(nodes, self._decisions.node, NodeAuditor(self._trail)).work(), "node worker")
        self._watcher = watcher = Watcher(
            kinds=kinds,
            connection=self._connection,
            cache=self._cache,
            enqueue=self.enqueue,
            stop=self._stop,
            opened=sweeper.request,
            clock=time.monotonic,
            traces=[self._metrics.trace()],
        )
        before = asyncio.all_tasks()
        tasks = await watcher.spawn()
        started()
        watched = spawn(self._until_a_watch_ends(watcher, tasks, served), "watch")
        await kopf.run_tasks(tasks, ignored={*before, watched})

    def enqueue(self, refs: Iterable[Ref]) -> None:
        """Have reconciled objects looked at."""
        nodes = []
        for ref in refs:
            if ref.kind == NODE:
                nodes.append(ref)
                continue
            self._queues[ref.kind].add(ref)
            if ref.kind == SOVEREIGNTY_POLICY and self._scanner:
                self._scanner.request()
        if len(nodes) > FEW_NODES:
            self._drove.add(nodes)
        else:
            for ref in nodes:
                self._queues[NODE].add(ref)

    def look_again(self) -> None:
        """Have all looked at that begins or ends, since one of the clocks jumped."""
        for kind in {SOVEREIGNTY_POLICY, EGRESS_EXCEPTION}.intersection(self._cache.kinds):
            self.enqueue(Ref(kind, *key) for key in self._cache.entries(kind))

    def sample(self) -> None:
        """Set the gauges of what is cached and of what waits."""
        self._metrics.depth.set(sum(len(queue) for queue in self._queues.values()))
        self._metrics.oldest.set(max(queue.oldest_age for queue in self._queues.values()))
        for gauge, index in ((self._metrics.models, self._models), (self._metrics.policies, self._policies)):
            for (condition, status), number in index.conditions.items() if index else ():
                gauge.labels(condition, status).set(number)
        for policy, number in self._policies.governed.items() if self._policies else ():
            self._metrics.governed.labels(policy).set(number)
        if self._nodes:
            self._metrics.tell_of_nodes(self._nodes.verdicts(now()), self._nodes.ages(now()))
        for phase, number in self._exceptions.phases.items() if self._exceptions else ():
            self._metrics.exceptions.labels(phase).set(number)
        self._metrics.overdue.set(self._policies.overdue(now()) if self._policies else 0)
        self._metrics.catalogue_age.set(age_days(self._settings.catalogue, now()))
        for kind in self._cache.kinds:
            self._metrics.objects.labels(kind.name).set(len(self._cache.entries(kind)))
        for kind, instant in self._watcher.last_event_at.items() if self._watcher else ():
            self._metrics.event_age.labels(kind.name).set(time.monotonic() - instant)

    def _controller(self, index: Index[S], reconcile: Reconcile[S], auditor: Auditor[S]) -> Controller[S]:
        return Controller(
            index=index,
            reconcile=reconcile,
            settings=self._settings,
            client=self._client,
            cache=self._cache,
            queue=self._queues[index.kind],
            enqueue=self.enqueue,
            recorder=self._recorder,
            auditor=auditor,
            metrics=self._metrics,
            now=now,
        )

    async def _until_a_watch_ends(
        self, watcher: Watcher, tasks: Iterable[asyncio.Task[None]], served: frozenset[Kind]
    ) -> None:
        # kopf may take half a minute to end the other watches when one has failed: as long as nothing would be seen.
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if watcher.failure is not None:
            raise watcher.failure
        if not self._stop.is_set():
            await check_served(self._client, DISCOVERED, served)  # a watch fails when its kind goes
        for task in ended:
            task.result()

    async def _open_trail(self) -> None:
        try:
            await self._trail.open()
        except ApiError as error:
            raise CannotStartError(f"The head of the audit trail cannot be read: {error.message}") from error

    async def _check_served(self) -> None:
        for kind in NEEDED:
            try:
                await self._client.send(requests.list_page(kind, limit=1))
            except NotFoundError as error:
                raise CannotStartError(
                    f"The API server does not serve {kind.plural}.{kind.group}/{kind.version}: "
                    "install Bolwerk's CRDs (kubectl apply --server-side -f crds/), then start again."
                ) from error
            except ApiError as error:
                raise CannotStartError(f"The {kind.plural} cannot be listed: {error.message}") from error
