"""The pod template: restricted, offline, without a token, with bounded scratch space and a bounded start and end."""

from __future__ import annotations

from typing import Any

from bolwerk.core.merge import merge
from bolwerk.core.model import gpu, startup
from bolwerk.core.model.children.gate import first, gate
from bolwerk.core.model.engine.parts import CACHE, EngineParts
from bolwerk.core.model.subject import MODEL_MOUNT, Subject
from bolwerk.core.plan import Manifest

__all__ = ["ENGINE", "pod_template"]

ENGINE = "engine"
"""Name of the engine's container; users address it in podTemplate."""

LEAVE_SECONDS = 10
"""Between a pod's end being decided and its address leaving every load balancer."""

FIRST_ANSWER_SECONDS = 60
"""The first answer may still compile something."""

CACHE_SIZE = "20Gi"
TEMPORARY_SIZE = "5Gi"


def pod_template(subject: Subject, engine: EngineParts, gate_image: str) -> Manifest:
    """Return the template, the user's patch included."""
    patch = subject.spec.pod_template
    template = {
        "metadata": {"labels": subject.pod_labels, "annotations": patch.metadata.annotations},
        "spec": _spec(subject, engine),
    }
    # What the seal rests on is laid over the patch once more, whatever the patch says.
    spec = merge(merge(template["spec"], patch.spec), _sealed(engine))
    return {**template, "spec": first(spec, gate(subject, gate_image) if subject.spec.isolation.required else None)}


def _sealed(engine: EngineParts) -> dict[str, Any]:
    enforced = [entry for entry in engine.environment if entry["name"] in engine.enforced]
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "hostNetwork": False,
        "hostPID": False,
        "hostIPC": False,
        "containers": [
            {
                "name": ENGINE,
                "env": enforced,
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    }


def _spec(subject: Subject, engine: EngineParts) -> dict[str, Any]:
    spec = subject.spec
    scheduling = spec.scheduling
    asked = {
        "imagePullSecrets": [{"name": secret.name} for secret in spec.image_pull_secrets],
        "runtimeClassName": spec.gpu.runtime_class_name,
        "priorityClassName": scheduling.priority_class_name,
        "nodeSelector": scheduling.node_selector,
        "tolerations": list(scheduling.tolerations),
        "affinity": gpu.affinity(spec),
        "topologySpreadConstraints": list(scheduling.topology_spread_constraints),
    }
    return {
        "serviceAccountName": subject.name,
        "automountServiceAccountToken": False,
        # A Service called `vllm` would inject VLLM_PORT=tcp://…, at which vLLM dies (vllm/envs.py).
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": engine.user,
            "runAsGroup": engine.group,
            "fsGroup": engine.user,
            # Without this a large volume is walked, file by file, at every start.
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        **{field: value for field, value in asked.items() if value},
        "terminationGracePeriodSeconds": 2 * LEAVE_SECONDS + spec.rollout.drain_timeout_seconds,
        "containers": [_container(subject, engine)],
        "volumes": [
            {"name": "model", **_model_volume(subject)},
            {"name": "cache", "emptyDir": {"sizeLimit": CACHE_SIZE}},
            {"name": "tmp", "emptyDir": {"sizeLimit": TEMPORARY_SIZE}},
            # The runtime's own /dev/shm has 64 MiB. Memory-backed, so it counts against the memory limit.
            {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": engine.shared_memory}},
        ],
    }


def _container(subject: Subject, engine: EngineParts) -> dict[str, Any]:
    period = {"periodSeconds": startup.PROBE_PERIOD_SECONDS}
    return {
        "name": ENGINE,
        "image": engine.image,
        "command": list(engine.command),
        "env": list(engine.environment),
        "ports": [{"name": name, "containerPort": port, "protocol": "TCP"} for name, port in engine.ports.items()],
        "resources": gpu.resources(subject.spec),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "startupProbe": {
            **engine.started,
            **period,
            "timeoutSeconds": FIRST_ANSWER_SECONDS,
            "failureThreshold": startup.probe_failures(startup.startup_seconds(subject.spec)),
        },
        "readinessProbe": {**engine.answering, **period, "timeoutSeconds": 5, "failureThreshold": 3},
        "livenessProbe": {**engine.alive, **period, "timeoutSeconds": 5, "failureThreshold": 6},
        "lifecycle": {"preStop": {"sleep": {"seconds": LEAVE_SECONDS}}},
        # A crash explains itself in the pod's status, so that nobody has to ask for logs.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "model", "mountPath": MODEL_MOUNT, "readOnly": True},
            {"name": "cache", "mountPath": CACHE},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the container's own
            {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108 - the container's own
        ],
    }


def _model_volume(subject: Subject) -> dict[str, Any]:
    source = subject.spec.model.source
    if source.persistent_volume_claim:
        return {"persistentVolumeClaim": {"claimName": source.persistent_volume_claim.claim_name, "readOnly": True}}
    reference = source.image.reference if source.image else ""
    return {"image": {"reference": reference, "pullPolicy": "IfNotPresent"}}
