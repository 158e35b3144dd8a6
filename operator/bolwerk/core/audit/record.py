"""Which entries a carried-out decision is worth: derived from what was done and told, never from what was meant.

Called by the shell after each step, with nothing that did not happen; a decision that changes nothing is worth none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bolwerk.core.audit.action import Action
from bolwerk.core.audit.entry import Detail, Fact, digest
from bolwerk.core.conclusion import ABSENT
from bolwerk.core.kinds import (
    CONFIG_MAP,
    LOCAL_MODEL,
    NETWORK_POLICY,
    SOVEREIGNTY_POLICY,
    VALIDATING_ADMISSION_POLICY,
    VALIDATING_ADMISSION_POLICY_BINDING,
    Kind,
    Ref,
)
from bolwerk.core.plan import Apply, Delete, Refusal
from bolwerk.core.policy.observed import WALL_KINDS

__all__ = ["Done", "changed", "governed", "named"]

Change = Apply | Delete

_CATEGORIES: Mapping[str, Mapping[Kind, str]] = {
    SOVEREIGNTY_POLICY.name: {
        **dict.fromkeys(WALL_KINDS, "Wall"),
        VALIDATING_ADMISSION_POLICY: "Admission",
        VALIDATING_ADMISSION_POLICY_BINDING: "Admission",
        CONFIG_MAP: "Names",
    },
    LOCAL_MODEL.name: {NETWORK_POLICY: "Seal"},
}
_OTHERS = "Workload"
_RESTORED = frozenset({"Wall", "Seal"})


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a plan's changes; those that were not tried are left out.

    Attributes
    ----------
    unknown
        Changes that were sent and never answered: they may have happened.
    """

    changes: tuple[Change, ...] = ()
    unknown: tuple[Change, ...] = ()
    refused: tuple[tuple[Change, Refusal], ...] = ()


def changed(resource: Mapping[str, Any], done: Done) -> tuple[Fact, ...]:
    """Return an entry for each kind of thing that was done to what belongs to a reconciled object."""
    return (
        *_grouped(resource, done.changes, result="Done"),
        *_grouped(resource, done.unknown, result="Unknown"),
        *(
            Fact(
                _action(resource, change),
                named(resource),
                "Refused",
                detail={**about(resource), "names": (str(refusal.ref),), "reason": str(refusal.reason)},
            )
            for change, refusal in done.refused
            if not _is_told(resource, refusal)  # it is tried again and again
        ),
    )


def governed(policy: Mapping[str, Any], *, before: tuple[str, ...] | int, after: tuple[str, ...]) -> tuple[Fact, ...]:
    """Return an entry for the namespaces that a policy governs newly, and one for those that it no longer does.

    Parameters
    ----------
    before
        Those that were governed before, or no more than their number where nobody looked meanwhile.
    """
    if isinstance(before, int):
        detail: dict[str, Detail] = {**about(policy), **listed(after), "numberBefore": before}
        return (Fact(Action.NAMESPACES_GOVERNED, named(policy), detail=detail),)
    gained, lost = sorted({*after} - {*before}), sorted({*before} - {*after})
    return tuple(
        Fact(action, named(policy), detail={**about(policy), **listed(names), "now": len(after)})
        for action, names in ((Action.NAMESPACES_GOVERNED, gained), (Action.NAMESPACES_RELEASED, lost))
        if names
    )


def named(resource: Mapping[str, Any]) -> str:
    """Return how an entry names a reconciled object."""
    metadata = resource["metadata"]
    return f"{resource['kind']} " + "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))


def about(resource: Mapping[str, Any]) -> dict[str, Detail]:
    """Return what finds exactly this state of the object again, also in the API server's audit log."""
    metadata = resource["metadata"]
    return {"uid": str(metadata["uid"]), "generation": int(metadata.get("generation", 0))}


def listed(names: Iterable[str]) -> dict[str, Detail]:
    """Return names as an entry holds them: the first ones, how many there are, and a digest of all."""
    everything = tuple(names)
    return {"names": everything, "count": len(everything), "namesDigest": digest(everything)}


def _grouped(resource: Mapping[str, Any], changes: Iterable[Change], *, result: str) -> Iterator[Fact]:
    groups: dict[Action, list[Change]] = {}
    for change in changes:
        groups.setdefault(_action(resource, change), []).append(change)
    for action, members in groups.items():
        manifests = [[str(each.ref), each.manifest if isinstance(each, Apply) else each.uid] for each in members]
        detail: dict[str, Detail] = {
            **about(resource),
            **listed(str(each.ref) for each in members),
            "digest": digest(manifests),
            "because": members[0].because,
        }
        yield Fact(action, named(resource), result, detail=detail)


def _action(resource: Mapping[str, Any], change: Change) -> Action:
    category = _CATEGORIES.get(resource["kind"], {}).get(change.ref.kind, _OTHERS)
    if category == "Wall" and _is_hole(resource, change.ref):
        category = "Hole"
    if isinstance(change, Delete):
        return Action(f"{category}Removed")
    if change.event is not None and category in _RESTORED:  # planned only where somebody else damaged it
        return Action(f"{category}Restored")
    return Action(f"{category}Applied" if change.because == ABSENT else f"{category}Changed")


def _is_hole(policy: Mapping[str, Any], ref: Ref) -> bool:
    return re.match(rf"bolwerk-{re.escape(policy['metadata']['name'])}[-.]x-[0-9a-f]{{12}}", ref.name) is not None


def _is_told(resource: Mapping[str, Any], refusal: Refusal) -> bool:
    conditions = (resource.get("status") or {}).get("conditions") or ()
    return any((each["type"], each["reason"]) == ("Stalled", refusal.reason) for each in conditions)
