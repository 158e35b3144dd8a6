"""The objects that the API server wants for a rule or a stamp: the policy, and a binding that puts it in force."""

from __future__ import annotations

from typing import Any

from bolwerk.core.admission.rule import Rule, constraints, policy_spec
from bolwerk.core.approvals.installation import Installation
from bolwerk.core.approvals.stamps import Stamp
from bolwerk.core.kinds import (
    MUTATING_ADMISSION_POLICY,
    MUTATING_ADMISSION_POLICY_BINDING,
    VALIDATING_ADMISSION_POLICY,
    VALIDATING_ADMISSION_POLICY_BINDING,
    Kind,
)
from bolwerk.core.plan import Manifest

__all__ = ["mutating", "validating"]


def validating(rule: Rule, installation: Installation, *, per: Kind | None = None) -> tuple[Manifest, Manifest]:
    """Return a policy that refuses, and its binding.

    Parameters
    ----------
    per
        The kind of which each object in the namespace has to agree. There must be one.
    """
    name = f"{installation.name}-{rule.name}"
    return (
        _object(VALIDATING_ADMISSION_POLICY, name, {**_kind_of(per), **policy_spec(rule)}),
        _object(
            VALIDATING_ADMISSION_POLICY_BINDING,
            name,
            {"policyName": name, **_each(per, absent="Deny"), "validationActions": ["Deny", "Audit"]},
        ),
    )


def mutating(stamp: Stamp, installation: Installation) -> tuple[Manifest, Manifest]:
    """Return a policy that writes, and its binding."""
    name = f"{installation.name}-{stamp.name}"
    return (
        _object(
            MUTATING_ADMISSION_POLICY,
            name,
            {
                **_kind_of(stamp.per),
                "failurePolicy": "Fail",
                "reinvocationPolicy": "IfNeeded" if stamp.again else "Never",
                "matchConstraints": constraints(stamp.resources),
                "matchConditions": [{"name": key, "expression": cel} for key, cel in stamp.conditions.items()],
                "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": stamp.patch}}],
            },
        ),
        # Where there is none to write beside, nothing is written, and the rules refuse what is missing.
        _object(MUTATING_ADMISSION_POLICY_BINDING, name, {"policyName": name, **_each(stamp.per, absent="Allow")}),
    )


def _object(kind: Kind, name: str, spec: Manifest) -> Manifest:
    # The API server stores no empty lists; tools that compare would show each as a difference.
    kept = {key: value for key, value in spec.items() if value != []}
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": {"name": name}, "spec": kept}


def _kind_of(kind: Kind | None) -> dict[str, Any]:
    return {"paramKind": {"apiVersion": kind.api_version, "kind": kind.name}} if kind else {}


def _each(kind: Kind | None, *, absent: str) -> dict[str, Any]:
    """Return the reference to every object of a kind in the namespace of the request."""
    return {"paramRef": {"selector": {}, "parameterNotFoundAction": absent}} if kind else {}
