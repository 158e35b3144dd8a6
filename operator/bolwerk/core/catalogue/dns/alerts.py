"""Which names CoreDNS is told to answer and tell of, group by group.

Inside a server block CoreDNS can log a domain and everything under it, no less: so patterns are not logged there. A
server block of its own with a `view` can have any condition, and carries its name into every metric.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bolwerk.core.catalogue.catalogue import Catalogue
from bolwerk.core.catalogue.decisions import Decision, Decisions
from bolwerk.core.catalogue.names import parents
from bolwerk.core.catalogue.schema import Group

__all__ = ["Alert", "alerts", "logs", "unlogged"]


@dataclass(frozen=True, slots=True)
class Alert:
    """One group that is answered and told of.

    Attributes
    ----------
    scopes
        The domains that `log` can be given.
    condition
        The names as an expression of the `view` plugin.
    """

    group: str
    decision: Decision
    scopes: tuple[str, ...]
    condition: str


def alerts(decided: Decisions, *, audit: bool) -> tuple[Alert, ...]:
    """Return the groups to tell of: those that are alerted about, and in Audit those that would be refused."""
    nested = _nested(decided.catalogue)
    told = ("Refuse", "Alert") if audit else ("Alert",)
    return tuple(
        Alert(
            group=group.name,
            decision=decided[group.name],
            scopes=(*group.suffixes, *group.exact),
            condition=_condition(group, nested),
        )
        for group in decided.catalogue.groups.values()
        if decided[group.name] in told
    )


def logs(told: Iterable[Alert]) -> list[tuple[Alert, tuple[str, ...]]]:
    """Return the groups with their scopes, the deepest domains first: the first line that fits a name has it."""
    found: dict[tuple[int, int], tuple[Alert, list[str]]] = {}
    for number, alert in enumerate(told):
        for scope in alert.scopes:
            found.setdefault((-scope.count("."), number), (alert, []))[1].append(scope)
    return [(alert, tuple(scopes)) for _, (alert, scopes) in sorted(found.items(), key=lambda item: item[0])]


def unlogged(alert: Alert, catalogue: Catalogue) -> str | None:
    """Return what a log inside the platform's own server block cannot tell of, or None."""
    patterns = catalogue.groups[alert.group].patterns
    if not patterns:
        return None
    return f"{alert.group}: names by pattern ({len(patterns)}) are logged and counted by the views only"


def _condition(group: Group, nested: Mapping[str, list[str]]) -> str:
    own = _matches(_alternatives(group.suffixes, group.exact, group.patterns))
    inside = nested.get(group.name)
    return f"{own} and not ({_matches(inside)})" if inside else own


def _nested(catalogue: Catalogue) -> dict[str, list[str]]:
    """Return, by group, what of other groups lies in its domains and is decided there."""
    owner = {suffix: group.name for group in catalogue.groups.values() for suffix in group.suffixes}
    found: dict[str, list[str]] = {}
    for group in catalogue.groups.values():
        entries = [
            *((name, (name,), (), ()) for name in group.suffixes),
            *((name, (), (name,), ()) for name in group.exact),
            *((pattern.domain, (), (), (pattern.text,)) for pattern in catalogue.patterns(group.name)),
        ]
        for domain, suffixes, exact, patterns in entries:
            around = {owner[each] for each in parents(domain) if each in owner} - {group.name}
            for name in around:
                found.setdefault(name, []).extend(_alternatives(suffixes, exact, patterns))
    return found


def _matches(alternatives: list[str]) -> str:
    return f"name() matches '^(?:{'|'.join(alternatives)})[.]$'"


def _alternatives(suffixes: Iterable[str], exact: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """Return regular expressions without a backslash, which means something else to each reader on the way."""
    return [
        *(f"(?:.+[.])?{_dotted(name)}" for name in suffixes),
        *map(_dotted, exact),
        *(text[1:-1].replace("\\.", "[.]") for text in patterns),
    ]


def _dotted(name: str) -> str:
    return name.replace(".", "[.]")
