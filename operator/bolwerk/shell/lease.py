"""Leader election on a Lease: the decision as a pure `step`, and the thin loop that carries it out.

The semantics are client-go's: the holder renews, others take over when they have not *seen* the Lease change for
its duration by their own monotonic clock (remote timestamps are never compared), every write is an optimistic
lock on the resource version, and a clean exit gives the Lease up. The elector of the `kubernetes` package cannot
create a Lease and keeps leading after it lost one (37.0.2); kopf has none.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any

from bolwerk.core.kinds import LEASE
from bolwerk.core.plan import Manifest
from bolwerk.shell import request as requests
from bolwerk.shell.client import Client
from bolwerk.shell.errors import ApiError, ConflictError, NotFoundError
from bolwerk.shell.fence import Fence

__all__ = ["Action", "Elector", "LeadershipLostError", "Record", "Seen", "State", "step"]

logger = logging.getLogger(__name__)

# client-go's defaults, which kube-controller-manager runs with.
LEASE_DURATION_SECONDS = 15.0
RENEW_DEADLINE_SECONDS = 10.0
RETRY_PERIOD_SECONDS = 2.0
REQUEST_TIMEOUT_SECONDS = 5.0


class LeadershipLostError(Exception):
    """Another replica leads or may lead: this process has to end at once."""


@dataclass(frozen=True, slots=True)
class Record:
    """A Lease as it was read or written."""

    holder: str
    version: str
    duration: float = LEASE_DURATION_SECONDS
    transitions: int = 0
    acquired: str = ""


class Seen(Enum):
    """What was found instead of a Lease."""

    ABSENT = auto()
    UNKNOWN = auto()  # the API server could not be asked


class Action(Enum):
    """What to do next."""

    CREATE = auto()
    TAKE = auto()
    RENEW = auto()
    WAIT = auto()
    LOST = auto()


@dataclass(frozen=True, slots=True)
class State:
    """What one replica knows.

    Attributes
    ----------
    record, seen_at
        The Lease that was seen last and the instant at which it was first seen so.
    renewed_at
        The instant before the request that last confirmed that this replica holds it; None when it does not.
    """

    identity: str
    record: Record | None = None
    seen_at: float = 0.0
    renewed_at: float | None = None


def step(state: State, now: float, seen: Record | Seen) -> tuple[State, Action]:  # noqa: PLR0911 - a table
    """Decide what to do about what was seen.

    Parameters
    ----------
    now
        Seconds on this process's monotonic clock.
    """
    leading = state.renewed_at is not None
    if state.renewed_at is not None and now - state.renewed_at >= RENEW_DEADLINE_SECONDS:
        return replace(state, renewed_at=None), Action.LOST
    if seen is Seen.UNKNOWN:
        return state, Action.WAIT
    if seen is Seen.ABSENT:
        return replace(state, record=None), Action.CREATE
    if state.record is None or seen.version != state.record.version:
        state = replace(state, record=seen, seen_at=now)
    if seen.holder == state.identity:
        return state, Action.RENEW
    if leading:
        return replace(state, renewed_at=None), Action.LOST
    if not seen.holder or now - state.seen_at >= seen.duration:
        return state, Action.TAKE
    return state, Action.WAIT


def confirmed(state: State, record: Record, *, sent_at: float, now: float) -> State:
    """Take note that the API server accepted this replica as the holder, by a request sent at `sent_at`."""
    return replace(state, record=record, seen_at=now, renewed_at=sent_at)


class Elector:
    """Campaigns for the Lease, then holds it, and keeps the write fence accordingly.

    Parameters
    ----------
    clock
        A monotonic clock, the one that the fence reads.
    """

    def __init__(
        self,
        client: Client,
        *,
        namespace: str,
        name: str,
        identity: str,
        fence: Fence,
        clock: Callable[[], float],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._fence = fence
        self._clock = clock
        self._jitter = jitter
        self._state = State(identity)
        self._seen: Record | None = None
        self.leading = asyncio.Event()

    async def run(self) -> None:
        """Campaign and hold, for ever.

        Raises
        ------
        LeadershipLostError
            When it was held and is not, or not surely, any more.
        """
        logger.info("campaigning", extra={"lease": f"{self._namespace}/{self._name}"})
        while True:
            action = await self.tick()
            if action is Action.LOST:
                self._fence.close()
                self.leading.clear()
                raise LeadershipLostError("the Lease was lost or could not be renewed in time")
            await asyncio.sleep(RETRY_PERIOD_SECONDS * (1 + self._jitter() / 5))

    async def tick(self) -> Action:
        """Look, decide and act once."""
        # The holder knows what it wrote and saves itself the read; a conflict tells when it is wrong.
        seen = self._seen or await self._read()
        self._state, action = step(self._state, self._clock(), seen)
        if action in (Action.CREATE, Action.TAKE, Action.RENEW):
            await self._write(action)
        return action

    async def release(self) -> None:
        """Give the Lease up, if held, so that another replica need not wait for it to expire."""
        self._fence.close()
        record, self._state = self._state.record, replace(self._state, renewed_at=None)
        if record is None or not self.leading.is_set():
            return
        self.leading.clear()
        spec = {"leaseDurationSeconds": 1, "leaseTransitions": record.transitions, "renewTime": _now()}
        try:
            await self._client.send(
                requests.update_lease(self._manifest(spec, record.version)), attempts=1, seconds=2.0
            )
        except ApiError as error:
            logger.warning("the Lease was not released", extra={"error": error.message})
        else:
            logger.info("released", extra={"lease": f"{self._namespace}/{self._name}"})

    async def _read(self) -> Record | Seen:
        try:
            answer = await self._client.send(
                requests.get_lease(self._namespace, self._name), attempts=1, seconds=self._timeout()
            )
        except NotFoundError:
            return Seen.ABSENT
        except ApiError as error:
            logger.warning("the Lease cannot be read", extra={"error": error.message})
            return Seen.UNKNOWN
        return _record(answer)

    async def _write(self, action: Action) -> None:
        record, sent_at = self._state.record, self._clock()
        held = record if action is Action.RENEW and record else None
        spec = {
            "holderIdentity": self._state.identity,
            "leaseDurationSeconds": int(LEASE_DURATION_SECONDS),
            "acquireTime": (held.acquired if held else "") or _now(),
            "renewTime": _now(),
            "leaseTransitions": (record.transitions if record else 0) + (action is Action.TAKE),
        }
        manifest = self._manifest(spec, record.version if record else None)
        request = requests.update_lease(manifest) if record else requests.create_lease(manifest)
        self._seen = None
        try:
            answer = await self._client.send(request, attempts=1, seconds=self._timeout())
        except (ConflictError, NotFoundError):
            return  # somebody was faster: look again
        except ApiError as error:
            logger.warning("the Lease cannot be written", extra={"error": error.message})
            return
        self._seen = _record(answer)
        self._state = confirmed(self._state, self._seen, sent_at=sent_at, now=self._clock())
        self._fence.open_until(sent_at + RENEW_DEADLINE_SECONDS)
        if not self.leading.is_set():
            logger.info("leading", extra={"lease": f"{self._namespace}/{self._name}"})
            self.leading.set()

    def _timeout(self) -> float:
        if self._state.renewed_at is None:
            return REQUEST_TIMEOUT_SECONDS
        left = self._state.renewed_at + RENEW_DEADLINE_SECONDS - self._clock()
        return min(REQUEST_TIMEOUT_SECONDS, max(left, 0.1))

    def _manifest(self, spec: dict[str, Any], version: str | None) -> Manifest:
        metadata = {"name": self._name, "namespace": self._namespace}
        if version is not None:
            metadata["resourceVersion"] = version
        return {"apiVersion": LEASE.api_version, "kind": LEASE.name, "metadata": metadata, "spec": spec}


def _record(lease: Manifest) -> Record:
    spec = lease.get("spec") or {}
    return Record(
        holder=str(spec.get("holderIdentity") or ""),
        version=str(lease["metadata"]["resourceVersion"]),
        duration=float(spec.get("leaseDurationSeconds") or LEASE_DURATION_SECONDS),
        transitions=int(spec.get("leaseTransitions") or 0),
        acquired=str(spec.get("acquireTime") or ""),
    )


def _now() -> str:
    # For people; no replica ever compares it.
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
