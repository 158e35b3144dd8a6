"""Namespaces that would leave the policy by losing a label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bolwerk.core.admission.callers import may_override
from bolwerk.core.admission.cel import listed, text
from bolwerk.core.admission.rule import Check, Resources, Rule
from bolwerk.core.policy.subject import Subject

__all__ = ["namespaces_rule", "selects"]


def namespaces_rule(subject: Subject) -> Rule:
    """Return the rule.

    Its binding selects nothing: of a namespace that is being changed, the API server compares the new labels only.
    The subresources change labels too.
    """
    return Rule(
        name="namespaces",
        resources=(Resources("", "v1", ("namespaces", "namespaces/status", "namespaces/finalize"), ("UPDATE",)),),
        conditions={
            "changed-labels": "object.metadata.?labels != oldObject.metadata.?labels",
            "governed-before": selects(subject.selector, "oldObject.metadata.?labels.orValue({})"),
        },
        checks=(
            Check(
                f"{selects(subject.selector, 'object.metadata.?labels.orValue({})')} || {may_override(subject)}",
                f"without these labels SovereigntyPolicy {subject.name} would no longer govern the namespace; leave "
                "them as they are, or ask for an EgressException",
            ),
        ),
        everywhere=True,
    )


def selects(selector: Mapping[str, Any], labels: str) -> str:
    """Return the CEL for whether a label selector selects these labels, as `core/selectors` decides it."""
    parts = [
        *(f"{labels}[?{text(key)}] == optional.of({text(value)})" for key, value in _exact(selector)),
        *(_meets(expression, labels) for expression in selector.get("matchExpressions") or ()),
    ]
    return f"({' && '.join(parts) or 'true'})"


def _exact(selector: Mapping[str, Any]) -> list[tuple[str, str]]:
    return sorted((selector.get("matchLabels") or {}).items())


def _meets(expression: Mapping[str, Any], labels: str) -> str:
    key = text(expression["key"])
    match expression["operator"]:
        case "In":
            return f"({key} in {labels} && {labels}[{key}] in {listed(expression['values'])})"
        case "NotIn":
            return f"!({key} in {labels} && {labels}[{key}] in {listed(expression['values'])})"
        case "Exists":
            return f"{key} in {labels}"
        case "DoesNotExist":
            return f"!({key} in {labels})"
        case other:
            raise ValueError(f"label selectors have no operator {other!r}")
