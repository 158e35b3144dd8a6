"""Wires the operator together and runs it until it is told to end, loses the Lease, or something fails.

Crash-only: whatever ends unexpectedly ends the process, with the reason logged; a restart costs no writes. kopf
takes every asyncio task that appears after its own start for one of its own and waits for it at exit, so all
lasting tasks are started before it, and probes and metrics are served by threads.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes.client import Configuration
from prometheus_client import start_http_server

from bolwerk.core.kinds import CONFIG_MAP, Ref
from bolwerk.core.settings import Settings
from bolwerk.shell import health
from bolwerk.shell.client import Client
from bolwerk.shell.clock import Clock, now
from bolwerk.shell.connection import Connection, load_configuration
from bolwerk.shell.discovery import ServedKindsChangedError
from bolwerk.shell.errors import FenceClosedError
from bolwerk.shell.events import Recorder
from bolwerk.shell.fence import Fence
from bolwerk.shell.head import Store
from bolwerk.shell.lead import CannotStartError, Decisions, Leader
from bolwerk.shell.lease import Elector, LeadershipLostError
from bolwerk.shell.metrics import Metrics
from bolwerk.shell.sink import Sink
from bolwerk.shell.trail import Trail

__all__ = ["Operator", "Options", "run"]

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 1.0
# From the decision to end to the end, at the latest: within a pod's usual grace, and before another replica may
# lead (five seconds lie between the renew deadline and the end of the Lease).
EXIT_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Options:
    """How one process runs; see `bolwerk run --help`.

    Attributes
    ----------
    audit_log
        Where the audit trail goes; standard output when None.
    """

    namespace: str
    lease_name: str
    health_port: int
    metrics_port: int
    workers: int
    audit_log: Path | None = None


def run(
    options: Options,
    *,
    settings: Settings,
    decisions: Decisions,
    load: Callable[[], Configuration] = load_configuration,
) -> int:
    """Run the operator and return the process's exit status."""

    async def operate() -> int:
        return await Operator(options, settings=settings, decisions=decisions, load=load).run()

    return asyncio.run(operate())


class Operator:
    """One replica: standby until it holds the Lease, then watching, sweeping and working."""

    def __init__(
        self,
        options: Options,
        *,
        settings: Settings,
        decisions: Decisions,
        load: Callable[[], Configuration] = load_configuration,
    ) -> None:
        identity = f"{os.environ.get('POD_NAME') or socket.gethostname()}_{uuid.uuid4()}"
        self._options = options
        self._health = health.Health()
        self._metrics = metrics = Metrics()
        self._connection = Connection(load)
        clock = Clock(metrics, now=now, jumped=self._look_again)
        self._session = self._connection.session(traces=[metrics.trace(), clock.trace()])
        self._fence = Fence(time.monotonic)
        client = Client(self._session, self._connection.server, fence=self._fence)
        self._elector = Elector(
            client,
            namespace=options.namespace,
            name=options.lease_name,
            identity=identity,
            fence=self._fence,
            clock=time.monotonic,
        )
        self._stop_kopf = asyncio.Event()
        self._trail = Trail(
            sink=Sink(options.audit_log),
            store=Store(client, Ref(CONFIG_MAP, options.namespace, f"{options.lease_name}-audit")),
            identity=identity,
            actor=f"system:serviceaccount:{options.namespace}:{settings.service_account}",
            metrics=metrics,
            now=now,
        )
        self._leader = Leader(
            decisions=decisions,
            settings=settings,
            workers=options.workers,
            client=client,
            connection=self._connection,
            recorder=Recorder(client, instance=identity, now=now),
            trail=self._trail,
            metrics=metrics,
            skew=clock.skew,
            stop=self._stop_kopf,
        )
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[Any]] = []
        self._ended: asyncio.Future[asyncio.Task[Any]] = asyncio.get_running_loop().create_future()

    async def run(self) -> int:
        """Run until the end and return the process's exit status."""
        try:
            probes = health.serve(self._health, port=self._options.health_port)
            scrapes, _ = start_http_server(self._options.metrics_port, registry=self._metrics.registry)
        except OSError as error:
            logger.error("cannot start: a port for probes or metrics is not to be had: %s", error)  # noqa: TRY400
            await self._session.close()
            return 1
        self._handle_signals()
        self._spawn(self._stop.wait(), "signals")
        self._spawn(self._beat(), "heartbeat")
        elector = self._spawn(self._elector.run(), "elector")
        lead = self._spawn(self._lead(), "leader")
        status = _explain(await self._ended)

        # Whatever hangs now, the process ends; a thread, because the event loop itself may hang.
        guard = threading.Timer(EXIT_SECONDS, os._exit, args=(status or 1,))
        guard.daemon = True
        guard.start()
        self._health.ready = False
        await _cancel(*(task for task in self._tasks if task not in (elector, lead)))
        await self._trail.close()  # while the Lease is still held
        await _cancel(elector)
        await self._elector.release()
        self._stop_kopf.set()
        await asyncio.wait([lead], timeout=1.0)
        await _cancel(lead)
        await self._session.close()
        await self._connection.close()
        await asyncio.to_thread(_close, probes, scrapes)
        guard.cancel()
        return status

    async def _lead(self) -> None:
        await self._elector.leading.wait()
        await self._leader.run(spawn=self._spawn, started=self._handle_signals)

    async def _beat(self) -> None:
        while True:
            leading = self._elector.leading.is_set()
            self._health.beat()
            self._health.role = "leading" if leading else "standby"
            self._health.ready = True
            self._metrics.leader.set(leading)
            self._leader.sample()
            await asyncio.sleep(HEARTBEAT_SECONDS)

    def _look_again(self) -> None:
        self._leader.look_again()

    def _spawn(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        task = asyncio.create_task(coroutine, name=name)
        self._tasks.append(task)
        task.add_done_callback(self._note_end)
        return task

    def _note_end(self, task: asyncio.Task[Any]) -> None:
        if not self._ended.done():
            self._ended.set_result(task)

    def _handle_signals(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, self._stop.set)


def _explain(task: asyncio.Task[Any]) -> int:
    """Log why the operator ends, and return the exit status."""
    failure = None if task.cancelled() else task.exception()
    match failure:
        case None if task.get_name() == "signals":
            logger.info("ending, as asked")
            return 0
        case None:
            logger.error("ending: a task stopped", extra={"task": task.get_name()})
        case LeadershipLostError() | FenceClosedError():
            logger.error("ending: %s", failure)
        case ServedKindsChangedError():
            logger.info("ending: %s", failure)
            return 0
        case CannotStartError():
            logger.error("cannot start: %s", failure)
        case _:
            logger.error("ending: a task failed", extra={"task": task.get_name()}, exc_info=failure)
    return 1


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _close(*servers: Any) -> None:
    for server in servers:
        server.shutdown()
        server.server_close()
