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

from bolwerk.core.admission.cel import LONGEST_LITERAL, batches, listed, text
from bolwerk.core.admission.namespaces import selects
from bolwerk.core.admission.workloads import POD_SPEC, labels_of
from bolwerk.core.catalogue import Decisions
from bolwerk.core.egress.hole import Hole
from bolwerk.core.plan import Manifest

__all__ = ["NOTHING_EXCEPTED", "Excepted", "unless", "without_ended"]

LONGEST = 100_000
"""Bytes of all holes in one rule, some 300 of the usual length. An API server takes most of a second to compile as
many, and a hole that is to be closed meanwhile waits for that."""

_VARIABLE = "holes"
_UID = re.compile(r'\{"uid": \["([^"\\]*)"\]')


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
        entries: list[str] = []
        left_out: list[Hole] = []
        left = min(room, LONGEST)
        for hole in holes:
            entry = _entry(hole, decided)
            length = len(json.dumps(entry))
            if length > min(left, LONGEST_LITERAL):
                left_out.append(hole)
            else:
                left -= length
                entries.append(entry)
        if not entries:
            return cls({}, tuple(left_out))
        parts = {f"{_VARIABLE}{number}": f"[{', '.join(each)}]" for number, each in enumerate(batches(entries))}
        found = " + ".join(f"variables.{name}.filter(o, o.size() > 0)" for name in parts)
        return cls({**POD_SPEC, "labels": labels_of("object"), **parts, "excepted": found}, tuple(left_out))

    def host(self, host: str) -> str:
        """Return the CEL for whether a hole leads to this name or address; empty where no hole is open."""
        under = f"{_of('under')}.exists(n, {host}.endsWith(n))"
        within = f"{_of('networks')}.exists(n, cidr(n).containsIP({host}))"
        return self._some(f"isIP({host}) ? {within} : ({host} in {_of('names')} || {under})")

    def key(self, variable: str) -> str:
        """Return the same for a provider's key: whether a hole leads to a name of a group that it belongs to."""
        return self._some(f"{variable} in {_of('keys')}")

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
        each["name"]: _UID.findall(each["expression"])
        for each in (live.get("spec") or {}).get("variables") or ()
        if re.fullmatch(rf"{_VARIABLE}\d+", each["name"])
    }
    if {*chain(*parts.values())} <= {*active}:
        return None
    metadata, spec = live["metadata"], live["spec"]
    variables = [
        {**each, "expression": "[{'': ['']}].filter(o, false)"} if each["name"] in parts else each
        for each in spec["variables"]
    ]
    return {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": {key: metadata[key] for key in ("name", "labels", "ownerReferences") if key in metadata},
        "spec": {**spec, "variables": variables},
    }


def _of(key: str) -> str:
    return f"o[?'{key}'].orValue([])"


def _entry(hole: Hole, decided: Decisions) -> str:
    """Return the CEL for what one hole opens for the pod that is judged: an empty map where it is not this pod's."""
    whose = [f"request.namespace == {text(hole.namespace)}", selects(hole.pod_selector, "variables.labels")]
    if hole.service_account is not None:
        runs_as = "variables.spec.?serviceAccountName.orValue('default')"
        whose.append(f"{runs_as} == {text(hole.service_account)}")
    opened = {
        "uid": (hole.uid,),
        "names": tuple(domain for domain, _ in hole.domains if not domain.startswith("*.")),
        "under": tuple(domain.removeprefix("*") for domain, _ in hole.domains if domain.startswith("*.")),
        "networks": tuple(str(network) for network, _ in hole.networks),
        "keys": tuple(sorted({*_keys(hole, decided)})),
    }
    told = ", ".join(f"{text(key)}: {listed(dict.fromkeys(values))}" for key, values in opened.items() if values)
    return f"{' && '.join(whose)} ? {{{told}}} : {{}}"


def _keys(hole: Hole, decided: Decisions) -> Iterator[str]:
    """Yield the keys of the groups that the hole's names belong to: what a key is for is reached."""
    for domain, _ in hole.domains:
        name = domain.removeprefix("*.")
        ruling = decided.find(name if name == domain else f"any.{name}")
        if ruling is not None:
            yield from decided.catalogue.groups[ruling.match.group].environment.keys
