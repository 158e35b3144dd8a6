"""Which namespaces a SovereigntyPolicy governs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bolwerk.core.selectors import matches
from bolwerk.core.settings import Settings

__all__ = ["NAMESPACE_NAME", "SYSTEM", "exempt", "governed", "selector"]

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


def governed(wanted: Mapping[str, Any], namespaces: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the names of the namespaces that a selector finds, in order."""
    return tuple(
        sorted(
            namespace["metadata"]["name"]
            for namespace in namespaces
            if matches(wanted, {NAMESPACE_NAME: namespace["metadata"]["name"], **_labels(namespace)})
        )
    )


def _labels(namespace: Mapping[str, Any]) -> Mapping[str, str]:
    labels: Mapping[str, str] = namespace["metadata"].get("labels") or {}
    return labels
