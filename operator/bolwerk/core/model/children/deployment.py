"""The Deployment, and the rule that an upgrade of the operator restarts no model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bolwerk.core.kinds import DEPLOYMENT
from bolwerk.core.model import startup
from bolwerk.core.model.children.gate import first, is_gated
from bolwerk.core.model.children.pod import pod_template
from bolwerk.core.model.engine.parts import EngineParts
from bolwerk.core.model.podtemplate import IDENTITY, escapes
from bolwerk.core.model.subject import Subject, digest
from bolwerk.core.plan import Manifest

__all__ = ["TEMPLATE_HASH", "deployment", "held_back"]

TEMPLATE_HASH = "bolwerk.dev/template-hash"
"""On the pods and on the Deployment: what was built."""

INPUT_HASH = "bolwerk.dev/input-hash"
"""On the Deployment: what was asked for when it was built."""

STRATEGIES: Mapping[str, dict[str, Any]] = {
    # A surge needs GPUs that are not there; without one a rollout can never wait for itself (LLMKube#192).
    "Auto": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
    "RollingUpdate": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
    "Recreate": {"type": "Recreate"},
}

NOT_OF_PODS: Any = {"replicas": True, "access": True, "rollout": {"strategy"}}
"""Parts of the spec that change no pod, but for the API key in `access`."""

REVISIONS_KEPT = 2


def deployment(subject: Subject, engine: EngineParts, gate_image: str) -> Manifest:
    """Return the Deployment as this version of the operator builds it."""
    template = pod_template(subject, engine, gate_image)
    built = digest(template)
    metadata = subject.metadata()
    pod_metadata = template["metadata"]
    annotations = {**pod_metadata.get("annotations", {}), TEMPLATE_HASH: built}
    return {
        "apiVersion": DEPLOYMENT.api_version,
        "kind": DEPLOYMENT.name,
        "metadata": {**metadata, "annotations": {TEMPLATE_HASH: built, INPUT_HASH: _asked(subject)}},
        "spec": {
            "replicas": subject.spec.replicas,
            "revisionHistoryLimit": REVISIONS_KEPT,
            "progressDeadlineSeconds": startup.progress_deadline_seconds(startup.startup_seconds(subject.spec)),
            "selector": {"matchLabels": subject.selector},
            "strategy": STRATEGIES[subject.spec.rollout.strategy],
            "template": {**template, "metadata": {**pod_metadata, "annotations": annotations}},
        },
    }


def _asked(subject: Subject) -> str:
    """Return a digest of all that the user says about the pods themselves."""
    return digest(
        {
            "spec": subject.spec.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=NOT_OF_PODS),
            "apiKey": subject.spec.access.api_key_secret_ref is not None
            and subject.spec.access.api_key_secret_ref.model_dump(),
            "refresh": subject.refresh,
        }
    )


def held_back(desired: Manifest, live: Mapping[str, Any]) -> Manifest:
    """Return `desired` with the live pod template, where only the operator changed and not the wish.

    A newer operator may build another template from the same LocalModel. Loading a model takes minutes and a GPU,
    so the running template stays until the user changes the spec or the annotation bolwerk.dev/refresh. A template
    without the gate that the user asks for does not stay.
    """
    wanted, template = desired["metadata"]["annotations"], live["spec"]["template"]
    same_wish = wanted[INPUT_HASH] == (live["metadata"].get("annotations") or {}).get(INPUT_HASH)
    built = (template["metadata"].get("annotations") or {}).get(TEMPLATE_HASH)
    if not same_wish or built in (None, wanted[TEMPLATE_HASH]) or _opened(template, desired["spec"]["template"]):
        return desired
    return {
        **desired,
        "metadata": {**desired["metadata"], "annotations": {**wanted, TEMPLATE_HASH: built}},
        "spec": {**desired["spec"], "template": template},
    }


def _opened(live: Mapping[str, Any], desired: Mapping[str, Any]) -> bool:
    """Whether somebody gave the live template what no operator would have built."""
    spec = live["spec"]
    if not is_gated(spec, desired["spec"]):
        return True
    if any(
        spec.get(field) != desired["spec"][field] for field in ("serviceAccountName", "automountServiceAccountToken")
    ):
        return True
    patch = {field: value for field, value in first(spec, None).items() if field not in IDENTITY}
    return any(True for _ in escapes(patch, live["metadata"].get("annotations") or {}))
