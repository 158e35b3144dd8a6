"""The user's patch over the pods, and what it may not do.

The network policy selects the pods by label and holds in their own network namespace. Whatever leaves that
namespace, takes another identity or gains privilege on the node would lead around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bolwerk.core.model.children.gate import GATE

__all__ = ["IDENTITY", "escapes"]

HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
IDENTITY = ("serviceAccountName", "serviceAccount", "automountServiceAccountToken")
VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
"""What the Pod Security Standard `restricted` allows. Others (hostPath, nfs, iscsi …) go through the node's network."""

CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")


NETWORKS = ("k8s.v1.cni.cncf.io/networks", "v1.multus-cni.io/default-network")
"""Annotations by which Multus gives a pod further network interfaces, which no NetworkPolicy governs."""


def escapes(patch: Mapping[str, Any], annotations: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each thing in a partial PodSpec, or in its annotations, that would lead around the wall."""
    for annotation in NETWORKS:
        if annotation in annotations:
            yield f"annotation {annotation} adds a network that no network policy governs: remove it"
    for field in HOST_NAMESPACES:
        if patch.get(field):
            yield f"podTemplate.spec.{field} leads around the network policy that seals the model: remove it"
    for field in IDENTITY:
        if field in patch:
            yield f"podTemplate.spec.{field} would give the model an identity in the cluster: remove it"
    for volume in _objects(patch.get("volumes")):
        yield from _volume_escapes(volume)
    for kind in CONTAINER_LISTS:
        for container in _objects(patch.get(kind)):
            yield from _container_escapes(container)
    yield from _security_escapes("podTemplate.spec", _object(patch.get("securityContext")))


def _volume_escapes(volume: Mapping[str, Any]) -> Iterator[str]:
    where = f"volume {volume.get('name')!r}"
    for kind in sorted(volume.keys() - VOLUMES - {"name"}):
        yield f"{where} is of the kind {kind}, which the node itself would mount: use a PersistentVolumeClaim"
    for source in _objects(_object(volume.get("projected")).get("sources")):
        if source.get("serviceAccountToken") is not None:
            yield f"{where} projects a ServiceAccount token: remove that source"


def _container_escapes(container: Mapping[str, Any]) -> Iterator[str]:
    where = f"container {container.get('name')!r}"
    if container.get("name") == GATE:
        yield (
            f"{where} is Bolwerk's own, which lets the engine start once nothing gets out: give yours another name; "
            "isolation.required: false leaves the gate out"
        )
    yield from _security_escapes(where, _object(container.get("securityContext")))
    if any(port.get("hostPort") for port in _objects(container.get("ports"))):
        yield f"{where} opens a port of the node: remove hostPort, clients come through the Service"


def _security_escapes(where: str, context: Mapping[str, Any]) -> Iterator[str]:
    for field in ("privileged", "allowPrivilegeEscalation"):
        if context.get(field):
            yield f"{where} asks for {field}: remove it"
    if _object(context.get("capabilities")).get("add"):
        yield f"{where} adds capabilities: remove them"
    if context.get("procMount") not in (None, "Default"):
        yield f"{where} unmasks /proc: remove procMount"
    for field, name in (("seccompProfile", "seccomp"), ("appArmorProfile", "AppArmor")):
        if _object(context.get(field)).get("type") == "Unconfined":
            yield f"{where} switches {name} off: use RuntimeDefault or Localhost"
    if _object(context.get("windowsOptions")).get("hostProcess"):
        yield f"{where} asks for a process of the host: remove hostProcess"


def _object(value: Any) -> Mapping[str, Any]:
    # The schema leaves these fields to Kubernetes, so that any JSON may stand here.
    return value if isinstance(value, Mapping) else {}


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    return (item for item in value if isinstance(item, Mapping)) if isinstance(value, list | tuple) else iter(())
