"""From the pods of a namespace and what was seen in the objects that they refer to, to findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bolwerk.core.kinds import Ref
from bolwerk.core.references.findings import Finding, Leak
from bolwerk.core.references.look import Rules, Seen
from bolwerk.core.references.pod import Environment, References

__all__ = ["Survey", "conclude", "survey"]


@dataclass(frozen=True, slots=True)
class Survey:
    """What the pods of one namespace refer to.

    Attributes
    ----------
    users
        By object and key (None: all keys), the workloads that refer to it.
    environments
        The workloads whose containers have this environment.
    """

    users: Mapping[Ref, Mapping[str | None, frozenset[str]]]
    environments: Mapping[Environment, frozenset[str]]

    def keys(self, ref: Ref) -> frozenset[str] | None:
        """Return the keys of an object that anybody refers to, or None where somebody takes all of them."""
        asked = self.users[ref]
        return None if None in asked else frozenset(key for key in asked if key is not None)

    def used_by(self, ref: Ref, key: str) -> tuple[str, ...]:
        """Return the workloads that refer to a key, in order."""
        asked = self.users[ref]
        return tuple(sorted(asked.get(key, frozenset()) | asked.get(None, frozenset())))


def survey(pods: Iterable[References]) -> Survey:
    """Put together what the pods of a namespace refer to."""
    users: defaultdict[Ref, defaultdict[str | None, set[str]]] = defaultdict(lambda: defaultdict(set))
    environments: defaultdict[Environment, set[str]] = defaultdict(set)
    for pod in pods:
        for ref, keys in pod.keys.items():
            for key in [None] if keys is None else keys:
                users[ref][key].add(pod.used_by)
        for environment in pod.environments:
            environments[environment].add(pod.used_by)
    return Survey(
        {ref: {key: frozenset(by) for key, by in asked.items()} for ref, asked in users.items()},
        {environment: frozenset(by) for environment, by in environments.items()},
    )


def conclude(surveyed: Survey, seen: Mapping[Ref, Seen], rules: Rules) -> Iterator[Finding]:
    """Yield what leads outside, given what was seen in the objects that could be read."""
    for ref, there in seen.items():
        for key, groups in there.groups.items():
            for group in groups:
                yield _finding(ref, key, "Endpoint", rules, group=group, used_by=surveyed.used_by(ref, key))
        for key in there.outward:
            yield _finding(ref, key, "WayOut", rules, used_by=surveyed.used_by(ref, key))
    yield from _addresses(surveyed, seen, rules)
    yield from _provider_keys(surveyed, seen, rules)


def _addresses(surveyed: Survey, seen: Mapping[Ref, Seen], rules: Rules) -> Iterator[Finding]:
    """Yield the addresses that are not inside, where a variable makes them an endpoint."""
    catalogue = rules.decisions.catalogue
    endpoints = {*catalogue.environment.endpoints}.union(
        *(group.environment.endpoints for group in catalogue.groups.values())
    )
    users: defaultdict[tuple[Ref, str], set[str]] = defaultdict(set)
    for environment, used_by in surveyed.environments.items():
        for variable, (ref, key) in _variables(environment, seen).items():
            if variable in endpoints and ref in seen and key in seen[ref].outside:
                users[ref, key].update(used_by)
    for (ref, key), by in users.items():
        yield _finding(ref, key, "Address", rules, used_by=tuple(sorted(by)))


def _provider_keys(surveyed: Survey, seen: Mapping[Ref, Seen], rules: Rules) -> Iterator[Finding]:
    """Yield the keys that come to a container in which nothing leads their client elsewhere.

    Where no container takes all of an object, admission sees the same and judges it.
    """
    known = _keys(rules)
    users: defaultdict[tuple[Ref, str, str], set[str]] = defaultdict(set)
    for environment, used_by in surveyed.environments.items():
        if not environment.sources or any(source.ref not in seen for source in environment.sources):
            continue  # what leads elsewhere may be in the object that was not read
        come = _variables(environment, seen)
        names = (environment.names - environment.blank) | come.keys()
        for variable in come.keys() & known.keys():
            if names.isdisjoint(known[variable][1]):
                users[(*come[variable], variable)].update(used_by)
    for (ref, key, variable), by in users.items():
        group, leads = known[variable]
        yield _finding(
            ref, key, "ProviderKey", rules, group=group, used_by=tuple(sorted(by)), instead=tuple(sorted(leads))
        )


def _keys(rules: Rules) -> dict[str, tuple[str, frozenset[str]]]:
    """Return, by key, its group and the variables that lead its client elsewhere.

    A key that also belongs to a group that is allowed is allowed, as at admission.
    """
    known: dict[str, tuple[str, frozenset[str]]] = {}
    for decision in ("Refuse", "Alert"):
        for group in rules.decisions.groups(decision):
            for variable, leads in group.environment.keys.items():
                first, others = known.get(variable, (group.name, frozenset[str]()))
                known[variable] = first, others.union(leads)
    for group in rules.decisions.groups("Allow"):
        for variable in group.environment.keys:
            known.pop(variable, None)
    return known


def _variables(environment: Environment, seen: Mapping[Ref, Seen]) -> dict[str, tuple[Ref, str]]:
    """Return, by name, which key of which object a variable comes from, as far as that is known."""
    come = {
        source.prefix + key: (source.ref, key)
        for source in environment.sources
        for key in seen.get(source.ref, Seen()).keys
        if source.prefix + key not in environment.names
    }
    picked = {name: (ref, key) for name, ref, key in environment.picked if ref not in seen or key in seen[ref].keys}
    return come | picked


def _finding(
    ref: Ref,
    key: str,
    leak: Leak,
    rules: Rules,
    *,
    group: str = "",
    used_by: tuple[str, ...],
    instead: tuple[str, ...] = (),
) -> Finding:
    return Finding(
        namespace=ref.namespace,
        kind="Secret" if ref.kind.name == "Secret" else "ConfigMap",
        name=ref.name,
        key=key,
        leak=leak,
        group=group,
        decision=rules.decisions.get(group, "Refuse"),
        used_by=used_by,
        instead=instead,
    )
