"""What the cache keeps of an object: the fields that a decision may read, as one compact string of bytes.

Bytes, because 10,000 models with their children fit in memory as JSON and not as Python dicts (a dict takes five
times as much), and because equal bytes mean that nothing changed that anybody looks at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bolwerk.core.kinds import PERSISTENT_VOLUME_CLAIM, POD, Kind
from bolwerk.core.model.children.deployment import TEMPLATE_HASH
from bolwerk.core.plan import Manifest

__all__ = ["controller_of", "pack", "unpack"]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
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


def pack(kind: Kind, manifest: Mapping[str, Any]) -> bytes:
    """Reduce an object to what is read of it. The resource version is not part of it: the entry keeps it."""
    kept: Manifest = {**manifest, "apiVersion": kind.api_version, "kind": kind.name}
    metadata = {key: value for key, value in manifest["metadata"].items() if key not in _NOISE}
    if kind == POD:
        annotations = _only(metadata.get("annotations") or {}, (TEMPLATE_HASH,))
        metadata = _only(metadata, _POD_METADATA) | {"annotations": annotations}
        kept["spec"] = _only(manifest.get("spec", {}), ("nodeName",))
    elif kind == PERSISTENT_VOLUME_CLAIM:
        metadata.pop("annotations", None)
        kept["spec"] = _only(manifest.get("spec", {}), _CLAIM_SPEC)
    elif LAST_APPLIED in (annotations := metadata.get("annotations") or {}):
        metadata["annotations"] = {key: value for key, value in annotations.items() if key != LAST_APPLIED}
    kept["metadata"] = metadata
    return json.dumps(kept, separators=(",", ":"), sort_keys=True).encode()


def unpack(packed: bytes) -> Manifest:
    """Bring an object back as the API server's JSON."""
    manifest: Manifest = json.loads(packed)
    return manifest


def controller_of(manifest: Mapping[str, Any]) -> str | None:
    """Tell the uid of the object's controller."""
    for owner in manifest["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return str(owner["uid"])
    return None


def _only(fields: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: fields[name] for name in names if name in fields}
