"""Which SovereigntyPolicy governs a namespace that several select, and who is in whose way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bolwerk.api.selector import LabelSelector
from bolwerk.api.sovereigntypolicy import Enforcement
from bolwerk.core.kinds import SOVEREIGNTY_POLICY
from bolwerk.core.policy.finding import Finding
from bolwerk.core.policy.governed import exempt
from bolwerk.core.policy.observed import Observed
from bolwerk.core.selectors import matches
from bolwerk.core.settings import Settings

__all__ = ["governable", "governed", "governing", "overlaps"]

EXAMPLES = 3

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, order=True)
class _Claim:
    """What a policy's precedence goes by: the smallest governs.

    One that only audits comes after all that enforce, for it has no wall to give to a namespace that loses another's.
    """

    audits: bool
    priority: int
    name: str


def governable(namespaces: Iterable[Mapping[str, Any]], settings: Settings) -> list[Mapping[str, Any]]:
    """Return those of the namespaces that a policy may govern at all."""
    spared = exempt(settings)
    return [namespace for namespace in namespaces if namespace["metadata"]["name"] not in spared]


def governed(observed: Observed, settings: Settings) -> tuple[str, ...]:
    """Return the names of the namespaces that the observed policy governs, in order."""
    by = governing((observed.policy, *observed.others), governable(observed.namespaces, settings))
    return tuple(sorted(name for name, policy in by.items() if policy == observed.policy["metadata"]["name"]))


def governing(policies: Iterable[Mapping[str, Any]], namespaces: Iterable[Mapping[str, Any]]) -> Mapping[str, str]:
    """Return, by namespace, the name of the policy that governs it; namespaces without one are left out.

    Of several that select a namespace, one that enforces governs before one that audits, then the one with the lowest
    priority, then the first by name.
    """
    claims = sorted(((_claim(policy), _selector(policy)) for policy in policies), key=lambda each: each[0])
    found = {}
    for namespace in namespaces:
        labels = namespace["metadata"].get("labels") or {}
        first = next((claim for claim, selector in claims if selector is not None and matches(selector, labels)), None)
        if first:
            found[namespace["metadata"]["name"]] = first.name
    return found


def overlaps(
    policy: Mapping[str, Any], others: Iterable[Mapping[str, Any]], namespaces: Iterable[Mapping[str, Any]]
) -> tuple[Finding, ...]:
    """Return a finding for each other policy that selects some of the same namespaces, with examples of these."""
    mine = _selected(policy, namespaces)
    shared = {each["metadata"]["name"]: (each, sorted(mine & _selected(each, namespaces))) for each in others}
    return tuple(
        Finding(SOVEREIGNTY_POLICY, "", name, _sentence(_claim(policy), _claim(other), both))
        for name, (other, both) in sorted(shared.items())
        if both
    )


def _sentence(mine: _Claim, other: _Claim, both: list[str]) -> str:
    shown = ", ".join(both[:EXAMPLES]) + (", …" if len(both) > EXAMPLES else "")
    first, second = sorted((mine, other))
    if first.audits != second.audits:
        why = f"{second.name} only audits: set its spec.mode to Enforce, or narrow one spec.namespaceSelector"
    elif first.priority != second.priority:
        why = (
            f"its priority {first.priority} comes before {second.priority}: narrow one spec.namespaceSelector if that "
            "is not meant"
        )
    else:
        why = (
            f"both have priority {first.priority} and its name comes first, which not every backend knows of: give "
            "them different priorities in spec.enforcement"
        )
    return (
        f"SovereigntyPolicies {mine.name} and {other.name} both select {_count(both)} ({shown}). {first.name} governs "
        f"there, because {why}."
    )


def _count(names: list[str]) -> str:
    return "1 namespace" if len(names) == 1 else f"{len(names)} namespaces"


def _claim(policy: Mapping[str, Any]) -> _Claim:
    spec = policy.get("spec") or {}
    enforcement = _parsed(Enforcement, spec.get("enforcement") or {}) or Enforcement()
    return _Claim(spec.get("mode") != "Enforce", enforcement.priority, policy["metadata"]["name"])


def _selected(policy: Mapping[str, Any], namespaces: Iterable[Mapping[str, Any]]) -> set[str]:
    selector = _selector(policy)
    if selector is None:
        return set()
    return {each["metadata"]["name"] for each in namespaces if matches(selector, each["metadata"].get("labels") or {})}


def _selector(policy: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the selector; None if the policy was stored under another CRD and its selector means nothing any more.

    Its own status tells so; here it must not keep the others from governing.
    """
    selector = (policy.get("spec") or {}).get("namespaceSelector")
    parsed = _parsed(LabelSelector, selector) if selector is not None else None
    return parsed.model_dump(mode="json", by_alias=True) if parsed else None


def _parsed(model: type[Model], value: Any) -> Model | None:
    try:
        return model.model_validate(value)
    except ValidationError:
        return None
