"""Which namespaces no SovereigntyPolicy governs, and the selector that leaves them out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bolwerk.core.settings import Settings

__all__ = ["NAMESPACE_NAME", "SYSTEM", "exempt", "selector"]

NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The label by which the API server lets every namespace be selected by its name."""

SYSTEM = ("kube-node-lease", "kube-public", "kube-system")
"""Never governed: a wall around the cluster's own DNS would part it from the API server, and all pods from names."""


def exempt(settings: Settings) -> tuple[str, ...]:
    """Return the namespaces that no policy governs, in order."""
    return tuple(sorted({*SYSTEM, settings.namespace}))


def selector(wished: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return a policy's namespace selector with the exempt namespaces left out."""
    left_out = {"key": NAMESPACE_NAME, "operator": "NotIn", "values": list(exempt(settings))}
    return {**wished, "matchExpressions": [*wished.get("matchExpressions", ()), left_out]}
