"""Rules of others that let governed pods out past the wall."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bolwerk.core.egress.backend import Choice
from bolwerk.core.egress.intent import Intent
from bolwerk.core.kinds import Kind
from bolwerk.core.policy.finding import Finding

__all__ = ["reopened"]


def reopened(
    intent: Intent,
    choice: Choice,
    rules: Mapping[Kind, tuple[Mapping[str, Any], ...]],
    namespaces: Iterable[Mapping[str, Any]],
) -> tuple[Finding, ...]:
    """Return the rules that reopen egress for governed namespaces, given the backend that holds the wall.

    Parameters
    ----------
    rules
        `Observed.rules`: the network policies of the cluster that no SovereigntyPolicy owns.
    namespaces
        The namespaces that this policy governs, as the API server has them (name and labels).
    """
    raise NotImplementedError
