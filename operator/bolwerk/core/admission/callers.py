"""Who may do what others may not: the operator, the controllers of Kubernetes, and people who were given the right."""

from __future__ import annotations

from bolwerk.core.admission.cel import listed, text
from bolwerk.core.kinds import SOVEREIGNTY_POLICY
from bolwerk.core.policy.subject import Subject
from bolwerk.core.settings import Settings

__all__ = ["CONTROLLERS", "OVERRIDE", "keepers", "may_override", "operator"]

OVERRIDE = "override"
"""The verb on SovereigntyPolicies that lets a person past the rules that protect Bolwerk's objects."""

_USER = "request.userInfo.username"
_SYSTEM = ("system:kube-controller-manager", "system:apiserver")

CONTROLLERS = f"({_USER}.startsWith('system:serviceaccount:kube-system:') || {_USER} in {listed(_SYSTEM)})"
"""CEL: whether a controller of the cluster asks. Whoever may write in kube-system is one already."""

_COLLECTORS = (
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:serviceaccount:kube-system:namespace-controller",
    "system:kube-controller-manager",
)


def operator(settings: Settings) -> str:
    """Return the CEL for whether this installation's operator asks."""
    return f"{_USER} == {text(_name(settings))}"


def keepers(settings: Settings) -> str:
    """Return the CEL for whether the operator asks, or who deletes what has lost its owner or its namespace."""
    return f"{_USER} in {listed((_name(settings), *_COLLECTORS))}"


def may_override(subject: Subject) -> str:
    """Return the CEL for whether the caller was given the right to `override` this policy.

    Two such questions are what the cost limit of one expression allows, so ask it last.
    """
    kind = SOVEREIGNTY_POLICY
    return (
        f"authorizer.group({text(kind.group)}).resource({text(kind.plural)}).name({text(subject.name)})"
        f".check({text(OVERRIDE)}).allowed()"
    )


def _name(settings: Settings) -> str:
    return f"system:serviceaccount:{settings.namespace}:{settings.service_account}"
