"""Isolated: nothing gets out of the pods.

A NetworkPolicy object is not enforcement, so this is True only on the word of probes. What objects can tell is the
opposite: that there is no seal, or that another policy opens it again, since policies only ever add up; and so can the
gate, which looks from inside the pod.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bolwerk.core.conditions import Condition, false, unknown
from bolwerk.core.kinds import NETWORK_POLICY
from bolwerk.core.model.conditions.view import View
from bolwerk.core.reasons import Reason
from bolwerk.core.selectors import matches

__all__ = ["TYPE", "isolated"]

TYPE = "Isolated"


def isolated(view: View) -> Condition:
    """Decide the condition."""
    told = _by_objects(view)
    if told:
        return told
    if view.gate.held:
        return false(TYPE, Reason.GATE_HOLDS, f"the engine is kept from starting: {view.gate.held}")
    decided = view.measured.tally.condition(TYPE) or unknown(
        TYPE,
        Reason.NOT_PROVEN,
        f"NetworkPolicy {view.subject.name} denies all egress; no probe has measured yet whether the network plugin "
        "enforces it",
    )
    if not view.measured.withheld:
        return decided
    reason = decided.reason if decided.status == "False" else Reason.OUT_OF_SERVICE
    return false(TYPE, reason, f"out of its Service until all its nodes are proven: {decided.message}")


def _by_objects(view: View) -> Condition | None:
    refused = next((each for each in view.observed.refusals if each.ref.kind == NETWORK_POLICY), None)
    if refused:
        return false(TYPE, Reason.NOT_SEALED, f"the network policy that seals the pods was refused: {refused.message}")
    name = view.subject.name
    if view.unsealed:
        # What was just applied is read back: something overrules it, such as a webhook that adds rules.
        return false(
            TYPE,
            Reason.NOT_SEALED,
            f"NetworkPolicy {name} is not as it has to be ({view.unsealed}): find out who changes it after Bolwerk",
        )
    if view.tampered:
        return false(
            TYPE,
            Reason.NOT_SEALED,
            f"the isolation gate in Deployment {name} is not as it has to be: find out who changes it after Bolwerk, "
            "and delete the Deployment, which is made anew",
        )
    labels = view.subject.pod_labels
    opening = sorted(
        policy["metadata"]["name"]
        for policy in view.observed.policies
        if policy["metadata"]["name"] != name and _opens(policy, labels)
    )
    if not opening:
        return None
    return false(
        TYPE,
        Reason.OPENED_BY_POLICY,
        f"NetworkPolicy {', '.join(opening)} also selects these pods and lets them out: delete it or narrow its "
        "podSelector",
    )


def _opens(policy: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    spec = policy.get("spec") or {}
    # Rules for egress are ignored where the policy is not about egress.
    about_egress = "Egress" in (spec.get("policyTypes") or ["Egress"])
    return about_egress and bool(spec.get("egress")) and matches(spec.get("podSelector") or {}, labels)
