"""What a policy does not refuse although it lies among names that it refuses, and how much of that DNS can be told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bolwerk.core.catalogue.catalogue import Catalogue
from bolwerk.core.catalogue.decisions import Decisions
from bolwerk.core.catalogue.dns.others import others
from bolwerk.core.catalogue.names import parents
from bolwerk.core.catalogue.schema import Group

__all__ = ["Spared", "left_of", "spared", "unsaid"]


@dataclass(frozen=True, slots=True)
class Spared:
    """The entries of groups that are not refused, by every domain around them."""

    exact: Mapping[str, list[str]]
    suffixes: Mapping[str, list[str]]
    patterns: Mapping[str, list[str]]


def spared(decided: Decisions) -> Spared:
    """Return what is not refused."""
    catalogue, groups = decided.catalogue, (*decided.groups("Alert"), *decided.groups("Allow"))
    return Spared(
        exact=_by_domain((name, name) for group in groups for name in group.exact),
        suffixes=_by_domain((name.partition(".")[2], name) for group in groups for name in group.suffixes),
        patterns=_by_domain((each.domain, each.text) for group in groups for each in catalogue.patterns(group.name)),
    )


def left_of(suffix: str, spared: Spared) -> list[str]:
    """Return patterns for what of a suffix is refused although something in it is spared; none where nothing is."""
    exact, below = spared.exact.get(suffix, ()), spared.suffixes.get(suffix, ())
    return others(suffix, exact=exact, suffixes=below) if exact or below else []


def unsaid(group: Group, catalogue: Catalogue, spared: Spared) -> Iterator[str]:
    """Yield what a refused group refuses too much: patterns cannot be subtracted, nor anything from a pattern."""
    for suffix in group.suffixes:
        for text in spared.patterns.get(suffix, ()):
            yield f"{group.name}: all of {suffix} is refused, and with it what {text} spares"
    for pattern in catalogue.patterns(group.name):
        for name in spared.exact.get(pattern.domain, ()):
            if pattern.matches(name):
                yield f"{group.name}: {name} is refused by {pattern.text}, although it is spared by name"
        for name in spared.suffixes.get(pattern.domain, ()):
            yield f"{group.name}: {pattern.text} may refuse names of {name}, which is spared"


def _by_domain(entries: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, entry in entries:
        for domain in parents(name):
            found.setdefault(domain, []).append(entry)
    return found
