"""Which names CoreDNS is told to refuse, group by group: the content of the snippet, before it is text.

CoreDNS counts a refusal under the zone of the block that refused, and under nothing else that differs between blocks
(plugin/template/metrics.go: server, zone, view, class, type). So no two groups share a zone: it tells the group.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bolwerk.core.catalogue.catalogue import Catalogue
from bolwerk.core.catalogue.decisions import Decisions
from bolwerk.core.catalogue.dns.others import others
from bolwerk.core.catalogue.names import parents
from bolwerk.core.catalogue.schema import Group

__all__ = ["Block", "Refusals", "refusals"]

LONGEST_MATCH = 10_000
"""Characters of one regular expression (maxRegexpLen in CoreDNS 1.14's plugin/template/setup.go)."""


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
class _Spared:
    """The entries of groups that are not refused, by every domain around them."""

    exact: Mapping[str, list[str]]
    suffixes: Mapping[str, list[str]]
    patterns: Mapping[str, list[str]]


def refusals(decided: Decisions) -> Refusals:
    """Return what to refuse."""
    catalogue, refused, spared = decided.catalogue, decided.groups("Refuse"), _spared(decided)
    zones = {name: group.name for group in refused for name in (*group.suffixes, *group.exact)}
    blocks: list[Block] = []
    limits: list[str] = []
    for group in refused:
        whole, parts = [], list(group.exact)
        matches = [rf"^{re.escape(name)}\.$" for name in group.exact]
        for suffix in group.suffixes:
            carved = _carved(suffix, spared)
            if not carved:
                whole.append(suffix)
            elif max(map(len, carved)) > LONGEST_MATCH:
                whole.append(suffix)
                limits.append(f"{group.name}: all of {suffix} is refused, what the policy spares in it too: too long")
            else:
                parts.append(suffix)
                matches += carved
        for pattern in catalogue.patterns(group.name):
            matches.append(rf"{pattern.text[:-1]}\.$")
            parts.append(_zone(pattern.domain, group.name, zones, limits))
        blocks += _blocks(group.name, whole, parts, matches)
        limits += _unsaid(group, catalogue, spared)
    return Refusals(tuple(blocks), zones, tuple(limits))


def _blocks(group: str, whole: list[str], parts: list[str], matches: list[str]) -> Iterator[Block]:
    if whole:
        yield Block(group, tuple(whole))
    if parts:
        yield Block(group, tuple(dict.fromkeys(parts)), tuple(matches))


def _zone(domain: str, group: str, zones: dict[str, str], limits: list[str]) -> str:
    """Return the longest zone around a domain that counts for no other group."""
    for zone in (*parents(domain), "."):
        if zones.setdefault(zone, group) == group:
            return zone
    limits.append(f"{group}: what it refuses in {domain} is counted for {zones[domain]}, whose names are there too")
    return domain


def _spared(decided: Decisions) -> _Spared:
    catalogue, groups = decided.catalogue, (*decided.groups("Alert"), *decided.groups("Allow"))
    return _Spared(
        exact=_by_domain((name, name) for group in groups for name in group.exact),
        suffixes=_by_domain((name.partition(".")[2], name) for group in groups for name in group.suffixes),
        patterns=_by_domain((each.domain, each.text) for group in groups for each in catalogue.patterns(group.name)),
    )


def _by_domain(entries: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, entry in entries:
        for domain in parents(name):
            found.setdefault(domain, []).append(entry)
    return found


def _carved(suffix: str, spared: _Spared) -> list[str]:
    """Return what of a suffix is refused although something in it is spared; nothing where nothing is."""
    exact, below = spared.exact.get(suffix, ()), spared.suffixes.get(suffix, ())
    return others(suffix, exact=exact, suffixes=below) if exact or below else []


def _unsaid(group: Group, catalogue: Catalogue, spared: _Spared) -> Iterator[str]:
    """Yield what cannot be spared: patterns cannot be subtracted, neither from a domain nor from each other."""
    for suffix in group.suffixes:
        for text in spared.patterns.get(suffix, ()):
            yield f"{group.name}: all of {suffix} is refused, and with it what {text} spares"
    for pattern in catalogue.patterns(group.name):
        for name in spared.exact.get(pattern.domain, ()):
            if pattern.matches(name):
                yield f"{group.name}: {name} is refused by {pattern.text}, although it is spared by name"
        for name in spared.suffixes.get(pattern.domain, ()):
            yield f"{group.name}: {pattern.text} may refuse names of {name}, which is spared"
