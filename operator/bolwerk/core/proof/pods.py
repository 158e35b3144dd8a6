"""The pods of a run, as they are made.

A pod's name comes of all that it is to do: one that does something else has another name, and a run whose control has
another name is of another time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from bolwerk.core.kinds import POD
from bolwerk.core.model.subject import digest
from bolwerk.core.own import own_container
from bolwerk.core.plan import Manifest
from bolwerk.core.proof.arrangement import MANAGED, Assignment
from bolwerk.core.proof.task import Task
from bolwerk.core.settings import Settings

__all__ = [
    "ARM_LABEL",
    "INPUTS",
    "NAME_PREFIX",
    "NODE_LABEL",
    "PROBE",
    "RUN_LABEL",
    "RUN_SECONDS",
    "TRIGGER",
    "label_of",
    "node_label",
    "pod",
    "task_of",
]

PROBE = "probe"
"""Name of the only container."""

NAME_PREFIX = "bolwerk-proof-"

RUN_LABEL = "bolwerk.dev/proof-run"
NODE_LABEL = "bolwerk.dev/proof-node"
ARM_LABEL = "bolwerk.dev/proof-arm"
SUBJECT = "bolwerk.dev/proof-subject"
TRIGGER = "bolwerk.dev/proof-trigger"
INPUTS = "bolwerk.dev/proof-inputs"
"""Annotation of the control: what the world was when the run began, as `inputs` digests it."""

TOLD: Mapping[str, str] = {"POD_UID": "metadata.uid", "NODE_NAME": "spec.nodeName", "POD_IPS": "status.podIPs"}
"""What the kubelet tells a probe of its own pod, by environment variable."""

RUN_SECONDS = 180
"""A run is over by then, whatever its pods say."""

NEVER_READY = "bolwerk.dev/never-ready"
"""A condition that nobody sets: with the labels of a model or of its clients a probe would else be sent requests."""


def node_label(node: str) -> str:
    """Return a node's name as a label value, which a name may be too long for."""
    return hashlib.sha256(node.encode()).hexdigest()[:12]


def label_of(found: Mapping[str, Any], label: str) -> str:
    """Return a label of a live pod, or an empty string."""
    return str((found["metadata"].get("labels") or {}).get(label, ""))


def task_of(assignment: Assignment, run: str) -> Task:
    """Return what the pod is told."""
    return Task(
        run=run,
        targets=assignment.targets,
        allowed=assignment.reachable.networks,
        patience_seconds=assignment.patience_seconds,
    )


def pod(
    assignment: Assignment, settings: Settings, *, node: str, run: str, annotations: Mapping[str, str] | None = None
) -> Manifest:
    """Return the pod; `annotations` are its own beside the subject, and no part of what its name comes of."""
    labels = {
        **assignment.labels,
        **MANAGED,
        RUN_LABEL: run,
        NODE_LABEL: node_label(node),
        ARM_LABEL: assignment.arm.lower(),
    }
    spec = _spec(assignment, settings, node=node, run=run)
    name = f"{NAME_PREFIX}{run}-{digest([labels, assignment.subject, assignment.owner, spec])[:8]}"
    return {
        "apiVersion": POD.api_version,
        "kind": POD.name,
        "metadata": {
            "name": name,
            "namespace": assignment.namespace,
            "labels": labels,
            "annotations": {SUBJECT: assignment.subject, **(annotations or {})},
            "ownerReferences": assignment.owner,
        },
        "spec": spec,
    }


def _spec(assignment: Assignment, settings: Settings, *, node: str, run: str) -> Manifest:
    account = {"serviceAccountName": assignment.service_account} if assignment.service_account else {}
    secrets = {"imagePullSecrets": [{"name": name} for name in assignment.pull_secrets]}
    return {
        # Not the scheduler's to decide: the node is what is measured.
        "nodeName": node,
        "tolerations": [{"operator": "Exists"}],
        "restartPolicy": "Never",
        "activeDeadlineSeconds": RUN_SECONDS,
        "terminationGracePeriodSeconds": 5,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "readinessGates": [{"conditionType": NEVER_READY}],
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        **account,
        **(secrets if assignment.pull_secrets else {}),
        "containers": [_container(assignment, settings, run)],
    }


def _container(assignment: Assignment, settings: Settings, run: str) -> Manifest:
    task = task_of(assignment, run).model_dump_json(by_alias=True, exclude_defaults=True)
    told = [
        {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}
        for name, path in TOLD.items()
    ]
    env: list[Manifest] = [{"name": "BOLWERK_TASK", "value": task}, *told]
    return own_container(PROBE, settings.image, "probe", env)
