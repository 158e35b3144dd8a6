"""Asking in CEL what the catalogue says about a host name, cheaply enough for a pod with hundreds of variables.

One alternation of all names would be exact too, but the API server charges a regular expression by its length times
that of the text: a pod with a hundred ordinary variables would be refused for cost. Here the last two labels of a name
are looked up first, which is the end of it for ordinary names, and then its last three, four ...
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from bolwerk.core.admission.cel import chunks, lookup, regex, text
from bolwerk.core.admission.excepted import NOTHING_EXCEPTED, Excepted, unless
from bolwerk.core.catalogue import Decision, Decisions

__all__ = ["HOST", "IN_CLUSTER", "Names", "host_of", "hosts_in", "names_of"]

HOST = regex(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")

IN_CLUSTER = regex(r"^(?:[a-z](?:[a-z0-9-]*[a-z0-9])?|[a-z0-9.-]+\.(?:svc|cluster\.local)\.?)$")
"""Names that the cluster's DNS answers itself: a Service of the same namespace (and localhost), or a whole name."""


@dataclass(frozen=True, slots=True)
class Names:
    """The catalogue in CEL.

    Attributes
    ----------
    variables
        What the CEL uses.
    known
        CEL with `{host}` in it: whether anything is known about names that end in the same two labels.
    steps
        Pairs of CEL with `{host}` in it: where the first is true of a host, the second is the decision.
    excepted
        What open exceptions let some pods name all the same.
    """

    variables: Mapping[str, str]
    known: str
    steps: tuple[tuple[str, str], ...]
    excepted: Excepted = NOTHING_EXCEPTED

    def decision(self, host: str) -> str:
        """Return the CEL for what is decided about a lower-case name: `Refuse`, `Alert`, `Allow` or an empty string.

        The same order as in the catalogue: the name itself, then the longest domain, there a pattern first.
        """
        chain = "".join(f"{condition} ? {value} : " for condition, value in self.steps)
        return f"(!({self.known}) ? '' : {chain}'')".replace("{host}", host)

    def decided(self, host: str, *decisions: Decision) -> str:
        """Return the CEL for whether this is decided about a name, and no exception is open for it."""
        one, *more = (f"'{each}'" for each in decisions)
        asked = f"in [{', '.join([one, *more])}]" if more else f"== {one}"
        return f"{self.decision(host)} {asked}{unless(self.excepted.host(host))}"


def names_of(decided: Decisions, excepted: Excepted = NOTHING_EXCEPTED) -> Names:
    """Return what is decided about the names of the catalogue, as CEL."""
    exact: dict[str, str] = {}
    suffixes: dict[int, dict[str, str]] = defaultdict(dict)
    patterns: dict[int, list[tuple[str, str]]] = defaultdict(list)
    roots: set[str] = set()
    for name, group in decided.catalogue.groups.items():
        decision = decided[name]
        exact.update(dict.fromkeys(group.exact, decision))
        for suffix in group.suffixes:
            suffixes[_labels(suffix)][suffix] = decision
        for pattern in decided.catalogue.patterns(name):
            patterns[_labels(pattern.domain)].append((decision, pattern.text.removeprefix("^").removesuffix("$")))
            roots.add(_root(pattern.domain))
        roots.update(_root(each) for each in (*group.exact, *group.suffixes))
    variables: dict[str, str] = {}
    known = [condition for condition, _ in _looked_up("known", dict.fromkeys(sorted(roots), ""), _tail(2), variables)]
    steps = list(_looked_up("exact", exact, "{host}", variables))
    for count in sorted({*suffixes, *patterns}, reverse=True):
        steps += [
            ("{host}.matches(" + regex(f"^(?:{'|'.join(expression for _, expression in each)})$") + ")", text(decision))
            for decision, each in groupby(patterns.get(count, ()), key=itemgetter(0))
        ]
        steps += _looked_up(f"domains{count}", suffixes.get(count, {}), _tail(count), variables)
    return Names({**variables, **excepted.variables}, " || ".join(known) or "false", tuple(steps), excepted)


def hosts_in(value: str) -> str:
    """Return the CEL for all names in a text that have a dot in them."""
    return f"{value}.lowerAscii().findAll({HOST})"


def host_of(value: str) -> str:
    """Return the CEL for the host of a URL, or of a bare `host:port`, as a list of one; of none if it is no URL."""
    return (
        f"[{value}.trim().lowerAscii()].map(v, v.contains('://') ? v : 'http://' + v)"
        ".filter(u, isURL(u)).map(u, url(u).getHostname()).filter(h, h != '')"
    )


def _looked_up(name: str, entries: Mapping[str, str], key: str, variables: dict[str, str]) -> Iterator[tuple[str, str]]:
    for number, chunk in enumerate(chunks(entries)):
        variable = f"{name}_{number}" if number else name
        variables[variable] = lookup(chunk)
        yield f"{key} in variables.{variable}", f"variables.{variable}[{key}]"


def _labels(name: str) -> int:
    return name.count(".") + 1


def _root(name: str) -> str:
    return ".".join(name.split(".")[-2:])


def _tail(count: int) -> str:
    """Return the CEL for the last labels of a name, or for an empty string if it has fewer."""
    return "{host}.find(" + regex(r"[^.]+\." * (count - 1) + "[^.]+$") + ")"
