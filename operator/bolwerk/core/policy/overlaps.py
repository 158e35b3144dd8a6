"""Which SovereigntyPolicy governs a namespace that several select, and who is in whose way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bolwerk.core.policy.finding import Finding

__all__ = ["governing", "overlaps"]


def governing(policies: Iterable[Mapping[str, Any]], namespaces: Iterable[Mapping[str, Any]]) -> Mapping[str, str]:
    """Return, by namespace, the name of the policy that governs it: the lowest priority, then the first by name."""
    raise NotImplementedError


def overlaps(
    policy: Mapping[str, Any], others: Iterable[Mapping[str, Any]], namespaces: Iterable[Mapping[str, Any]]
) -> tuple[Finding, ...]:
    """Return a finding for each other policy that selects some of the same namespaces, with examples of these."""
    raise NotImplementedError
