"""Which names CoreDNS is told to refuse, group by group: the content of the snippet, before it is text.

CoreDNS counts a refusal under the zone of the block that refused, and under nothing else that differs between blocks
(plugin/template/metrics.go: server, zone, view, class, type). So no two groups share a zone: it tells the group.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bolwerk.core.catalogue.decisions import Decisions
from bolwerk.core.catalogue.dns.spared import Spared, left_of, spared, unsaid
from bolwerk.core.catalogue.names import LONGEST_NAME, parents
from bolwerk.core.catalogue.patterns import Pattern
from bolwerk.core.catalogue.schema import Group

__all__ = ["Block", "Refusals", "refusals"]

LONGEST_MATCH = 10_000
"""Characters of one regular expression (maxRegexpLen in CoreDNS 1.14's plugin/template/setup.go)."""

EXACT, PATTERN, SUFFIX = range(3)


@dataclass(frozen=True, slots=True)
class Block:
    """One `template` block.

    Attributes
    ----------
    matches
        Patterns on names with their trailing dot; none means all names of the zones.
    """

    group: str
    zones: tuple[str, ...]
    matches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusals:
    """What CoreDNS refuses.

    Attributes
    ----------
    zones
        By counted zone, without its trailing dot, the group.
    limits
        What of the policy a name server cannot be told, a sentence each.
    """

    blocks: tuple[Block, ...]
    zones: Mapping[str, str]
    limits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a refused group: all names of `zone`, or those that match.

    Attributes
    ----------
    domain
        The name or domain that it is about.
    rank
        Where entries of several groups fit a name, the lowest has it, as in `Catalogue.find`.
    """

    group: str
    domain: str
    rank: tuple[int, int]
    zone: str
    matches: tuple[str, ...] = ()


def refusals(decided: Decisions) -> Refusals:
    """Return what to refuse."""
    groups, free = decided.groups("Refuse"), spared(decided)
    zones = {name: group.name for group in groups for name in group.suffixes}
    limits: list[str] = []
    of_group = {
        group.name: list(_entries(group, decided.catalogue.patterns(group.name), free, zones, limits))
        for group in groups
    }
    holders: dict[str, list[_Entry]] = {}
    for entry in (each for entries in of_group.values() for each in entries):
        holders.setdefault(entry.domain, []).append(entry)
    contested: list[_Entry] = []
    blocks: list[Block] = []
    for group in groups:
        limits += unsaid(group, decided.catalogue, free)
        settled: list[_Entry] = []
        for entry in of_group[group.name]:
            (contested if _is_contested(entry, holders) else settled).append(entry)
        blocks += _blocks(group.name, settled)
    # The first block that fits answers and counts: the more specific ones of different groups have to come first.
    first = [Block(each.group, (each.zone,), each.matches) for each in sorted(contested, key=lambda each: each.rank)]
    return Refusals((*first, *blocks), zones, tuple(limits))


def _entries(
    group: Group, patterns: Iterable[Pattern], free: Spared, zones: dict[str, str], limits: list[str]
) -> Iterator[_Entry]:
    for name in group.exact:
        zone = _zone(name, group.name, zones, limits)
        yield _Entry(group.name, name, (-LONGEST_NAME, EXACT), zone, (rf"^{re.escape(name)}\.$",))
    for pattern in patterns:
        zone = _zone(pattern.domain, group.name, zones, limits)
        rank = (-pattern.domain.count("."), PATTERN)
        yield _Entry(group.name, pattern.domain, rank, zone, (rf"{pattern.text[:-1]}\.$",))
    for suffix in group.suffixes:
        matches = tuple(left_of(suffix, free))
        if max(map(len, matches), default=0) > LONGEST_MATCH:
            limits.append(
                f"{group.name}: all of {suffix} is refused; what is spared in it takes too long an expression"
            )
            matches = ()
        yield _Entry(group.name, suffix, (-suffix.count("."), SUFFIX), suffix, matches)


def _zone(domain: str, group: str, zones: dict[str, str], limits: list[str]) -> str:
    """Return the longest zone around a domain that counts for no other group."""
    for zone in (*parents(domain), "."):
        if zones.setdefault(zone, group) == group:
            return zone
    limits.append(f"{group}: what it refuses in {domain} is counted for {zones[domain]}, whose names are there too")
    return domain


def _is_contested(entry: _Entry, holders: Mapping[str, list[_Entry]]) -> bool:
    """Tell whether a less specific entry of another group fits names of this one too."""
    return any(
        other.group != entry.group and other.rank > entry.rank
        for domain in parents(entry.domain)
        for other in holders.get(domain, ())
    )


def _blocks(group: str, entries: Iterable[_Entry]) -> Iterator[Block]:
    """Yield at most two blocks: domains as a whole need no pattern, and most are."""
    whole: list[_Entry] = []
    parts: list[_Entry] = []
    for entry in entries:
        (parts if entry.matches else whole).append(entry)
    if whole:
        yield Block(group, tuple(entry.zone for entry in whole))
    if parts:
        zones = dict.fromkeys(entry.zone for entry in parts)
        yield Block(group, tuple(zones), tuple(match for entry in parts for match in entry.matches))
