"""What a LocalModel is made of, in governed namespaces: its wall first of all, and what decides whom it serves."""

from __future__ import annotations

from bolwerk.core.admission.callers import keepers, may_override
from bolwerk.core.admission.cel import same, text
from bolwerk.core.admission.labels import MANAGED_BY, MODEL_LABEL
from bolwerk.core.admission.rule import Check, Resources, Rule
from bolwerk.core.policy.subject import Subject
from bolwerk.core.settings import Settings

__all__ = ["models_rule"]

_OWN = (
    f"metadata.?labels[?{text(MANAGED_BY)}]",
    f"metadata.?labels[?{text(MODEL_LABEL)}]",
    "metadata.?ownerReferences",
)
_DEPLOYMENT = ("spec.selector", "spec.template.spec", "spec.template.metadata.labels")
"""Not the number of replicas and not the template's annotations: scaling and `kubectl rollout restart` are no harm."""


def models_rule(subject: Subject, settings: Settings) -> Rule:
    """Return the rule. Deleting a LocalModel deletes all of this, by the garbage collector."""
    of_deployment = " && ".join(same(path) for path in _DEPLOYMENT)
    unchanged = " && ".join(same(path) for path in _OWN)
    return Rule(
        name="models",
        resources=(
            Resources("apps", "v1", ("deployments",), ("UPDATE", "DELETE")),
            Resources("", "v1", ("services", "configmaps"), ("UPDATE", "DELETE")),
            Resources("networking.k8s.io", "v1", ("networkpolicies",), ("UPDATE", "DELETE")),
        ),
        selected={
            "matchLabels": {MANAGED_BY: "bolwerk"},
            "matchExpressions": [{"key": MODEL_LABEL, "operator": "Exists"}],
        },
        checks=(
            Check(
                f"{keepers(settings)} || (object != null && {unchanged} && "
                f"(object.kind == 'Deployment' ? ({of_deployment}) : object.kind == 'ConfigMap' ? {same('?data')} : "
                f"{same('spec')})) || {may_override(subject)}",
                "this object is made from a LocalModel and is kept by Bolwerk; change or delete the LocalModel instead",
            ),
        ),
    )
