"""Rules of others that let governed pods out past the wall.

Called by the reconciliation for the status; it changes nothing. What is read are objects, not packets: a finding says
what a rule would open, and only a probe says what is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bolwerk.core.egress.addresses import Addresses
from bolwerk.core.egress.backend import Choice
from bolwerk.core.egress.intent import Intent
from bolwerk.core.kinds import Kind
from bolwerk.core.policy.before import BEFORE, Scope
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
    governed = {each["metadata"]["name"]: each["metadata"].get("labels") or {} for each in namespaces}
    if not governed:
        return ()
    let_through = Addresses.of(intent.internal) - Addresses.of(intent.outward)
    findings = []
    for suspect in BEFORE[choice.backend.name](Scope(intent, rules, governed)):
        for opening in suspect.openings:
            if not opening.addresses.within(let_through):
                sentence = f"{suspect.ref} lets pods reach {opening.what}: {suspect.because}."
                findings.append(Finding(suspect.ref.kind, suspect.ref.namespace, suspect.ref.name, sentence))
                break
    return tuple(sorted(findings))
