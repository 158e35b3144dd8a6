"""The reconciliation of one SovereigntyPolicy: the wall first, then what follows from the catalogue.

Fails closed: whatever cannot be understood, chosen or rendered leaves every object as it is, and the status says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any

from bolwerk.core.conclusion import ABSENT, by_ref, changes, concluded, named, ref_of, surplus
from bolwerk.core.conditions import Condition, condition_of, true
from bolwerk.core.egress.backend import Choice, Unserved, choose
from bolwerk.core.egress.intent import Scene
from bolwerk.core.exceptions.clocks import clocks
from bolwerk.core.exceptions.validity import until_next_change
from bolwerk.core.invalid import InvalidSpecError
from bolwerk.core.kinds import (
    CILIUM_CLUSTERWIDE_NETWORK_POLICY,
    CILIUM_NETWORK_POLICY,
    NETWORK_POLICY,
    Kind,
)
from bolwerk.core.plan import Apply, Delete, Event, Manifest, Plan
from bolwerk.core.policy.excepted import in_turn, let_through, refusing_again
from bolwerk.core.policy.holes import (
    Asked,
    asked,
    closing_all,
    exception_of,
    open_now,
    parted,
    surplus_holes,
)
from bolwerk.core.policy.measured import measured
from bolwerk.core.policy.names import Names, names
from bolwerk.core.policy.observed import OWNED_KINDS, WALL_KINDS, Observed
from bolwerk.core.policy.overlaps import governable, governed, overlaps
from bolwerk.core.policy.precedence import reopened
from bolwerk.core.policy.status import status_of, status_of_stalled
from bolwerk.core.policy.subject import Subject
from bolwerk.core.policy.view import View
from bolwerk.core.reasons import Reason
from bolwerk.core.settings import Settings

__all__ = ["SETTLING", "reconcile"]

SETTLING = timedelta(seconds=15)
"""How long a new wall stands beside the former one before that goes: an object that was applied is not yet one that
every node enforces, and a node may hear of the deletion before it hears of the successor."""

ALARMING = frozenset({"WallStands", "NotReopened", "Undisputed", "ReferencesClean", "Proven"})

EXACT: Mapping[Kind, tuple[str, ...]] = dict.fromkeys(OWNED_KINDS, ("spec",)) | {
    CILIUM_CLUSTERWIDE_NETWORK_POLICY: ("spec", "specs")
}

Wanted = list[tuple[Kind, Manifest]]

_KIND_OF = {(kind.api_version, kind.name): kind for kind in OWNED_KINDS}


def reconcile(observed: Observed, settings: Settings, now: datetime) -> Plan:
    """Decide what has to change so that the governed namespaces are walled in as the policy asks.

    Never raises for what a user wrote.
    """
    if observed.policy["metadata"].get("deletionTimestamp"):
        return Plan()  # what it owns goes with it
    try:
        subject = Subject.of(observed.policy, settings)
        namespaces = governed(observed, settings)
        wanted = asked(observed, subject, settings, namespaces, now)
        choice = choose(subject.spec.enforcement.backend, observed.served, held=_held(observed))
        if isinstance(choice, Unserved):
            return _stalled(observed, Reason.BACKEND_NOT_SERVED, choice.message, now)
        wall = wanted.wall(choice.backend.render(wanted.intent, _scene(observed, namespaces)))
    except InvalidSpecError as error:
        return _stalled(observed, Reason.INVALID_SPEC, str(error), now)
    walls, holes = parted(_addressed(wall.objects))
    changed = partial(changes, live=observed.owned, exact=EXACT, restored=_restored(observed, choice, wanted))
    to_wall, to_holes = tuple(changed(walls)), tuple(changed(holes))
    opened = open_now(observed, wall, (*to_wall, *to_holes), carved=choice.backend.name == "Cilium")
    render_names = partial(names, subject, observed, settings, backend=choice.backend.name, spared=wanted.domains)
    before, following = (render_names(holes=each) for each in (let_through(wall, opened), wall.opened))
    early, late = in_turn(*(changed(_due(each, observed)) for each in (before, following)))
    refusing = refusing_again(observed, {hole.uid for hole in wall.opened}) if following.objection else ()
    # Whatever becomes of a hole, the wall and what refuses names come first.
    applies = (*to_wall, *refusing, *early, *to_holes, *late)
    deletes, wait = _deletes(walls, following, observed, applies, now)
    kept = wanted.due if wait is not None else frozenset()
    closing = tuple(surplus_holes(holes, observed.owned, kept=kept, kinds=choice.backend.kinds))
    inside = frozenset(namespaces)
    owned = [namespace for namespace in observed.namespaces if namespace["metadata"]["name"] in inside]
    found = measured(observed, subject, inside, now)
    view = View(
        subject=subject,
        observed=observed,
        choice=choice,
        wall=wall,
        names=following,
        governed=namespaces,
        damaged=next((each for each in applies if each.kind in choice.backend.kinds and each.because != ABSENT), None),
        switching=wait is not None,
        overlaps=overlaps(observed.policy, observed.others, governable(observed.namespaces, settings)),
        reopened=reopened(wanted.intent, choice, observed.rules, owned),
        measured=found,
        opened=opened,
        stalled=_stall(observed, following),
    )
    return concluded(
        observed.policy,
        status_of(view, now),
        apply=applies,
        delete=(*closing, *deletes),
        alarming=ALARMING,
        requeue_after=min(
            *(each for each in (_until_tomorrow(now), wait, _until_next_change(observed, now)) if each is not None),
            found.until_stale(now),
        ),
    )


def _stalled(observed: Observed, reason: Reason, why: str, now: datetime) -> Plan:
    stalled = true("Stalled", reason, f"{why.removesuffix('.')}. Every wall stays as it is.")
    applies, deletes = closing_all(observed, now)
    return concluded(
        observed.policy,
        status_of_stalled(observed, stalled, now),
        apply=applies,
        delete=deletes,
        alarming=ALARMING,
        requeue_after=_until_next_change(observed, now),
    )


def _stall(observed: Observed, following: Names) -> Condition | None:
    for refusal in observed.refusals:
        return true("Stalled", Reason(refusal.reason), refusal.message)
    return following.objection


def _scene(observed: Observed, namespaces: Sequence[str]) -> Scene:
    found: dict[str, list[Mapping[str, Any]]] = {name: [] for name in namespaces}
    for policy in observed.rules.get(NETWORK_POLICY, ()):
        if policy["metadata"]["namespace"] in found:
            found[policy["metadata"]["namespace"]].append(policy)
    of_cilium = (
        each
        for kind in (CILIUM_NETWORK_POLICY, CILIUM_CLUSTERWIDE_NETWORK_POLICY)
        for each in observed.rules.get(kind, ())
    )
    return Scene(tuple(namespaces), {name: tuple(policies) for name, policies in found.items()}, tuple(of_cilium))


def _addressed(manifests: Iterable[Manifest]) -> Wanted:
    return [(_KIND_OF[manifest["apiVersion"], manifest["kind"]], manifest) for manifest in manifests]


def _due(following: Names, observed: Observed) -> Wanted:
    """Return the objects about names to apply; while there is an objection, only those that are missing."""
    return [
        (kind, manifest)
        for kind, manifest in _addressed(following.objects)
        if not following.objection or _live(observed, kind, manifest) is None
    ]


def _live(observed: Observed, kind: Kind, manifest: Manifest) -> Mapping[str, Any] | None:
    metadata = manifest["metadata"]
    return named(observed.owned, kind, metadata["name"], metadata.get("namespace"))


def _deletes(
    walls: Wanted, following: Names, observed: Observed, applies: Sequence[Apply], now: datetime
) -> tuple[tuple[Delete, ...], float | None]:
    """Return what to delete now, and the seconds after which a former wall may go, or None where there is none."""
    standing = {
        kind: tuple(each for each in objects if not exception_of(each))
        for kind, objects in observed.owned.items()
        if kind in WALL_KINDS
    }
    others = {kind: objects for kind, objects in observed.owned.items() if kind not in WALL_KINDS}
    about_names = () if following.objection else tuple(surplus(_addressed(following.objects), others))
    former = tuple(surplus(walls, standing))
    if not (former and walls):
        return (*former, *about_names), None
    new = {ref_of(kind, manifest) for kind, manifest in walls}
    if any(each.ref in new for each in applies):
        return about_names, SETTLING.total_seconds()
    live = by_ref(standing)
    youngest = max(_created(live.get(ref)) for ref in new)
    left = (youngest + SETTLING - now).total_seconds()
    return (about_names, left) if left > 0 else ((*former, *about_names), None)


def _created(live: Mapping[str, Any] | None) -> datetime:
    if live is None:
        return datetime.max.replace(tzinfo=UTC) - SETTLING
    return datetime.fromisoformat(live["metadata"]["creationTimestamp"])


def _held(observed: Observed) -> str:
    """Return the backend that was told to hold a wall last, or an empty string; it counts also while it is damaged."""
    before = observed.policy.get("status") or {}
    stands = condition_of(before, "WallStands")
    return str(before.get("backend", "")) if stands and stands["reason"] != Reason.AUDIT_ONLY else ""


def _restored(observed: Observed, choice: Choice, wanted: Asked) -> Callable[[Apply], Event | None]:
    """Tell when the wall was found damaged although nothing new was asked of it: neither a spec nor a hole."""
    before = observed.policy.get("status") or {}
    opened = {entry["uid"] for entry in before.get("openExceptions") or ()}
    same = before.get("observedGeneration") == observed.policy["metadata"].get("generation", 0)
    stood = same and _held(observed) == choice.backend.name

    def tell(apply: Apply) -> Event | None:
        if not (stood and apply.kind in WALL_KINDS):
            return None
        if opened != wanted.due or exception_of(apply.manifest):
            return None  # what an exception opens or no longer opens
        if apply.because == ABSENT and apply.kind == NETWORK_POLICY:
            return None  # a namespace that is governed only now has none yet
        what = "deleted" if apply.because == ABSENT else f"changed at {apply.because}"
        return Event("Warning", Reason.WALL_RESTORED, "Restore", f"{apply.ref} was found {what} and has been restored")

    return tell


def _until_next_change(observed: Observed, now: datetime) -> float | None:
    return until_next_change(observed.exceptions, *clocks(now, observed.skew))


def _until_tomorrow(now: datetime) -> float:
    """Seconds until the age of the catalogue, in days, is another."""
    tomorrow = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)
    return (tomorrow - now).total_seconds() + 1
