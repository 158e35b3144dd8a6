"""Pods that bear a model's label and are not its own: its seal closes them, and its Service may send them prompts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["is_stranger"]

HASH = "pod-template-hash"
"""What a Deployment's controller sets on its pods, and appends to the name of their ReplicaSet."""


def is_stranger(pod: Mapping[str, Any], model: str) -> bool:
    """Whether a pod that bears the label of this model was made by another than the model's Deployment.

    Goes by the controller that the pod names, which the API server does not verify: it finds what was labelled by hand
    or by a workload of somebody's, and not a pod that was made to deceive.
    """
    metadata = pod["metadata"]
    made = f"{model}-{(metadata.get('labels') or {}).get(HASH, '')}"
    owners = (each for each in metadata.get("ownerReferences") or () if each.get("controller"))
    return not any((each["kind"], each["name"]) == ("ReplicaSet", made) for each in owners)
