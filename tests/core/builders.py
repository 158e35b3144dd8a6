"""Worlds for the tests of the core: models, pods and what an API server makes of what was applied.

Nothing here decides anything. Every builder starts from the plainest valid object; a test names only what matters.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bolwerk.core.kinds import DEPLOYMENT, NETWORK_POLICY, SERVICE, Kind
from bolwerk.core.model.children.deployment import TEMPLATE_HASH
from bolwerk.core.model.observed import Observed
from bolwerk.core.model.reconcile import reconcile
from bolwerk.core.plan import Manifest, Plan
from bolwerk.core.settings import Settings

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SETTINGS = Settings(
    image="registry.example/bolwerk:0.1.0",
    vllm_image="registry.example/vllm:v0.32.0",
    triton_image="registry.example/triton:26.09",
)
CANARIES = ("10.96.7.7:8443", "[2001:db8:96::7]:8443")
UID = "11111111-2222-3333-4444-555555555555"

FROM_CLAIM: Manifest = {"source": {"persistentVolumeClaim": {"claimName": "llama"}}}
FROM_IMAGE: Manifest = {"source": {"image": {"reference": "registry.example/models/llama:1"}}}
TRITON: Manifest = {"triton": {"models": ["resnet"]}}


def make_model(
    *,
    name: str = "llama",
    generation: int = 1,
    annotations: Mapping[str, str] | None = None,
    deleting: bool = False,
    status: Manifest | None = None,
    **spec: Any,
) -> Manifest:
    """Return a LocalModel that serves a claim with vLLM on one GPU; `spec` replaces whole fields of its spec."""
    metadata: Manifest = {"name": name, "namespace": "ai", "uid": UID, "generation": generation}
    if annotations:
        metadata["annotations"] = dict(annotations)
    if deleting:
        metadata["deletionTimestamp"] = "2026-11-24T07:00:00Z"
    return {
        "apiVersion": "bolwerk.dev/v1alpha1",
        "kind": "LocalModel",
        "metadata": metadata,
        "spec": {"model": FROM_CLAIM, "engine": {"vllm": {}}, **spec},
        **({"status": status} if status is not None else {}),
    }


def make_claim(phase: str = "Bound") -> Manifest:
    """Return the claim that `make_model` names."""
    return {"metadata": {"name": "llama", "namespace": "ai"}, "status": {"phase": phase}}


def make_pod(
    template_hash: str = "",
    *,
    scheduled: bool | None = True,
    unschedulable: str = "",
    ready: bool = False,
    deleting: bool = False,
    containers: tuple[Manifest, ...] = (),
    init_containers: tuple[Manifest, ...] = (),
    node: str = "",
) -> Manifest:
    """Return a pod as the kubelet and the scheduler describe it."""
    conditions: list[Manifest] = []
    if unschedulable:
        conditions.append(
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": unschedulable}
        )
    elif scheduled is not None:
        conditions.append({"type": "PodScheduled", "status": str(scheduled)})
    conditions.append({"type": "Ready", "status": str(ready)})
    metadata: Manifest = {"name": "llama-1", "namespace": "ai", "annotations": {TEMPLATE_HASH: template_hash}}
    if deleting:
        metadata["deletionTimestamp"] = "2026-11-24T07:00:00Z"
    status: Manifest = {"conditions": conditions}
    if containers:
        status["containerStatuses"] = list(containers)
    if init_containers:
        status["initContainerStatuses"] = list(init_containers)
    return {"metadata": metadata, "status": status, **({"spec": {"nodeName": node}} if node else {})}


def make_container(
    name: str = "engine",
    *,
    ready: bool = False,
    running: bool = False,
    waiting: tuple[str, str] | None = None,
    ended: Manifest | None = None,
    ended_before: Manifest | None = None,
) -> Manifest:
    """Return a container's status as the kubelet writes it: one state, and the state before the last restart."""
    state: Manifest = {}
    if running:
        state = {"running": {"startedAt": "2026-11-24T07:00:00Z"}}
    elif waiting:
        reason, message = waiting
        state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
    elif ended is not None:
        state = {"terminated": ended}
    before = {"terminated": ended_before} if ended_before is not None else {}
    return {"name": name, "ready": ready, "state": state, "lastState": before}


def make_policy(name: str = "foreign", **spec: Any) -> Manifest:
    """Return a NetworkPolicy of somebody else, for all pods of the namespace."""
    return {"metadata": {"name": name, "namespace": "ai", "uid": f"uid-{name}"}, "spec": {"podSelector": {}, **spec}}


def make_deployment(live: Mapping[str, Any], *, generation: int = 1, **status: Any) -> Manifest:
    """Return a live Deployment with another status."""
    metadata = {**live["metadata"], "generation": generation}
    return {**live, "metadata": metadata, "status": {"observedGeneration": generation, **status}}


def decide(observed: Observed, *, settings: Settings = SETTINGS, now: datetime = NOW) -> Plan:
    """Reconcile."""
    return reconcile(observed, settings, now)


def after(observed: Observed, plan: Plan) -> Observed:
    """Return the world in which a plan has been carried out, as an API server would show it."""
    children = {kind: {each["metadata"]["name"]: each for each in found} for kind, found in observed.children.items()}
    for apply in plan.apply:
        stored = stored_as(apply.kind, apply.manifest)
        before = children.get(apply.kind, {}).get(apply.ref.name, {})
        stored["status"] = before.get("status", {})
        children.setdefault(apply.kind, {})[apply.ref.name] = stored
    for delete in plan.delete:
        children[delete.ref.kind].pop(delete.ref.name)
    model = {**observed.model, **({"status": copy.deepcopy(plan.status)} if plan.status is not None else {})}
    return replace(
        observed,
        model=model,
        children={kind: tuple(found.values()) for kind, found in children.items()},
        policies=(
            *(each for each in observed.policies if each["metadata"]["name"] != model["metadata"]["name"]),
            *children.get(NETWORK_POLICY, {}).values(),
        ),
    )


def world(model: Manifest, **rest: Any) -> Observed:
    """Return a world in which the canary is known and there is nothing else but what is named."""
    return Observed(**{"model": model, "canaries": CANARIES, **rest})


def settled(model: Manifest, **rest: Any) -> Observed:
    """Return the world in which everything that `model` asks for stands, and its status tells so."""
    observed = world(model, **rest)
    for _ in range(2):
        observed = after(observed, decide(observed))
    return observed


def serving(model: Manifest, **rest: Any) -> Observed:
    """Return `settled` with as many pods of the present template answering as there should be."""
    observed = settled(model, **{"claim": make_claim(), **rest})
    wanted = model["spec"].get("replicas", 1)
    observed = replace(observed, pods=(make_pod(hash_of(observed), ready=True),) * wanted)
    return after(observed, decide(observed))


def child(observed: Observed, kind: Kind) -> Any:
    """Return the one live child of a kind."""
    (found,) = observed.children[kind]
    return found


def with_child(observed: Observed, kind: Kind, live: Manifest | None) -> Observed:
    """Return the world in which the child of a kind is another one, or none."""
    return replace(observed, children={**observed.children, kind: () if live is None else (live,)})


def hash_of(observed: Observed) -> str:
    """Return the template hash that the pods of the live Deployment carry."""
    return str(child(observed, DEPLOYMENT)["spec"]["template"]["metadata"]["annotations"][TEMPLATE_HASH])


def condition(plan_or_status: Plan | Mapping[str, Any], type_: str) -> Any:
    """Return one condition of a planned or live status; an empty one if it is not there."""
    status = plan_or_status.status if isinstance(plan_or_status, Plan) else plan_or_status
    assert status is not None, "the plan changes no status"
    return next((each for each in status["conditions"] if each["type"] == type_), {})


def stored_as(kind: Kind, manifest: Mapping[str, Any]) -> Manifest:
    """Return a manifest as an API server would store it: defaults filled in, empties dropped."""
    stored: Manifest = copy.deepcopy(dict(manifest))
    stored["metadata"] |= {
        "uid": f"uid-of-{kind.name}",
        "resourceVersion": "7",
        "creationTimestamp": "2026-11-24T07:00:00Z",
    }
    if kind == SERVICE:
        stored["spec"] |= {"clusterIP": "10.0.0.1", "sessionAffinity": "None", "ipFamilies": ["IPv4"]}
    if kind == NETWORK_POLICY:
        stored["spec"] = {key: value for key, value in stored["spec"].items() if value != []}
    if kind == DEPLOYMENT:
        _default_pod(stored["spec"]["template"])
    return stored


def _default_pod(template: Any) -> None:
    spec = template["spec"]
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        spec.pop(field, None)
    for field, value in {
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "serviceAccount": spec.get("serviceAccountName"),
    }.items():
        spec.setdefault(field, value)
    for container in (*spec.get("initContainers", ()), *spec["containers"]):
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("imagePullPolicy", "IfNotPresent")
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            if probe in container:
                container[probe].setdefault("successThreshold", 1)


def applied(plan: Plan) -> dict[str, str]:
    return {apply.kind.name: apply.because for apply in plan.apply}


def edited(observed: Observed, *, annotations: dict[str, str] | None = None, **spec: Any) -> Observed:
    """Return the world in which the user has changed the spec, which makes a new generation of it."""
    metadata = {**observed.model["metadata"], "annotations": annotations or {}}
    metadata["generation"] += 1 if spec else 0
    model = {**observed.model, "metadata": metadata, "spec": {**observed.model["spec"], **spec}}
    return replace(observed, model=model)


def changed(live: Any, path: str, value: Any) -> Any:
    """Return a copy with one field, by its dotted path, set to another value."""
    copied = copy.deepcopy(live)
    *parents, last = path.split(".")
    node = copied
    for parent in parents:
        node = node[int(parent)] if isinstance(node, list) else node[parent]
    node[int(last) if isinstance(node, list) else last] = value
    return copied
