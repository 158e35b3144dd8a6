"""The catalogue in memory: which group a host name belongs to.

It names external AI endpoints so that DNS can refuse them, admission can judge workloads by them and reports can speak
of them. It is never the wall: what is missing here is blocked all the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

from bolwerk.core.catalogue.names import normal, parents
from bolwerk.core.catalogue.patterns import Pattern, compiled
from bolwerk.core.catalogue.schema import Group, SiteEnvironment, Source

__all__ = ["Catalogue", "EntryKind", "Match"]

EntryKind: TypeAlias = Literal["exact", "pattern", "suffix"]


@dataclass(frozen=True, slots=True)
class Match:
    """What a host name belongs to: the group and the entry of it that says so."""

    group: str
    kind: EntryKind
    entry: str

    def __str__(self) -> str:
        return f"{self.kind} {self.entry} of group {self.group}"


@dataclass(frozen=True, slots=True)
class _Index:
    exact: Mapping[str, str]
    suffixes: Mapping[str, str]
    patterns: Mapping[str, tuple[tuple[Pattern, str], ...]]
    of_group: Mapping[str, tuple[Pattern, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """Groups of external AI endpoints.

    Attributes
    ----------
    version
        `2026.11.24`, or `2026.11.24 + overlay 2026.12.01`.
    digest
        `sha256:…` over what the files say, not over how they are written.
    groups, sources
        By name, in the file's order.
    shared_apexes
        Domains that serve so much else that no group may take a whole one.
    environment
        Variables that belong to no group.
    """

    version: str
    digest: str
    groups: Mapping[str, Group]
    sources: Mapping[str, Source]
    shared_apexes: tuple[str, ...]
    environment: SiteEnvironment
    _index: _Index = field(repr=False)

    @classmethod
    def of(
        cls,
        *,
        version: str,
        groups: Iterable[Group],
        sources: Mapping[str, Source],
        shared_apexes: Iterable[str],
        environment: SiteEnvironment,
        digest: str = "",
    ) -> Catalogue:
        """Put a catalogue together; no entry may stand in two groups.

        Raises
        ------
        PatternError
            If a pattern cannot be used.
        """
        named = {group.name: group for group in groups}
        apexes = tuple(sorted(shared_apexes))
        content = {
            "version": version,
            "groups": {name: group.model_dump(mode="json", by_alias=True) for name, group in named.items()},
            "sources": {name: source.model_dump(mode="json", by_alias=True) for name, source in sources.items()},
            "sharedApexes": apexes,
            "environment": environment.model_dump(mode="json", by_alias=True),
        }
        return cls(
            version=version,
            digest=digest or _digest(content),
            groups=MappingProxyType(named),
            sources=MappingProxyType(dict(sources)),
            shared_apexes=apexes,
            environment=environment,
            _index=_indexed(named.values()),
        )

    @classmethod
    def empty(cls) -> Catalogue:
        """Return a catalogue that knows nothing, for where none is needed."""
        return cls.of(version="", groups=(), sources={}, shared_apexes=(), environment=SiteEnvironment())

    def find(self, host: str) -> Match | None:
        """Return what a host name belongs to: an exact name before a longer domain before a shorter one.

        In one domain a pattern comes before the domain as a whole.
        """
        name = normal(host)
        if name is None:
            return None
        if group := self._index.exact.get(name):
            return Match(group, "exact", name)
        for domain in parents(name):
            for pattern, group in self._index.patterns.get(domain, ()):
                if pattern.matches(name):
                    return Match(group, "pattern", pattern.text)
            if group := self._index.suffixes.get(domain):
                return Match(group, "suffix", domain)
        return None

    def patterns(self, group: str) -> tuple[Pattern, ...]:
        """Return the patterns of a group, ready to match."""
        return self._index.of_group[group]


def _indexed(groups: Iterable[Group]) -> _Index:
    exact: dict[str, str] = {}
    suffixes: dict[str, str] = {}
    patterns: dict[str, list[tuple[Pattern, str]]] = {}
    of_group: dict[str, tuple[Pattern, ...]] = {}
    for group in groups:
        of_group[group.name] = tuple(map(compiled, group.patterns))
        exact |= dict.fromkeys(group.exact, group.name)
        suffixes |= dict.fromkeys(group.suffixes, group.name)
        for pattern in of_group[group.name]:
            patterns.setdefault(pattern.domain, []).append((pattern, group.name))
    return _Index(exact, suffixes, {domain: tuple(entries) for domain, entries in patterns.items()}, of_group)


def _digest(content: Mapping[str, object]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"
