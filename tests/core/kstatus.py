"""kstatus' generic rule, as Flux, Argo CD and `helm --wait` apply it to a resource that they do not know.

An oracle for tests, written from sigs.k8s.io/cli-utils/pkg/kstatus/status/generic.go; the operator does not use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def verdict(resource: Mapping[str, Any]) -> str:
    """Return Current, InProgress, Failed or Terminating."""
    metadata, status = resource["metadata"], resource.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return "Terminating"
    observed = status.get("observedGeneration")
    if observed is not None and observed != metadata.get("generation"):
        return "InProgress"
    conditions = {each["type"]: each["status"] for each in status.get("conditions") or []}
    if conditions.get("Reconciling") == "True":
        return "InProgress"
    if conditions.get("Stalled") == "True":
        return "Failed"
    # cli-utils takes Ready into account when nothing more special is said.
    if conditions.get("Ready") in ("False", "Unknown"):
        return "InProgress"
    return "Current"
