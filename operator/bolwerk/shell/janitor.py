"""Closes holes that outlived their exceptions while no operator ran: once, and then the process ends.

Called by `bolwerk janitor`, every minute. It reads with the operator's own client, lists and cache, decides by
`core.exceptions.closing`, and writes with the operator's own executor: what both do at once is done once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from kubernetes.client import Configuration

from bolwerk.core.exceptions.closing import closing
from bolwerk.core.kinds import (
    CONFIG_MAP,
    SOVEREIGNTY_POLICY,
    VALIDATING_ADMISSION_POLICY,
    VALIDATING_ADMISSION_POLICY_BINDING,
    Kind,
    Ref,
)
from bolwerk.core.policy.observed import EXCEPTION_KINDS, OPTIONAL_KINDS, OVERLAY_NAME
from bolwerk.core.settings import Settings
from bolwerk.shell import placement
from bolwerk.shell.cache import Cache
from bolwerk.shell.client import Client
from bolwerk.shell.clock import Clock, now
from bolwerk.shell.connection import Connection, load_configuration
from bolwerk.shell.discovery import served_of
from bolwerk.shell.errors import ApiError, ConflictError, NotFoundError
from bolwerk.shell.executor import Executor, Ledger
from bolwerk.shell.fence import Fence
from bolwerk.shell.metrics import Metrics
from bolwerk.shell.policies import SovereigntyPolicies
from bolwerk.shell.sweep import Sweeper

__all__ = ["Closed", "JanitorError", "close_overdue", "read_kinds"]

logger = logging.getLogger(__name__)

# The next one comes after a minute, and must not find this one still writing.
SECONDS = 50.0
FORBIDDEN = frozenset({401, 403})
UNREAD = frozenset({CONFIG_MAP, VALIDATING_ADMISSION_POLICY, VALIDATING_ADMISSION_POLICY_BINDING, *placement.KINDS})


class JanitorError(Exception):
    """Something is open that should not be, or nobody can tell; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Closed:
    """What was looked at, and the exceptions whose holes were closed."""

    policies: int
    exceptions: int
    closed: tuple[str, ...]

    def __str__(self) -> str:
        looked = f"{_count(self.policies, 'policy', 'policies')} and {_count(self.exceptions, 'exception')}"
        if not self.closed:
            return f"nothing to close: looked at {looked}"
        return f"closed {_count(len(self.closed), 'hole')} that outlived its exception: {', '.join(self.closed)}"


def read_kinds(cache: Cache) -> tuple[Kind, ...]:
    """Return what is listed: all that decides about a wall: not what follows from names, nor what was measured."""
    return tuple(kind for kind in cache.kinds if kind not in UNREAD)


async def close_overdue(settings: Settings, *, load: Callable[[], Configuration] = load_configuration) -> Closed:
    """Look once, and close what is overdue.

    Raises
    ------
    JanitorError
        When something stays open, or the cluster cannot be asked.
    NoConfigurationError
        When there is no way to a cluster.
    """
    connection, metrics = Connection(load), Metrics()
    clock = Clock(metrics, now=now)
    try:
        async with connection.session(traces=[clock.trace()]) as session, asyncio.timeout(SECONDS):
            fence = Fence(time.monotonic)
            fence.open_until(time.monotonic() + SECONDS)
            client = Client(session, connection.server, fence=fence)
            return await _close(client, settings, metrics=metrics, skew=clock.skew)
    except TimeoutError as error:
        raise JanitorError(f"the API server took more than {SECONDS:.0f} s; the next run tries again") from error
    except ApiError as error:
        mend = ": the chart gives <release>-janitor the rights that it needs; upgrade it" if _forbidden(error) else ""
        raise JanitorError(f"{error.message}{mend}") from error
    finally:
        await connection.close()


async def _close(client: Client, settings: Settings, *, metrics: Metrics, skew: Callable[[], timedelta]) -> Closed:
    served = await served_of(client, (*OPTIONAL_KINDS, *EXCEPTION_KINDS))
    cache = Cache()
    policies = SovereigntyPolicies(cache, served=served, settings=settings, skew=skew)
    sweeper = Sweeper(
        kinds=read_kinds(cache),
        polled=lambda: (Ref(CONFIG_MAP, settings.namespace, OVERLAY_NAME),),
        client=client,
        cache=cache,
        enqueue=_nobody,
        metrics=metrics,
    )
    try:
        await sweeper.fill()
    except NotFoundError as error:
        raise JanitorError(f"{error.message}: install Bolwerk's CRDs, or switch the janitor off") from error
    executor = Executor(client=client, cache=cache, enqueue=_nobody, metrics=metrics)
    closed: list[str] = []
    open_: list[str] = []
    seen = exceptions = 0
    for observed in policies.observe_all():
        seen, exceptions = seen + 1, len(observed.exceptions)
        found = closing(observed, settings, now())
        if not found.overdue:
            continue
        metadata = observed.policy["metadata"]
        try:
            refusals = await executor.execute(
                found.plan, Ref(SOVEREIGNTY_POLICY, "", metadata["name"]), metadata["uid"], ledger=Ledger()
            )
        except ConflictError as error:
            logger.info("somebody else is at it, and the next run looks again", extra={"error": error.message})
            continue
        failures = [*(refusal.message for refusal in refusals), *([found.objection] if found.objection else ())]
        if failures:
            open_.append(f"{', '.join(found.overdue)}: {'; '.join(failures)}")
        elif not found.plan.empty:
            closed.extend(found.overdue)
    done = Closed(seen, exceptions, tuple(closed))
    if open_:
        raise JanitorError(f"still open although over: {' | '.join(open_)} ({done})")
    return done


def _forbidden(error: ApiError) -> bool:
    return error.status in FORBIDDEN


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _nobody(refs: Iterable[Ref]) -> None:
    """Have nobody looked at: there is no second look."""
    del refs
