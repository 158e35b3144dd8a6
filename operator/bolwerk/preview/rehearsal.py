"""Carries out decisions in memory instead of on a cluster, until nothing is left to do: what the operator would do.

The loop is the controller's: apply in order, stop at the first refusal, delete, and decide once more on what has become
of that, which gives the status. Used by `render` over the objects of a file and by `plan` over those of a cluster.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bolwerk.core.kinds import Ref
from bolwerk.core.plan import Apply, Manifest, Plan, Refusal
from bolwerk.preview.world import World

__all__ = ["Change", "Guard", "Outcome", "Rehearsal"]

PASSES = 8
"""More than any decision needs; one that does not come to rest is told as it is then."""

PATIENCE_SECONDS = 60.0
"""What a decision wants to look at again so soon is part of it (a former wall goes); the rest is another day's."""

Guard = Callable[[Apply, Ref, str], Awaitable[Manifest | Refusal]]
"""Whether an object may be applied on behalf of the owner with this uid, or belongs to somebody else."""


@dataclass(frozen=True, slots=True)
class Change:
    """What would become of one object.

    Attributes
    ----------
    because
        The first difference, or why it is deleted.
    live, desired
        As it is, None where it would be made; as it would be applied, None where it would be deleted.
    after
        Seconds that would be waited before that.
    """

    ref: Ref
    because: str
    live: Manifest | None
    desired: Manifest | None
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the operator would do about one object, in order, and what its status would say then.

    Attributes
    ----------
    before, status
        The status as it is, and as it would be.
    """

    ref: Ref
    changes: tuple[Change, ...]
    before: Manifest
    status: Manifest


class Rehearsal:
    """Rehearses one object after the other, all on the same world."""

    def __init__(self, world: World, *, guard: Guard, now: datetime) -> None:
        self._world = world
        self._guard = guard
        self._now = now

    async def of(self, ref: Ref) -> Outcome:
        """Rehearse what would be done about one object.

        Raises
        ------
        ApiError
            When the cluster has to be asked and does not answer.
        """
        changes: dict[Ref, Change] = {}
        refusals: tuple[Refusal, ...] = ()
        before: Manifest = {}
        status: Manifest = {}
        waited = 0.0
        for number in range(PASSES):
            now = self._now + timedelta(seconds=waited)
            decided = self._world.decide(ref, now, refusals=refusals)
            if decided is None:
                break
            plan, status = decided.plan, decided.plan.status or decided.resource.get("status") or {}
            if not number:
                before = decided.resource.get("status") or {}
            if refusals:
                break
            if plan.apply or plan.delete:
                refusals = await self._carry_out(plan, ref, decided.resource, changes, waited)
            elif plan.requeue_after is not None and plan.requeue_after <= PATIENCE_SECONDS:
                waited += plan.requeue_after
            else:
                break
        if resource := self._world.live(ref):
            self._world.put(ref, {**resource, "status": status})
        return Outcome(ref, tuple(changes.values()), before, status)

    async def _carry_out(
        self, plan: Plan, owner: Ref, resource: Mapping[str, Any], changes: dict[Ref, Change], waited: float
    ) -> tuple[Refusal, ...]:
        uid = resource["metadata"]["uid"]
        allowed = await asyncio.gather(*(self._guard(apply, owner, uid) for apply in plan.apply))
        for apply, answer in zip(plan.apply, allowed, strict=True):
            if isinstance(answer, Refusal):
                return (answer,)
            ref, live = apply.ref, self._world.live(apply.ref)
            change = Change(ref, apply.because, live, apply.manifest, waited)
            # The last word on an object, but seen from how it was at first.
            changes[ref] = replace(changes[ref], desired=apply.manifest) if ref in changes else change
            self._world.put(ref, applied(live or {}, apply.manifest), now=self._now + timedelta(seconds=waited))
        for delete in plan.delete:
            changes[delete.ref] = Change(delete.ref, delete.because, self._world.live(delete.ref), None, waited)
            self._world.cache.bury(delete.ref.kind, delete.ref.key, delete.uid)
        return ()


def applied(live: Manifest, desired: Manifest) -> Manifest:
    """Return what server-side apply would make of an object, as far as any decision can tell."""
    metadata = {**live.get("metadata", {}), **desired["metadata"]}
    for field in ("labels", "annotations"):
        both = {**(live.get("metadata", {}).get(field) or {}), **desired["metadata"].get(field, {})}
        metadata |= {field: both} if both else {}
    return {**live, **desired, "metadata": metadata}
