"""Exceptions in a policy's reconciliation: which holes its wall has to have, which it has, and which have to go.

A hole goes at once, before anything else is tried, also while the policy cannot be acted upon otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bolwerk.core.conclusion import Live, surplus
from bolwerk.core.conditions import MESSAGE_LENGTH, shortened
from bolwerk.core.egress.backends import cilium
from bolwerk.core.egress.hole import EXCEPTION_LABEL, Hole
from bolwerk.core.egress.intent import Intent, Wall
from bolwerk.core.exceptions.clocks import clocks
from bolwerk.core.exceptions.holes import LARGEST_HOLES, due, holes
from bolwerk.core.exceptions.validity import is_active
from bolwerk.core.kinds import CILIUM_CLUSTERWIDE_NETWORK_POLICY, Kind
from bolwerk.core.plan import Apply, Delete, Manifest
from bolwerk.core.policy.catalogue import catalogue_in_use
from bolwerk.core.policy.excepted import refusing_again
from bolwerk.core.policy.observed import WALL_KINDS, Observed
from bolwerk.core.policy.subject import Subject
from bolwerk.core.settings import Settings

__all__ = [
    "Asked",
    "asked",
    "closing_all",
    "exception_of",
    "open_now",
    "parted",
    "still_open",
    "surplus_holes",
    "unopened_now",
]

MOST_SENTENCES = 8
"""Of one entry in the status."""
FEW = 50
"""Of more entries each has one short sentence only: a thousand have to fit into one object."""
SHORT = 300


@dataclass(frozen=True, slots=True)
class Asked:
    """What has to be open now.

    Attributes
    ----------
    intent
        The policy's intent, with the holes.
    due
        The uids of the exceptions that have to be open, whether a backend can open them or not.
    """

    intent: Intent
    due: frozenset[str]
    unopened: tuple[tuple[Hole, str], ...] = ()

    @property
    def domains(self) -> tuple[str, ...]:
        """The names that are asked for, also where the backend opens only networks: their pods look them up."""
        return tuple(domain for hole in self.intent.holes for domain, _ in hole.domains)

    def wall(self, rendered: Wall) -> Wall:
        """Return the rendered wall, with what no backend could open told too."""
        unopened = self.unopened if self.intent.enforced else ()
        return replace(rendered, unopened=(*unopened, *rendered.unopened))


def asked(
    observed: Observed, subject: Subject, settings: Settings, namespaces: Collection[str], now: datetime
) -> Asked:
    """Decide which exceptions have to be open in the namespaces that the policy governs."""
    here = [each for each in observed.exceptions if each["metadata"]["namespace"] in namespaces]
    found = due(here, observed.approvals, subject.spec, *clocks(now, observed.skew))
    intent = Intent.of(subject)
    if not found:
        return Asked(intent, frozenset())
    opened, unopened = holes(found, subject.spec, catalogue_in_use(observed.overlay, settings)[0])
    return Asked(replace(intent, holes=opened), frozenset(each["metadata"]["uid"] for each in found), unopened)


def exception_of(manifest: Mapping[str, Any]) -> str:
    """Return the uid of the exception that an object is the hole of, or an empty string."""
    return str((manifest["metadata"].get("labels") or {}).get(EXCEPTION_LABEL) or "")


def parted(objects: Iterable[tuple[Kind, Manifest]]) -> tuple[list[tuple[Kind, Manifest]], list[tuple[Kind, Manifest]]]:
    """Return a wall's objects, and those that are holes."""
    found = list(objects)
    return (
        [(kind, each) for kind, each in found if not exception_of(each)],
        [(kind, each) for kind, each in found if exception_of(each)],
    )


def standing(owned: Live) -> dict[Kind, tuple[Mapping[str, Any], ...]]:
    """Return the live objects that are holes."""
    return {kind: tuple(each for each in owned.get(kind, ()) if exception_of(each)) for kind in WALL_KINDS}


def surplus_holes(
    desired: Sequence[tuple[Kind, Manifest]], owned: Live, *, kept: Collection[str], kinds: Collection[Kind]
) -> Iterator[Delete]:
    """Yield what is a hole and has to go now.

    Parameters
    ----------
    kept, kinds
        Exceptions of which the hole in a former wall stays as long as that wall, and the kinds of the present one.
    """
    live = standing(owned)
    uids = {each["metadata"]["uid"]: exception_of(each) for objects in live.values() for each in objects}
    for delete in surplus(desired, live):
        if uids[delete.uid] not in kept or delete.ref.kind in kinds:
            yield replace(delete, first=True)


def closing_all(observed: Observed, now: datetime) -> tuple[tuple[Apply, ...], tuple[Delete, ...]]:
    """Return what closes the holes of exceptions that are over, where the policy itself says nothing any more.

    A hole that is cut into the wall itself, or into a rule of admission, takes the others with it: nobody can say what
    the wall, or the rule, would be without it.
    """
    both = clocks(now, observed.skew)
    active = {each["metadata"]["uid"] for each in observed.exceptions if is_active(each, *both)}
    deletes = tuple(surplus_holes((), observed.owned, kept=active, kinds=()))
    over = {entry["uid"] for entry in _told(observed)} - active
    whole = (
        Apply(CILIUM_CLUSTERWIDE_NETWORK_POLICY, cilium.without_holes(each), "an exception in it is over")
        for each in observed.owned.get(CILIUM_CLUSTERWIDE_NETWORK_POLICY, ())
        if over and not exception_of(each) and "specs" in each
    )
    return (*whole, *refusing_again(observed, active)), deletes


def open_now(observed: Observed, wall: Wall, applies: Iterable[Apply], *, carved: bool) -> list[dict[str, Any]]:
    """Return the status' list of what is open: what stands in the live wall, not what is meant to.

    Parameters
    ----------
    carved
        Whether the holes are cut into the wall's own object.
    """
    pending = {exception_of(each.manifest) for each in applies if each.kind in WALL_KINDS}
    before = {entry["uid"]: dict(entry) for entry in _told(observed)}
    unsettled = carved and "" in pending
    found = {}
    for hole in wall.opened:
        if hole.uid not in before and (unsettled or hole.uid in pending):
            continue
        sentences = [sentence for each, sentence in wall.unopened if each.uid == hole.uid]
        entry = {"namespace": hole.namespace, "name": hole.exception, "uid": hole.uid}
        found[hole.uid] = entry | ({"unopened": sentences} if sentences else {})
    left = {exception_of(each) for objects in standing(observed.owned).values() for each in objects} - found.keys()
    names = {each["metadata"]["uid"]: each["metadata"] for each in observed.exceptions}
    for uid in sorted(left | (before.keys() - found.keys() if unsettled else set())):
        metadata = names.get(uid, {"namespace": "", "name": ""})
        made = {"namespace": metadata["namespace"], "name": metadata["name"], "uid": uid}
        found[uid] = before.get(uid, made)
    return _bounded(found.values())  # what is being closed beside a thousand is not refused for it


def unopened_now(wall: Wall, opened: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the status' list of what is due and opens nothing, with why.

    Parameters
    ----------
    opened
        What the status lists as open.
    """
    listed = {entry["uid"] for entry in opened} | {hole.uid for hole in wall.opened}
    found: dict[str, dict[str, Any]] = {}
    for hole, sentence in wall.unopened:
        if hole.uid not in listed:
            entry = {"namespace": hole.namespace, "name": hole.exception, "uid": hole.uid, "unopened": []}
            found.setdefault(hole.uid, entry)["unopened"].append(sentence)
    return _bounded(found.values())


def _bounded(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    found = list(entries)[:LARGEST_HOLES]
    sentences, length = (MOST_SENTENCES, MESSAGE_LENGTH) if len(found) <= FEW else (1, SHORT)
    return [
        {**each, "unopened": [shortened(told, length) for told in each["unopened"][:sentences]]}
        if "unopened" in each
        else each
        for each in found
    ]


def still_open(observed: Observed) -> list[dict[str, Any]]:
    """Return what of the list of open ones still stands, where nothing new is opened."""
    live = {exception_of(each) for objects in standing(observed.owned).values() for each in objects}
    carved = any("specs" in each for each in observed.owned.get(CILIUM_CLUSTERWIDE_NETWORK_POLICY, ()))
    return [dict(entry) for entry in _told(observed) if carved or entry["uid"] in live]


def _told(observed: Observed) -> Sequence[Mapping[str, Any]]:
    return (observed.policy.get("status") or {}).get("openExceptions") or ()
