"""What the cache keeps of an object: the fields that a decision may read, as one compact string of bytes.

Bytes, because 10,000 models with their children fit in memory as JSON and not as Python dicts (a dict takes five
times as much), and because equal bytes mean that nothing changed that anybody looks at.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bolwerk.core.kinds import (
    EGRESS_APPROVAL,
    EGRESS_EXCEPTION,
    LOCAL_MODEL,
    NAMESPACE,
    NODE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    SOVEREIGNTY_POLICY,
    Kind,
)
from bolwerk.core.model.children.deployment import TEMPLATE_HASH
from bolwerk.core.plan import Manifest
from bolwerk.core.policy.observed import OPTIONAL_KINDS
from bolwerk.core.proof.pods import RUN_LABEL

__all__ = ["Owner", "controller_of", "link_of", "pack", "unpack"]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
MODEL_LABEL = "bolwerk.dev/model"
_NOISE = ("managedFields", "resourceVersion", "selfLink")
_POD_METADATA = (
    "name",
    "namespace",
    "uid",
    "labels",
    "ownerReferences",
    "creationTimestamp",
    "deletionTimestamp",
)
_CLAIM_SPEC = ("accessModes", "resources", "storageClassName", "volumeName", "volumeMode")
_NODE_METADATA = ("name", "uid", "creationTimestamp", "deletionTimestamp")
_NODE_INFO = ("bootID", "kernelVersion", "kubeletVersion", "containerRuntimeVersion")
_NAMESPACE_METADATA = ("name", "uid", "labels", "deletionTimestamp")


class Owner(NamedTuple):
    """Whom an object belongs to."""

    group: str
    kind: str
    uid: str

    def is_a(self, kind: Kind) -> bool:
        """Whether the owner is of this kind, whatever the version."""
        return (self.group, self.kind) == (kind.group, kind.name)


def pack(kind: Kind, manifest: Mapping[str, Any]) -> bytes:
    """Reduce an object to what is read of it. The resource version is not part of it: the entry keeps it."""
    metadata = {key: value for key, value in manifest["metadata"].items() if key not in _NOISE}
    kept: Manifest = {**manifest, "apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata}
    _TRIMS.get(kind, _annotations)(kept)
    return json.dumps(kept, separators=(",", ":"), sort_keys=True).encode()


def unpack(packed: bytes) -> Manifest:
    """Bring an object back as the API server's JSON."""
    manifest: Manifest = json.loads(packed)
    return manifest


def controller_of(manifest: Mapping[str, Any]) -> Owner | None:
    """Tell who controls the object."""
    for owner in manifest["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return Owner(owner.get("apiVersion", "").rpartition("/")[0], owner["kind"], str(owner["uid"]))
    return None


def link_of(kind: Kind, manifest: Mapping[str, Any]) -> str | None:
    """Tell what an object is indexed under beside its owner.

    A Pod under its model's name, unless it is a probe that only bears that model's labels. A LocalModel under its
    claim, an EgressApproval under the uid that it approves. A SovereigntyPolicy and an EgressException under their
    generation: another one's status is nobody's concern, another one's spec is.
    """
    if kind == POD:
        labels = manifest["metadata"].get("labels") or {}
        return None if RUN_LABEL in labels else labels.get(MODEL_LABEL)
    if kind == LOCAL_MODEL:
        source = ((manifest.get("spec") or {}).get("model") or {}).get("source") or {}
        return (source.get("persistentVolumeClaim") or {}).get("claimName")
    if kind == EGRESS_APPROVAL:
        named = (manifest.get("spec") or {}).get("exception") or {}
        return str(named.get("uid", ""))
    if kind in (SOVEREIGNTY_POLICY, EGRESS_EXCEPTION):
        return str(manifest["metadata"].get("generation", ""))
    return None


def _annotations(kept: Manifest) -> None:
    annotations = kept["metadata"].get("annotations") or {}
    if LAST_APPLIED in annotations:
        kept["metadata"]["annotations"] = {key: value for key, value in annotations.items() if key != LAST_APPLIED}


def _pod(kept: Manifest) -> None:
    if RUN_LABEL in (kept["metadata"].get("labels") or {}):
        return  # a probe: what it says counts only if it is in all parts what was asked for
    annotations = _only(kept["metadata"].get("annotations") or {}, (TEMPLATE_HASH,))
    kept["metadata"] = _only(kept["metadata"], _POD_METADATA) | {"annotations": annotations}
    kept["spec"] = _only(kept.get("spec", {}), ("nodeName",))


def _node(kept: Manifest) -> None:
    # A kubelet tells every few minutes that it is alive, and every image that it has: none of that is read.
    status = kept.get("status", {})
    kept["metadata"] = _only(kept["metadata"], _NODE_METADATA)
    kept["spec"] = _only(kept.get("spec", {}), ("podCIDRs",))
    kept["status"] = {
        "allocatable": {name: amount for name, amount in (status.get("allocatable") or {}).items() if "/" in name},
        "conditions": [
            _only(each, ("type", "status")) for each in status.get("conditions") or () if each.get("type") == "Ready"
        ],
        "nodeInfo": _only(status.get("nodeInfo") or {}, _NODE_INFO),
    }


def _claim(kept: Manifest) -> None:
    kept["metadata"].pop("annotations", None)
    kept["spec"] = _only(kept.get("spec", {}), _CLAIM_SPEC)


def _namespace(kept: Manifest) -> None:
    kept["metadata"] = _only(kept["metadata"], _NAMESPACE_METADATA)
    for field in ("spec", "status"):
        kept.pop(field, None)


def _rule(kept: Manifest) -> None:
    # A plugin may write into the status of each, for every node; only what became of Bolwerk's own is of interest.
    _annotations(kept)
    owner = controller_of(kept)
    if not (owner and owner.is_a(SOVEREIGNTY_POLICY)):
        kept.pop("status", None)


def _only(fields: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: fields[name] for name in names if name in fields}


_TRIMS: Mapping[Kind, Callable[[Manifest], None]] = {
    POD: _pod,
    PERSISTENT_VOLUME_CLAIM: _claim,
    NODE: _node,
    NAMESPACE: _namespace,
    **dict.fromkeys(OPTIONAL_KINDS, _rule),
}
