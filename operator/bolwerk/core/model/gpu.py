"""What a replica asks of its node.

Accelerators by extended resource, their kind by the labels that NVIDIA's GPU feature discovery puts on nodes.
"""

from __future__ import annotations

from typing import Any

from bolwerk.api.localmodel import Gpu, LocalModelSpec
from bolwerk.core.quantity import MEBIBYTE, to_bytes

__all__ = ["affinity", "resources"]

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PRODUCT_LABEL = "nvidia.com/gpu.product"
MEMORY_LABEL = "nvidia.com/gpu.memory"
"""In mebibytes."""


def resources(spec: LocalModelSpec) -> dict[str, Any]:
    """Return the engine container's resources. An extended resource takes equal requests and limits."""
    accelerators = {spec.gpu.resource_name: str(spec.gpu.count)} if spec.gpu.count else {}
    return {
        "requests": {**_text(spec.resources.requests), **accelerators},
        "limits": {**_text(spec.resources.limits), **accelerators},
    }


def _text(amounts: dict[str, str | int]) -> dict[str, str]:
    # The API server gives quantities back as strings; an integer would differ from itself for ever.
    return {name: str(amount) for name, amount in amounts.items()}


def affinity(spec: LocalModelSpec) -> dict[str, Any]:
    """Return the pods' affinity: what the user asks for, and in each of its terms what the GPUs must be."""
    wanted = _expressions(spec.gpu)
    asked = dict(spec.scheduling.affinity or {})
    if not wanted:
        return asked
    try:
        return {**asked, "nodeAffinity": _narrowed(asked.get("nodeAffinity") or {}, wanted)}
    except (AttributeError, TypeError, ValueError):
        # The schema leaves affinity to Kubernetes: it is no affinity, and the API server will say where and why.
        return asked


def _narrowed(node: Any, wanted: list[dict[str, Any]]) -> dict[str, Any]:
    required = node.get(REQUIRED) or {}
    # Terms are alternatives, so the GPU has to be right in every one of them.
    terms = [
        {**term, "matchExpressions": [*(term.get("matchExpressions") or []), *wanted]}
        for term in required.get("nodeSelectorTerms") or [{}]
    ]
    return {**node, REQUIRED: {**required, "nodeSelectorTerms": terms}}


def _expressions(gpu: Gpu) -> list[dict[str, Any]]:
    expressions: list[dict[str, Any]] = []
    if gpu.products:
        expressions.append({"key": PRODUCT_LABEL, "operator": "In", "values": list(gpu.products)})
    least = -(-to_bytes(gpu.min_memory or 0) // MEBIBYTE)
    if least > 0:
        # Node affinity knows "greater than" only, and numbers of 64 bits.
        expressions.append({"key": MEMORY_LABEL, "operator": "Gt", "values": [str(min(least, 2**63) - 1)]})
    return expressions
