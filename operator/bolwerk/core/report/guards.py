"""Which rules of admission make the API server vouch for who asked and who approved.

A name in an approval is worth what the API server made of it: without a rule that refuses, anybody types any name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bolwerk.core.kinds import EGRESS_APPROVAL, VALIDATING_ADMISSION_POLICY, VALIDATING_ADMISSION_POLICY_BINDING
from bolwerk.core.report.reading import at, name_of, texts

__all__ = ["guards"]

Object = Mapping[str, Any]


def guards(admission: Iterable[Object]) -> tuple[str, ...]:
    """Return the names of the policies that are bound to refuse EgressApprovals, in order."""
    objects = tuple(admission)
    bound = {
        at(each, "spec", "policyName")
        for each in objects
        if each.get("kind") == VALIDATING_ADMISSION_POLICY_BINDING.name
        and "Deny" in texts(each, "spec", "validationActions")
    }
    return tuple(
        sorted(
            name_of(each)
            for each in objects
            if each.get("kind") == VALIDATING_ADMISSION_POLICY.name
            and name_of(each) in bound
            and _judges_approvals(each)
        )
    )


def _judges_approvals(policy: Object) -> bool:
    return any(
        {*texts(rule, "apiGroups")} & {EGRESS_APPROVAL.group, "*"}
        and {*texts(rule, "resources")} & {EGRESS_APPROVAL.plural, "*"}
        and {*texts(rule, "operations")} & {"CREATE", "*"}
        for rule in at(policy, "spec", "matchConstraints", "resourceRules") or ()
    )
