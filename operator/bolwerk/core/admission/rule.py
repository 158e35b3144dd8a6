"""A rule as a value, and the two objects that the API server wants for it: what is judged, and where.

Every field that the API server would fill in is spelled out, so that what is live is exactly what was applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal

from bolwerk.core.kinds import VALIDATING_ADMISSION_POLICY, VALIDATING_ADMISSION_POLICY_BINDING
from bolwerk.core.plan import Manifest
from bolwerk.core.policy.subject import Subject, metadata

__all__ = ["EVERYTHING", "Check", "Resources", "Rule", "binding", "constraints", "policy", "policy_spec"]

EVERYTHING: Mapping[str, Any] = {}
"""A label selector."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What a rule looks at, in the API server's words."""

    group: str
    version: str
    names: tuple[str, ...]
    operations: tuple[Literal["CREATE", "UPDATE", "DELETE"], ...]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that has to be true of an object.

    Attributes
    ----------
    holds
        CEL.
    otherwise
        What is wrong and what to do instead.
    named
        The same with the names in it, as CEL that may fail: then `otherwise` is said. Empty for none.
    variables
        What both use beside the rule's, in an order in which each uses only those before it.
    """

    holds: str
    otherwise: str
    named: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """One admission policy.

    Attributes
    ----------
    name
        The end of the objects' names.
    variables
        CEL by name, in an order in which each uses only those before it.
    conditions
        CEL by name; where one is false, nothing is judged.
    selected
        Which objects are judged, by their labels before or after the request.
    everywhere
        Whether it is judged in all namespaces, or only in the governed ones.
    warns
        Whether nothing is refused even where the policy is enforced.
    """

    name: str
    resources: tuple[Resources, ...]
    checks: tuple[Check, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    selected: Mapping[str, Any] = field(default_factory=dict)
    everywhere: bool = False
    warns: bool = False


def policy(rule: Rule, subject: Subject) -> Manifest:
    """Return the ValidatingAdmissionPolicy."""
    return {
        "apiVersion": VALIDATING_ADMISSION_POLICY.api_version,
        "kind": VALIDATING_ADMISSION_POLICY.name,
        "metadata": _metadata(rule, subject),
        "spec": policy_spec(rule),
    }


def policy_spec(rule: Rule) -> Manifest:
    """Return what a ValidatingAdmissionPolicy says, whoever owns it.

    It fails closed in both modes: a rule that cannot be evaluated refuses where the policy is enforced, and warns in
    an audit, because the actions of the binding hold for errors too. With `Ignore`, an object made large enough to
    exhaust the cost limit of CEL would pass every rule unseen.
    """
    variables: dict[str, str] = {}
    for name, cel in chain(rule.variables.items(), *(check.variables.items() for check in rule.checks)):
        if variables.setdefault(name, cel) != cel:
            raise ValueError(f"rule {rule.name}: two things are called {name}")
    return {
        "failurePolicy": "Fail",
        "matchConstraints": constraints(*rule.resources, selected=rule.selected),
        "matchConditions": [{"name": name, "expression": cel} for name, cel in rule.conditions.items()],
        "variables": [{"name": name, "expression": cel} for name, cel in variables.items()],
        "validations": [_validation(check) for check in rule.checks],
    }


def constraints(*resources: Resources, selected: Mapping[str, Any] = EVERYTHING) -> Manifest:
    """Return what an admission policy of any kind looks at."""
    return {
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": dict(selected),
        "resourceRules": [
            {
                "apiGroups": [each.group],
                "apiVersions": [each.version],
                "resources": list(each.names),
                "operations": list(each.operations),
                "scope": "*",
            }
            for each in resources
        ],
    }


def binding(rule: Rule, subject: Subject) -> Manifest:
    """Return the ValidatingAdmissionPolicyBinding."""
    refuses = subject.enforced and not rule.warns
    return {
        "apiVersion": VALIDATING_ADMISSION_POLICY_BINDING.api_version,
        "kind": VALIDATING_ADMISSION_POLICY_BINDING.name,
        "metadata": _metadata(rule, subject),
        "spec": {
            "policyName": _name(rule, subject),
            "matchResources": {
                "matchPolicy": "Equivalent",
                "namespaceSelector": dict(EVERYTHING if rule.everywhere else subject.selector),
                "objectSelector": {},
            },
            "validationActions": ["Deny" if refuses else "Warn", "Audit"],
        },
    }


def _validation(check: Check) -> Manifest:
    named = {"messageExpression": check.named} if check.named else {}
    return {"expression": check.holds, "message": check.otherwise, **named, "reason": "Forbidden"}


def _metadata(rule: Rule, subject: Subject) -> Manifest:
    return metadata(_name(rule, subject), policy=subject.name, uid=subject.uid, component="admission")


def _name(rule: Rule, subject: Subject) -> str:
    return f"bolwerk-{subject.name}-{rule.name}"
