"""What closes holes that outlived their exceptions, and nothing else: the decision of the safety net.

Made without the operator, on the same lists, by the same judgement and the same renderers. It opens nothing by
construction: holes are only taken away from those that stand, no object is made, and no wall is touched whose policy
was edited since the operator looked at it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bolwerk.api.sovereigntypolicy import SovereigntyPolicySpec
from bolwerk.core.conclusion import ABSENT
from bolwerk.core.conditions import condition_of
from bolwerk.core.egress.hole import EXCEPTION_LABEL
from bolwerk.core.exceptions.clocks import clocks
from bolwerk.core.exceptions.holes import due
from bolwerk.core.exceptions.validity import is_active
from bolwerk.core.invalid import InvalidSpecError, parsed
from bolwerk.core.kinds import (
    ADMIN_NETWORK_POLICY,
    CILIUM_CLUSTERWIDE_NETWORK_POLICY,
    CLUSTER_NETWORK_POLICY,
    GLOBAL_NETWORK_POLICY,
    NETWORK_POLICY,
    Kind,
    Ref,
)
from bolwerk.core.plan import Apply, Delete, Plan
from bolwerk.core.policy.observed import Observed
from bolwerk.core.policy.overlaps import governed
from bolwerk.core.policy.reconcile import reconcile
from bolwerk.core.settings import Settings

__all__ = ["CARVED_KINDS", "HOLE_KINDS", "Closing", "closing"]

HOLE_KINDS: tuple[Kind, ...] = (
    NETWORK_POLICY,
    CLUSTER_NETWORK_POLICY,
    ADMIN_NETWORK_POLICY,
    CILIUM_CLUSTERWIDE_NETWORK_POLICY,
    GLOBAL_NETWORK_POLICY,
)
"""Of which an object may be a hole: closed by deleting it."""

CARVED_KINDS: tuple[Kind, ...] = (CILIUM_CLUSTERWIDE_NETWORK_POLICY,)
"""Of which the wall itself has the holes in it: closed by applying it without them."""


@dataclass(frozen=True, slots=True)
class Closing:
    """What is to be done about one policy.

    Attributes
    ----------
    overdue
        The exceptions whose holes stand and should not, as people know them.
    plan
        What closes them.
    objection
        What remains open all the same, and what to do about it; empty where nothing does.
    """

    overdue: tuple[str, ...] = ()
    plan: Plan = field(default_factory=Plan)
    objection: str = ""


def closing(observed: Observed, settings: Settings, now: datetime) -> Closing:
    """Decide what closes the overdue holes of one policy; nothing where there is none."""
    standing = {**dict(_told(observed)), **dict(_seen(observed))}
    active = {each["metadata"]["uid"] for each in _due(observed, settings, now)}
    over = {uid: name for uid, name in standing.items() if uid not in active}
    if not over:
        return Closing()
    deletes = tuple(_deletes(observed, over))
    applies, objection = _applies(observed, settings, now, standing.keys() & active)
    return Closing(tuple(sorted({*over.values()})), Plan(apply=applies, delete=deletes), objection)


def _told(observed: Observed) -> Iterator[tuple[str, str]]:
    """Yield what the policy has told to be open: also what has no object of its own."""
    for entry in (observed.policy.get("status") or {}).get("openExceptions") or ():
        yield str(entry.get("uid")), f"{entry.get('namespace')}/{entry.get('name')}"


def _seen(observed: Observed) -> Iterator[tuple[str, str]]:
    known = {each["metadata"]["uid"]: each["metadata"] for each in observed.exceptions}
    for kind in HOLE_KINDS:
        for found in observed.owned.get(kind, ()):
            if uid := _uid(found):
                metadata = known.get(uid)
                yield uid, f"{metadata['namespace']}/{metadata['name']}" if metadata else f"uid {uid}, which is gone"


def _uid(found: Mapping[str, Any]) -> str:
    return str((found["metadata"].get("labels") or {}).get(EXCEPTION_LABEL) or "")


def _due(observed: Observed, settings: Settings, now: datetime) -> Iterable[Mapping[str, Any]]:
    both = clocks(now, observed.skew)
    try:
        spec = parsed(SovereigntyPolicySpec, observed.policy.get("spec"))
    except InvalidSpecError:
        # Nobody can say what it allows; as the operator does, only what is over is closed.
        return [each for each in observed.exceptions if is_active(each, *both)]
    here = frozenset(governed(observed, settings))
    asked = [each for each in observed.exceptions if each["metadata"]["namespace"] in here]
    return due(asked, observed.approvals, spec, *both)


def _deletes(observed: Observed, over: Mapping[str, str]) -> Iterator[Delete]:
    for kind in HOLE_KINDS:
        for found in observed.owned.get(kind, ()):
            metadata = found["metadata"]
            if _uid(found) in over and not metadata.get("deletionTimestamp"):
                ref = Ref(kind, metadata.get("namespace", ""), metadata["name"])
                yield Delete(ref, metadata["uid"], "its exception is over", first=True)


def _applies(
    observed: Observed, settings: Settings, now: datetime, staying: Iterable[str]
) -> tuple[tuple[Apply, ...], str]:
    """Return the walls that have to be applied without the holes, or why that is not to be done here."""
    carved = any(not _uid(found) for kind in CARVED_KINDS for found in observed.owned.get(kind, ()))
    if not carved:
        return (), ""
    metadata, status = observed.policy["metadata"], observed.policy.get("status") or {}
    if metadata.get("generation", 0) != status.get("observedGeneration", 0):
        return (), (
            f"SovereigntyPolicy {metadata['name']} was edited while no operator looked at it, so what its wall has to "
            "be now is not for this command to say: start the operator, which closes the hole first"
        )
    kept = frozenset(staying)
    fewer = tuple(each for each in observed.exceptions if each["metadata"]["uid"] in kept)
    plan = reconcile(replace(observed, exceptions=fewer), settings, now)
    stalled = condition_of(plan.status or {}, "Stalled").get("message", "")
    applies = tuple(each for each in plan.apply if each.kind in CARVED_KINDS and each.because != ABSENT)
    return applies, f"the wall is as it was: {stalled}" if stalled and not applies else ""
