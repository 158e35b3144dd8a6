"""Which models run where, from which bytes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bolwerk.core.model.children.pod import ENGINE
from bolwerk.core.model.subject import MODEL_MOUNT
from bolwerk.core.report.facts import ModelFacts
from bolwerk.core.report.reading import at, condition, key, namespace_of
from bolwerk.core.report.world import World

__all__ = ["models"]

MODEL_LABEL = "bolwerk.dev/model"

Object = Mapping[str, Any]
Key = tuple[str, str]


def models(world: World, governing: Mapping[str, str]) -> tuple[ModelFacts, ...]:
    """Return the facts of each LocalModel asked about.

    Parameters
    ----------
    governing
        The governing policy by namespace.
    """
    pods = _by_model(world.pods)
    deployments = {key(each): each for each in world.deployments}
    claims = {key(each): each for each in world.claims}
    return tuple(
        _facts(each, pods.get(key(each), []), deployments.get(key(each)), claims, governing)
        for each in sorted(world.models, key=key)
        if world.scope.has(namespace_of(each))
    )


def _by_model(pods: Iterable[Object]) -> dict[Key, list[Object]]:
    found: defaultdict[Key, list[Object]] = defaultdict(list)
    for pod in sorted(pods, key=key):
        model = (at(pod, "metadata", "labels") or {}).get(MODEL_LABEL)
        if model:
            found[namespace_of(pod), model].append(pod)
    return found


def _facts(
    model: Object,
    pods: list[Object],
    deployment: Object | None,
    claims: Mapping[Key, Object],
    governing: Mapping[str, str],
) -> ModelFacts:
    namespace, name = key(model)
    source, path, digests = _source(model, pods, claims)
    engine = next(iter(at(model, "spec", "engine") or {}), "")
    return ModelFacts(
        namespace=namespace,
        name=name,
        served_name=str(at(model, "spec", "model", "servedName") or name),
        created_at=str(at(model, "metadata", "creationTimestamp") or ""),
        phase=str(at(model, "status", "phase") or ""),
        source=source,
        path=path,
        source_digests=digests,
        engine=engine,
        engine_image=_engine_image(deployment or {}),
        engine_image_ids=_distinct(str(each.get("imageID") or "") for pod in pods for each in _engines(pod)),
        replicas=int(at(model, "status", "replicas") or 0),
        ready_replicas=int(at(model, "status", "readyReplicas") or 0),
        nodes=_distinct(str(at(pod, "spec", "nodeName") or "") for pod in pods),
        endpoint=str(at(model, "status", "endpoint") or ""),
        serving=condition(model, "Serving"),
        isolated=condition(model, "Isolated"),
        policy=governing.get(namespace, ""),
    )


def _source(model: Object, pods: list[Object], claims: Mapping[Key, Object]) -> tuple[str, str, tuple[str, ...]]:
    source = at(model, "spec", "model", "source") or {}
    claim, image = source.get("persistentVolumeClaim"), source.get("image")
    if claim:
        claim_name = str(claim.get("claimName", ""))
        volume = at(claims.get((namespace_of(model), claim_name), {}), "spec", "volumeName")
        bound = f", volume {volume}" if volume else ""
        return f"PersistentVolumeClaim {claim_name}{bound}", str(claim.get("path") or ""), ()
    if image:
        reference = str(image.get("reference", ""))
        pinned = reference.rpartition("@")[2] if "@" in reference else ""
        mounted = (ref for pod in pods for ref in _mounted(pod))
        return f"image {reference}", str(image.get("path") or ""), _distinct((pinned, *mounted))
    return "", "", ()


def _mounted(pod: Object) -> Iterator[str]:
    """Yield the digests of what the kubelet mounted as the model: Kubernetes 1.36 tells, older ones do not."""
    for engine in _engines(pod):
        for mount in engine.get("volumeMounts") or ():
            if mount.get("mountPath") == MODEL_MOUNT:
                yield str(at(mount, "volumeStatus", "image", "imageRef") or "")


def _engines(pod: Object) -> Iterator[Object]:
    return (each for each in at(pod, "status", "containerStatuses") or () if each.get("name") == ENGINE)


def _engine_image(deployment: Object) -> str:
    containers = at(deployment, "spec", "template", "spec", "containers") or ()
    return next((str(each.get("image") or "") for each in containers if each.get("name") == ENGINE), "")


def _distinct(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for each in found if each))
