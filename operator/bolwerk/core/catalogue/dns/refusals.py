"""Which names CoreDNS is told to refuse, group by group: the content of the snippet, before it is text.

One `template` block a group. CoreDNS counts what a block refuses under the zone of the block, and under nothing else
that differs between blocks (plugin/template/metrics.go: server, zone, view, class, type): no two groups share a zone.
Domains are zones as they are. Single names, patterns, and domains in which others have a say are first renamed into a
zone of their group, by `rewrite` rules in the order in which the catalogue decides; the client never sees that name.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bolwerk.core.catalogue.decisions import Decisions
from bolwerk.core.catalogue.names import LONGEST_NAME, parents

__all__ = ["Block", "Refusals", "Rename", "refusals"]

ZONE = "refused.bolwerk.invalid"
"""Below it each group has its zone. Nobody can have this name: RFC 2606 keeps `invalid` free."""

EXACT, PATTERN, SUFFIX = range(3)


@dataclass(frozen=True, slots=True)
class Rename:
    """One `rewrite` rule: the first that fits a name is the only one.

    Attributes
    ----------
    match
        A pattern on names with their trailing dot; all of it but the dot is its first group.
    zone
        Where the name is moved to, or an empty string: then it stays what it is, and no later rule sees it.
    name
        The name, where it is one: CoreDNS compares it sooner than it runs an expression.
    """

    match: str
    zone: str
    name: str = ""

    @property
    def renamed(self) -> str:
        """What `name` becomes."""
        return f"{self.name}.{self.zone}".removesuffix(".")


@dataclass(frozen=True, slots=True)
class Block:
    """One `template` block: all names of its zones are refused."""

    group: str
    zones: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusals:
    """What CoreDNS refuses."""

    renames: tuple[Rename, ...] = ()
    blocks: tuple[Block, ...] = ()

    @property
    def zones(self) -> Mapping[str, str]:
        """By counted zone, without its trailing dot, the group."""
        return {zone: block.group for block in self.blocks for zone in block.zones}


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a group.

    Attributes
    ----------
    domain
        The name, or the domain that all its names are in.
    match
        It as a regular expression without anchors.
    rank
        Of all entries that fit a name the one with the lowest has it, as in `Catalogue.find`.
    """

    group: str
    refused: bool
    domain: str
    match: str
    rank: tuple[int, int, int]

    @property
    def kind(self) -> int:
        return self.rank[1]


def refusals(decided: Decisions) -> Refusals:
    """Return what to refuse."""
    entries = list(_entries(decided))
    overruled = {entry: list(others) for entry, others in _overruled(entries)}
    carved = {other for entry, others in overruled.items() if not entry.refused for other in others}
    renamed = {
        entry
        for entry, others in overruled.items()
        if others or (entry.refused and (entry.kind != SUFFIX or entry in carved))
    }
    zones: dict[str, dict[str, None]] = {}
    for entry in entries:
        if entry.refused:
            zones.setdefault(entry.group, {})[_zone(entry.group) if entry in renamed else entry.domain] = None
    return Refusals(
        renames=tuple(
            Rename(
                match=rf"^({entry.match})\.$",
                zone=_zone(entry.group) if entry.refused else "",
                name=entry.domain if entry.kind == EXACT else "",
            )
            for entry in sorted(renamed, key=lambda each: each.rank)
        ),
        blocks=tuple(Block(group, tuple(own)) for group, own in zones.items()),
    )


def _zone(group: str) -> str:
    return f"{group}.{ZONE}"


def _literal(name: str) -> str:
    return name.replace(".", r"\.")


def _entries(decided: Decisions) -> Iterator[_Entry]:
    number = itertools.count()
    for group in decided.catalogue.groups.values():
        found = [
            *((name, _literal(name), (-LONGEST_NAME, EXACT)) for name in group.exact),
            *(
                (pattern.domain, pattern.text[1:-1], (-pattern.domain.count("."), PATTERN))
                for pattern in decided.catalogue.patterns(group.name)
            ),
            *((name, rf"(?:.+\.)?{_literal(name)}", (-name.count("."), SUFFIX)) for name in group.suffixes),
        ]
        for domain, match, rank in found:
            yield _Entry(group.name, decided[group.name] == "Refuse", domain, match, (*rank, next(number)))


def _overruled(entries: list[_Entry]) -> Iterator[tuple[_Entry, Iterator[_Entry]]]:
    """Yield each entry with the domains of other groups that hold its names too, and with one pattern that may."""
    suffixes = {entry.domain: entry for entry in entries if entry.refused and entry.kind == SUFFIX}
    patterns: dict[str, list[_Entry]] = {}
    for entry in entries:
        if entry.refused and entry.kind == PATTERN:
            patterns.setdefault(entry.domain, []).append(entry)

    def after(entry: _Entry) -> Iterator[_Entry]:
        for domain in parents(entry.domain):
            others = itertools.takewhile(lambda other: other.rank > entry.rank, reversed(patterns.get(domain, ())))
            yield from itertools.islice((other for other in others if other.group != entry.group), 1)
            suffix = suffixes.get(domain)
            if suffix and suffix.rank > entry.rank and suffix.group != entry.group:
                yield suffix

    for entry in entries:
        yield entry, after(entry)
