"""How Kubernetes identifies the items of its lists; and laying a patch over a manifest by the same rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["MERGE_KEYS", "merge"]

MERGE_KEYS: Mapping[str, str] = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "ports": "name",
    "imagePullSecrets": "name",
    "conditions": "type",
    "ownerReferences": "uid",
}
"""The lists of the objects that Bolwerk builds whose items have a key (the API's `x-kubernetes-list-map-keys`).

Bolwerk names all its ports, so a name identifies them. Every other list is one value.
"""


def merge(base: Any, patch: Any, *, name: str = "") -> Any:
    """Return `base` with `patch` laid over it; neither is changed.

    Maps are merged key by key, lists of `MERGE_KEYS` item by item, and anything else is replaced. `name` is the
    field under which both stand.
    """
    if isinstance(base, Mapping) and isinstance(patch, Mapping):
        both = {key: merge(base[key], patch[key], name=key) for key in base if key in patch}
        return {**base, **patch, **both}
    if name in MERGE_KEYS and _keyed(base, MERGE_KEYS[name]) and _keyed(patch, MERGE_KEYS[name]):
        key = MERGE_KEYS[name]
        patches = {item[key]: item for item in patch}
        kept = [merge(item, patches.pop(item[key], {})) for item in base]
        return [*kept, *patches.values()]
    return patch


def _keyed(items: Any, key: str) -> bool:
    return (
        isinstance(items, Sequence)
        and not isinstance(items, str)
        and all(isinstance(item, Mapping) and isinstance(item.get(key), str) for item in items)
    )
