"""Containers that run a program of Bolwerk's own in other people's namespaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["own_container"]

USER = 65532
"""As whom the operator's image runs."""


def own_container(name: str, image: str, program: str, env: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a container that runs `bolwerk <program>`, restricted, and small beside whatever the pod is for."""
    return {
        "name": name,
        "image": image,
        "command": ["bolwerk", program],
        "env": [*env],
        # A quota may ask every container for limits; a pod's size is that of its largest container, which this is not.
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "128Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationMessagePolicy": "File",
    }
