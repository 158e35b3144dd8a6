"""Pods and everything that makes pods: people learn of a refusal when they apply, and pods are what enforces it."""

from __future__ import annotations

from collections.abc import Mapping

from bolwerk.core.admission.cel import items
from bolwerk.core.admission.rule import Resources

__all__ = ["CHANGED", "CONTAINERS", "POD_SPEC", "TEMPLATES", "WORKLOADS", "labels_of", "template"]

TEMPLATES: tuple[Resources, ...] = (
    Resources("", "v1", ("replicationcontrollers",), ("CREATE", "UPDATE")),
    Resources("apps", "v1", ("deployments", "statefulsets", "daemonsets", "replicasets"), ("CREATE", "UPDATE")),
    Resources("batch", "v1", ("jobs", "cronjobs"), ("CREATE", "UPDATE")),
)

WORKLOADS: tuple[Resources, ...] = (
    # What these rules judge of a pod can change in one way only: by a debugging container.
    Resources("", "v1", ("pods",), ("CREATE",)),
    Resources("", "v1", ("pods/ephemeralcontainers",), ("UPDATE",)),
    *TEMPLATES,
)


def template(of: str) -> str:
    """Return the CEL for the pod, or the template of pods, that `object` or `oldObject` is or has.

    `dyn` because the types of all kinds are checked against the one expression, and each lacks the others' fields.
    """
    return (
        f"(object.kind == 'Pod' ? dyn({of}) : object.kind == 'CronJob' ? "
        f"dyn({of}).spec.jobTemplate.spec.template : dyn({of}).spec.template)"
    )


def labels_of(of: str) -> str:
    """Return the CEL for the labels of that pod, or of the pods that are made from that template."""
    return f"{template(of)}.?metadata.?labels.orValue({{}})"


CHANGED: Mapping[str, str] = {
    "new-or-changed-pod-spec": f"oldObject == null || {template('object')}.spec != {template('oldObject')}.spec"
}
"""Whoever scales, labels or finalizes what was there before the policy is not stopped: it makes no pod worse."""

POD_SPEC: Mapping[str, str] = {"spec": f"{template('object')}.spec"}

CONTAINERS: Mapping[str, str] = {
    **POD_SPEC,
    "containers": " + ".join(
        items(f"variables.spec.?{field}") for field in ("containers", "initContainers", "ephemeralContainers")
    ),
}
