"""What open exceptions let through: what the wall leaves open for a pod, its variables may name.

Used by the checks about hosts, addresses and keys. It is told only of holes as a backend makes them: what is merely
asked for, or what a backend keeps closed, is refused as if nobody had asked. Without a hole it adds nothing to a rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Self

from bolwerk.core.admission.cel import LONGEST_LITERAL, batches, text
from bolwerk.core.admission.workloads import POD_SPEC, labels_of
from bolwerk.core.catalogue import Decisions
from bolwerk.core.egress.hole import Hole
from bolwerk.core.plan import Manifest

__all__ = ["NOTHING_EXCEPTED", "Excepted", "unless", "without_ended"]

LONGEST = 400_000
"""Bytes of all holes in one rule: for each pod that would be refused the API server goes through all of them."""

_VARIABLE = "holes"
_WORD = re.compile(r"[A-Za-z0-9._/:-]*")
_MATCHES = "t.startsWith('!') != t.replace('!', '').split('|').exists(a, a in variables.traits)"


@dataclass(frozen=True, slots=True)
class Excepted:
    """The open holes in CEL.

    Attributes
    ----------
    variables
        What the other CEL uses, `excepted` last: what is open for the pod that is judged, a map for each exception.
    left_out
        The holes that there is no room for.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[Hole, ...] = ()

    @classmethod
    def of(cls, holes: Iterable[Hole], decided: Decisions, *, room: int = LONGEST) -> Self:
        """Return what these holes let through, as many as there is room for in bytes of JSON; the first come first."""
        lines: list[str] = []
        left_out: list[Hole] = []
        left = min(room, LONGEST)
        for hole in holes:
            line = _line(hole, decided)
            length = len(line or "") + len(r"\\n")
            if line is None or length > min(left, LONGEST_LITERAL):
                left_out.append(hole)
            else:
                left -= length
                lines.append(line)
        if not lines:
            return cls({}, tuple(left_out))
        parts = {f"{_VARIABLE}{number}": text("\n".join(each)) for number, each in enumerate(batches(lines))}
        found = " + ".join(f"variables.{name}.split('\\n')" for name in parts)
        return cls(
            {
                **POD_SPEC,
                "labels": labels_of("object"),
                "traits": (
                    "[request.namespace + ':', '@' + variables.spec.?serviceAccountName.orValue('default')] + "
                    "variables.labels.map(k, string(k)) + variables.labels.map(k, k + '=' + variables.labels[k])"
                ),
                **parts,
                "excepted": (
                    f"({found}).filter(l, l.startsWith(request.namespace + ': ')).map(l, l.split(' -> '))"
                    f".filter(p, p[0].split(' ').all(t, {_MATCHES})).map(p, p[1].split(' '))"
                ),
            },
            tuple(left_out),
        )

    def host(self, host: str) -> str:
        """Return the CEL for whether a hole leads to this name or address; empty where no hole is open."""
        under = f"o.exists(n, n.startsWith('.') && {host}.endsWith(n))"
        within = f"o.exists(n, n.contains('/') && cidr(n).containsIP({host}))"
        return self._some(f"isIP({host}) ? {within} : ({host} in o || {under})")

    def key(self, variable: str) -> str:
        """Return the same for a provider's key: whether a hole leads to a name of a group that it belongs to."""
        return self._some(f"{variable} in o")

    def _some(self, opened: str) -> str:
        return f"variables.excepted.exists(o, {opened})" if self.variables else ""


def unless(excepted: str) -> str:
    """Return what a condition goes on with where exceptions make it not count."""
    return f" && !{excepted}" if excepted else ""


NOTHING_EXCEPTED = Excepted()


def without_ended(live: Mapping[str, Any], active: Iterable[str]) -> Manifest | None:
    """Return a live rule that excepts nothing any more, or None where all that it excepts is active.

    For a policy that says nothing any more: nobody can tell which of the others its rule would except.
    """
    parts = {
        each["name"]: re.findall(r" #(\S+)", json.loads(each["expression"]))
        for each in (live.get("spec") or {}).get("variables") or ()
        if re.fullmatch(rf"{_VARIABLE}\d+", each["name"])
    }
    if {*chain(*parts.values())} <= {*active}:
        return None
    metadata, spec = live["metadata"], live["spec"]
    variables = [{**each, "expression": text("")} if each["name"] in parts else each for each in spec["variables"]]
    return {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": {key: metadata[key] for key in ("name", "labels", "ownerReferences") if key in metadata},
        "spec": {**spec, "variables": variables},
    }


def _line(hole: Hole, decided: Decisions) -> str | None:
    """Return who may name what, as words in one line, or None where a word is none.

    A line of text and not CEL: an API server, and the controller that checks types, compile each part of a rule for
    each kind of workload, and a hundred holes as CEL took them most of a minute.

    All words before the arrow have to be true of a pod: `namespace:`, `@account`, `label=value` with `|` between
    several, `label`, and these with a `!`. Behind it are names, `.name` for all under it, networks, keys and `#uid`.
    """
    account = [hole.service_account] if hole.service_account else []
    terms = list(_terms(hole.pod_selector))
    opened = {
        **{domain.removeprefix("*"): None for domain, _ in hole.domains},
        **{str(network): None for network, _ in hole.networks},
        **dict.fromkeys(sorted({*_keys(hole, decided)})),
    }
    words = (
        hole.namespace,
        hole.uid,
        *account,
        *opened,
        *(word for _, pairs in terms for pair in pairs for word in pair),
    )
    if not all(map(_WORD.fullmatch, words)):
        return None
    whose = [
        f"{hole.namespace}:",
        *(f"@{name}" for name in account),
        *(f"{sign}{'|'.join('='.join(pair) for pair in pairs)}" for sign, pairs in terms),
    ]
    return f"{' '.join(whose)} -> {' '.join(opened)} #{hole.uid}"


def _terms(selector: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Yield what a label selector asks for: a sign, and the labels, with or without a value, of which one has to be."""
    for key, value in sorted((selector.get("matchLabels") or {}).items()):
        yield "", [(key, value)]
    for each in selector.get("matchExpressions") or ():
        sign = "!" if each["operator"] in {"NotIn", "DoesNotExist"} else ""
        values = each.get("values") or ()
        yield sign, [(each["key"], value) for value in values] if values else [(each["key"],)]


def _keys(hole: Hole, decided: Decisions) -> Iterator[str]:
    """Yield the keys of the groups that the hole's names belong to: what a key is for is reached."""
    for domain, _ in hole.domains:
        name = domain.removeprefix("*.")
        ruling = decided.find(name if name == domain else f"any.{name}")
        if ruling is not None:
            yield from decided.catalogue.groups[ruling.match.group].environment.keys
