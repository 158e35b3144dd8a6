"""Which rules of admission make the API server vouch for who asked and who approved.

A name in an approval is worth what the API server made of it: without a rule that refuses, anybody types any name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bolwerk.core.kinds import (
    EGRESS_APPROVAL,
    EGRESS_EXCEPTION,
    VALIDATING_ADMISSION_POLICY,
    VALIDATING_ADMISSION_POLICY_BINDING,
    Kind,
)
from bolwerk.core.report.reading import at, name_of, texts

__all__ = ["guards"]

KINDS = (EGRESS_EXCEPTION, EGRESS_APPROVAL)

Object = Mapping[str, Any]


def guards(admission: Iterable[Object]) -> tuple[str, ...]:
    """Return the names of the policies that are bound to refuse exceptions or approvals as they are made, in order.

    None unless both are judged: an approval by somebody else is worth little if anybody may have typed who asked.
    """
    objects = tuple(admission)
    bound = {
        at(each, "spec", "policyName")
        for each in objects
        if each.get("kind") == VALIDATING_ADMISSION_POLICY_BINDING.name
        and "Deny" in texts(each, "spec", "validationActions")
    }
    policies = [
        each for each in objects if each.get("kind") == VALIDATING_ADMISSION_POLICY.name and name_of(each) in bound
    ]
    by_kind = [{name_of(each) for each in policies if _judges(each, kind)} for kind in KINDS]
    return tuple(sorted(set().union(*by_kind))) if all(by_kind) else ()


def _judges(policy: Object, kind: Kind) -> bool:
    return any(
        {*texts(rule, "apiGroups")} & {kind.group, "*"}
        and {*texts(rule, "resources")} & {kind.plural, "*"}
        and {*texts(rule, "operations")} & {"CREATE", "*"}
        for rule in at(policy, "spec", "matchConstraints", "resourceRules") or ()
    )
