"""Carries out a plan's applies and deletes: in order, guarded, stopping at the first refusal.

Used by the controller. The guard: an object that is not known to be the reconciled one's own is looked up first, and
one that belongs to somebody else is left alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bolwerk.core.audit.record import Done
from bolwerk.core.kinds import Ref
from bolwerk.core.plan import Apply, Delete, Manifest, Plan, Refusal
from bolwerk.core.reasons import Reason
from bolwerk.shell.cache import Cache
from bolwerk.shell.client import Client
from bolwerk.shell.errors import ApiError, ConflictError, NotFoundError
from bolwerk.shell.metrics import Metrics
from bolwerk.shell.trim import controller_of

__all__ = ["Executor", "Ledger"]

logger = logging.getLogger(__name__)

UNAUTHORIZED = 401
INTERNAL_ERROR = 500
# Few enough that what ends meanwhile does not wait for them.
LOOKED_UP = 64


@dataclass(slots=True)
class Ledger:
    """What became of a plan's changes, noted as it happens."""

    changes: list[Apply | Delete] = field(default_factory=list)
    unknown: list[Apply | Delete] = field(default_factory=list)
    refused: list[tuple[Apply | Delete, Refusal]] = field(default_factory=list)

    @contextmanager
    def noting(self, change: Apply | Delete) -> Iterator[None]:
        """Note a change as perhaps done when what comes instead of an answer does not tell."""
        try:
            yield
        except asyncio.CancelledError:
            self.unknown.append(change)
            raise
        except ApiError as error:
            if error.status == 0 or error.status >= INTERNAL_ERROR:
                self.unknown.append(change)
            raise

    @property
    def done(self) -> Done:
        """The ledger, closed."""
        return Done(tuple(self.changes), tuple(self.unknown), tuple(self.refused))


class Executor:
    """Writes children to the API server and what became of them to the cache.

    Parameters
    ----------
    enqueue
        Has others looked at whom a write concerns: when its echo comes, it is no news any more.
    """

    def __init__(
        self, *, client: Client, cache: Cache, enqueue: Callable[[Iterable[Ref]], None], metrics: Metrics
    ) -> None:
        self._client = client
        self._cache = cache
        self._enqueue = enqueue
        self._metrics = metrics

    def is_settled(self, apply: Apply) -> bool:
        """Whether the live object is what came of applying exactly this: then applying it again is futile.

        It happens when a mutating webhook overrules a field. The status still tells the difference.
        """
        entry = self._cache.find(apply.ref)
        return entry is not None and entry.applied is not None and entry.applied == _digest(apply.manifest)

    def is_terminating(self, delete: Delete) -> bool:
        """Whether the object is already on its way out."""
        entry = self._cache.find(delete.ref)
        return entry is not None and entry.uid == delete.uid and entry.terminating

    async def execute(
        self, plan: Plan, owner: Ref, uid: str, *, ledger: Ledger, outdated: Callable[[], bool] = lambda: False
    ) -> tuple[Refusal, ...]:
        """Delete what comes first, apply, then delete the rest, on behalf of the owner with this uid.

        Parameters
        ----------
        ledger
            Is told of every step, so that it is known what was done also when this ends early.
        outdated
            Asked before each apply: whether to leave the rest for another plan.

        Returns
        -------
        tuple
            What was refused, empty when all went through.

        Raises
        ------
        ApiError
            When the API server cannot be asked, or what was decided on is outdated.
        """
        # Side by side: what is over at the same moment is closed at the same moment.
        first = [delete for delete in plan.delete if delete.first]
        for outcome in await asyncio.gather(
            *(self._delete(delete, owner, ledger) for delete in first), return_exceptions=True
        ):
            if outcome is not None:
                raise outcome
        for start in range(0, len(plan.apply), LOOKED_UP):
            # Looked up side by side, applied one after the other: the wall stands before the first pod.
            batch = plan.apply[start : start + LOOKED_UP]
            guarded = await asyncio.gather(*(self.guard(apply, owner, uid) for apply in batch))
            for apply, manifest in zip(batch, guarded, strict=True):
                if outdated():
                    return ()
                if refusal := await self._apply_guarded(apply, manifest, owner, ledger):
                    return (refusal,)
        for delete in plan.delete:
            if not delete.first:
                await self._delete(delete, owner, ledger)
        return ()

    async def _apply_guarded(
        self, apply: Apply, manifest: Manifest | Refusal, owner: Ref, ledger: Ledger
    ) -> Refusal | None:
        if isinstance(manifest, Refusal):
            refusal: Refusal | None = manifest
        else:
            with ledger.noting(apply):
                refusal = await self._apply(apply, manifest, owner)
        if refusal is None:
            ledger.changes.append(apply)
            return None
        ledger.refused.append((apply, refusal))
        self._metrics.refused.labels(apply.kind.name, refusal.reason).inc()
        logger.warning("refused", extra={"resource": owner, "object": refusal.ref, "error": refusal.message})
        return refusal

    async def guard(self, apply: Apply, owner: Ref, uid: str) -> Manifest | Refusal:
        """Say what may be applied: the manifest, pinned to the owner's object where that exists, or why nothing may.

        Raises
        ------
        ApiError
            When the API server cannot be asked.
        """
        entry = self._cache.find(apply.ref)
        if entry is not None and entry.owner == uid:
            return _pinned(apply.manifest, entry.uid)
        try:
            live = await self._client.get(apply.ref, metadata_only=True)
        except NotFoundError:
            return apply.manifest
        controller = controller_of(live)
        if controller and controller.uid == uid:  # its labels were removed, or its creation is on its way to the cache
            return _pinned(apply.manifest, live["metadata"]["uid"])
        return Refusal(
            apply.ref,
            Reason.NAME_TAKEN,
            f"{apply.ref} exists and does not belong to this {owner.kind.name}: delete it or give the "
            f"{owner.kind.name} another name.",
        )

    async def _apply(self, apply: Apply, manifest: Manifest, owner: Ref) -> Refusal | None:
        try:
            answer = await self._client.apply(apply.kind, manifest)
        except ApiError as error:
            if not _is_refusal(error):
                raise
            return Refusal(apply.ref, Reason.REFUSED_BY_CLUSTER, f"{apply.ref} was refused: {error.message}")
        self._enqueue(self._cache.put(apply.kind, answer, applied=_digest(apply.manifest)) - {owner})
        self._metrics.applied.labels(apply.kind.name).inc()
        logger.info("applied", extra={"resource": owner, "object": apply.ref, "because": apply.because})
        return None

    async def _delete(self, delete: Delete, owner: Ref, ledger: Ledger) -> None:
        ref = delete.ref
        with ledger.noting(delete):
            try:
                answer = await self._client.delete(ref, delete.uid)
            except NotFoundError:
                answer = {"kind": "Status"}
        ledger.changes.append(delete)
        if answer.get("kind") == "Status":
            concerned = self._cache.bury(ref.kind, ref.key, delete.uid)
        else:
            concerned = self._cache.put(ref.kind, answer)
        self._enqueue(concerned - {owner})
        self._metrics.deleted.labels(ref.kind.name).inc()
        logger.info("deleted", extra={"resource": owner, "object": ref, "because": delete.because})


def _is_refusal(error: ApiError) -> bool:
    """Whether somebody has to change something before the same request can succeed."""
    if isinstance(error, ConflictError) or error.status in (0, UNAUTHORIZED, 429, 502, 503, 504):
        return False
    # A namespace that is going away takes its objects with it: nobody has to be told.
    return "NamespaceTerminating" not in error.causes


def _pinned(manifest: Manifest, uid: str) -> Manifest:
    # With its uid an apply can only change this very object, never a foreign one that took its name meanwhile.
    return {**manifest, "metadata": {**manifest["metadata"], "uid": uid}}


def _digest(manifest: Manifest) -> int:
    packed = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    return int.from_bytes(hashlib.blake2b(packed, digest_size=8).digest())
