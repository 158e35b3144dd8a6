"""Namespaces and pods in Cilium's words: it keeps the labels of both on every pod, under prefixes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["NAMESPACE_NAME", "SERVICE_ACCOUNT", "endpoints", "pods_of"]

NAMESPACE_LABELS = "k8s:io.cilium.k8s.namespace.labels."
NAMESPACE_NAME = "k8s:io.kubernetes.pod.namespace"
SERVICE_ACCOUNT = "io.cilium.k8s.policy.serviceaccount"


def endpoints(selector: Mapping[str, Any], pods: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Return the endpoints whose namespace has the labels, and of these only `pods`, as expressions."""
    exact = {f"{NAMESPACE_LABELS}{key}": value for key, value in (selector.get("matchLabels") or {}).items()}
    expressions = [
        {**expression, "key": f"{NAMESPACE_LABELS}{expression['key']}"}
        for expression in selector.get("matchExpressions") or ()
    ]
    # Cilium's own endpoints, such as those of its health checks, are in no namespace; NotIn would match them.
    inside = {"key": NAMESPACE_NAME, "operator": "Exists"}
    return {**({"matchLabels": exact} if exact else {}), "matchExpressions": [inside, *expressions, *pods]}


def pods_of(namespace: str, expressions: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return expressions for the pods of one namespace, given expressions over their labels."""
    labels = [{**each, "key": f"k8s:{each['key']}"} for each in expressions]
    return [{"key": NAMESPACE_NAME, "operator": "In", "values": [namespace]}, *labels]
