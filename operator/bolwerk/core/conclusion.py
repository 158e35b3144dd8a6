"""What every reconciliation ends with: the difference between what should be and what is, as a plan.

Used by the reconciliation of each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from bolwerk.core.difference import difference
from bolwerk.core.kinds import Kind, Ref
from bolwerk.core.plan import Apply, Delete, Event, Manifest, Plan

__all__ = ["ABSENT", "Live", "by_ref", "changes", "concluded", "named", "ref_of", "surplus", "transitions"]

Live: TypeAlias = Mapping[Kind, tuple[Mapping[str, Any], ...]]
"""By kind, the objects that exist and are owned by what is reconciled."""

ABSENT = "absent"


def named(live: Live, kind: Kind, name: str, namespace: str | None = None) -> Mapping[str, Any] | None:
    """Return the live object of this name, or None; of this namespace, where several may hold one."""
    for found in live.get(kind, ()):
        metadata = found["metadata"]
        if metadata["name"] == name and namespace in (None, metadata.get("namespace")):
            return found
    return None


def ref_of(kind: Kind, manifest: Mapping[str, Any]) -> Ref:
    """Return an object's address."""
    metadata = manifest["metadata"]
    return Ref(kind, metadata.get("namespace", ""), metadata["name"])


def by_ref(live: Live) -> dict[Ref, Mapping[str, Any]]:
    """Return the objects by address, in the order of `live`'s kinds."""
    return {ref_of(kind, found): found for kind, objects in live.items() for found in objects}


def changes(
    desired: Iterable[tuple[Kind, Manifest]],
    live: Live,
    *,
    exact: Mapping[Kind, tuple[str, ...]],
    restored: Callable[[Apply], Event | None],
) -> Iterator[Apply]:
    """Yield what has to be applied, in the order of `desired`.

    Parameters
    ----------
    exact
        Where a field too many is as wrong as one too few.
    restored
        Tells of an object that was damaged; the event is posted once it has been applied.
    """
    standing = by_ref(live)
    for kind, manifest in desired:
        found = standing.get(ref_of(kind, manifest))
        because = ABSENT if found is None else difference(manifest, found, exact=exact.get(kind, ()))
        if because:
            apply = Apply(kind, manifest, because)
            yield replace(apply, event=restored(apply))


def surplus(desired: Iterable[tuple[Kind, Manifest]], live: Live) -> Iterator[Delete]:
    """Yield what is owned and no longer desired, in the order of `live`'s kinds."""
    wanted = {ref_of(kind, manifest) for kind, manifest in desired}
    for ref, found in by_ref(live).items():
        if ref not in wanted and not found["metadata"].get("deletionTimestamp"):
            yield Delete(ref, found["metadata"]["uid"], "no longer desired")


def concluded(
    resource: Mapping[str, Any],
    status: Manifest,
    *,
    apply: tuple[Apply, ...] = (),
    delete: tuple[Delete, ...] = (),
    alarming: frozenset[str],
    requeue_after: float | None = None,
) -> Plan:
    """Return the plan: the status only where it says something new, an event for every transition.

    Parameters
    ----------
    alarming
        The types of conditions of which a False is worth an event.
    """
    before = resource.get("status") or {}
    return Plan(
        apply=apply,
        delete=delete,
        status=None if status == before else status,
        events=transitions(before.get("conditions") or [], status["conditions"], alarming=alarming),
        requeue_after=requeue_after,
    )


def transitions(
    before: Iterable[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], *, alarming: frozenset[str]
) -> tuple[Event, ...]:
    """Return the Events for what changed between two lists of conditions.

    A change of message is none: the scheduler's words change with every node. Two conditions that turn for the
    same reason are one Event.
    """
    earlier = {each.get("type"): (each.get("status"), each.get("reason")) for each in before}
    events: dict[str, Event] = {}
    for condition in after:
        type_, status, reason = condition["type"], condition["status"], condition["reason"]
        if (status, reason) == earlier.get(type_):
            continue
        if (type_, status) == ("Ready", "True"):
            events[reason] = Event("Normal", reason, "Reconcile", condition["message"])
        elif (
            (type_, status) == ("Stalled", "True")
            or (status == "False" and type_ in alarming)
            or ((type_, status) == ("Ready", "False") and earlier.get("Ready", ("", ""))[0] == "True")
        ):
            events[reason] = Event("Warning", reason, "Reconcile", condition["message"])
    return tuple(events.values())
