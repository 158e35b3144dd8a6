"""What a SovereigntyPolicy does about each group: refuse its names, alert, or allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pydantic import ValidationError

from bolwerk.api.sovereigntypolicy import Catalogue as Choice
from bolwerk.api.sovereigntypolicy import CatalogueEntry
from bolwerk.core.catalogue.catalogue import Catalogue, Match
from bolwerk.core.catalogue.parse import whole
from bolwerk.core.catalogue.reading import CatalogueError
from bolwerk.core.catalogue.schema import Group
from bolwerk.core.catalogue.spelling import nearest
from bolwerk.core.invalid import InvalidSpecError

__all__ = ["Decision", "Decisions", "Ruling", "decisions"]

Decision: TypeAlias = Literal["Refuse", "Alert", "Allow"]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is done about one host name, and which entry says so."""

    match: Match
    decision: Decision


@dataclass(frozen=True, slots=True)
class Decisions(Mapping[str, Decision]):
    """By group, what is done about it.

    Attributes
    ----------
    catalogue
        The catalogue that was decided upon, with the policy's own entries as groups in it.
    """

    catalogue: Catalogue
    _by_group: Mapping[str, Decision]

    def __getitem__(self, group: str) -> Decision:
        return self._by_group[group]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_group)

    def __len__(self) -> int:
        return len(self._by_group)

    def find(self, host: str) -> Ruling | None:
        """Return what is done about a host name, or None if the catalogue does not know it."""
        match = self.catalogue.find(host)
        return Ruling(match, self[match.group]) if match else None

    def groups(self, decision: Decision) -> tuple[Group, ...]:
        """Return the groups of one decision, in the catalogue's order."""
        return tuple(group for name, group in self.catalogue.groups.items() if self[name] == decision)


def decisions(catalogue: Catalogue, choice: Choice) -> Decisions:
    """Decide about every group; `choice` is the policy's `spec.catalogue`.

    A group that also serves other traffic is alerted about, unless the policy lists it: refusing it breaks things that
    nobody meant.

    Raises
    ------
    InvalidSpecError
        If the policy names a group that there is not, or one in two ways, or calls an entry of its own like a group.
    """
    own = _own(catalogue, choice.entries)
    listed: dict[str, Decision] = {}
    lists: tuple[tuple[str, Decision, tuple[str, ...]], ...] = (
        ("refuse", "Refuse", choice.refuse),
        ("alert", "Alert", choice.alert),
        ("allow", "Allow", choice.allow),
    )
    for field, decision, names in lists:
        for name in names:
            if name not in own.groups:
                raise InvalidSpecError(
                    f"spec.catalogue.{field}: the catalogue {catalogue.version} has no group {name};"
                    f" {nearest(name, own.groups)}"
                )
            if name in listed:
                raise InvalidSpecError(f"spec.catalogue.{field}: {name} stands in another list too; keep one of them")
            listed[name] = decision
    return Decisions(own, {name: listed.get(name, _default(group, choice)) for name, group in own.groups.items()})


def _default(group: Group, choice: Choice) -> Decision:
    return "Alert" if group.shared else choice.default


def _own(catalogue: Catalogue, entries: tuple[CatalogueEntry, ...]) -> Catalogue:
    if not entries:
        return catalogue
    own: dict[str, Group] = {}
    for entry in entries:
        if entry.name in catalogue.groups or entry.name in own:
            raise InvalidSpecError(f"spec.catalogue.entries: {entry.name} is a group's name already; choose another")
        own[entry.name] = _group(entry)
    suffixes = {name for group in own.values() for name in group.suffixes}
    exact = {name for group in own.values() for name in group.exact}
    return Catalogue.of(
        version=catalogue.version,
        # The policy's own entries are no part of the catalogue that other policies share.
        digest=catalogue.digest,
        groups=(*(_without(group, suffixes, exact) for group in catalogue.groups.values()), *own.values()),
        sources=catalogue.sources,
        shared_apexes=catalogue.shared_apexes,
        environment=catalogue.environment,
    )


def _group(entry: CatalogueEntry) -> Group:
    """Return an entry as a group. What the file may not take as a whole, a policy may, for it knows its own cluster."""
    try:
        group = Group(
            name=entry.name,
            title=f"{entry.name} (the policy's own)"[:120],
            jurisdiction="not said",
            suffixes=tuple(dict.fromkeys(entry.suffixes)),
            exact=tuple(dict.fromkeys(entry.hosts)),
            sources=(),
        )
        whole([group], ())
    except ValidationError as error:
        faults = "; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors())
        raise InvalidSpecError(f"spec.catalogue.entries.{entry.name}: {faults}") from error
    except CatalogueError as error:
        raise InvalidSpecError(f"spec.catalogue.entries: {error}") from error
    return group


def _without(group: Group, suffixes: set[str], exact: set[str]) -> Group:
    """Return a group less what the policy has an opinion of its own about."""
    if suffixes.isdisjoint(group.suffixes) and exact.isdisjoint(group.exact):
        return group
    kept = {
        "suffixes": tuple(name for name in group.suffixes if name not in suffixes),
        "exact": tuple(name for name in group.exact if name not in exact),
    }
    return group.model_copy(update=kept)
