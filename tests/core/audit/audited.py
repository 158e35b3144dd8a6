"""Objects to decide about, and what was done to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bolwerk.core.audit.entry import Fact
from bolwerk.core.audit.told import told
from bolwerk.core.kinds import (
    Kind,
    Ref,
)
from bolwerk.core.plan import Apply, Delete, Event

RESTORED = Event("Warning", "WallRestored", "Restore", "it was found deleted")
MANAGED = [
    {"manager": "argocd-controller", "time": "2026-11-24T10:00:00Z", "fieldsV1": {"f:spec": {}}},
    {"manager": "kubectl-edit", "time": "2026-11-24T11:00:00Z", "fieldsV1": {"f:spec": {}}},
    {"manager": "somebody", "time": "2026-11-24T12:00:00Z", "fieldsV1": {"f:metadata": {}}},
    {"manager": "bolwerk", "subresource": "status", "fieldsV1": {"f:status": {}}},
]


def policy(**status: Any) -> dict[str, Any]:
    return {
        "kind": "SovereigntyPolicy",
        "metadata": {"name": "baseline", "uid": "u1", "generation": 3},
        "spec": {"mode": "Enforce"},
        "status": status,
    }


def model(**status: Any) -> dict[str, Any]:
    metadata = {"namespace": "team", "name": "chat", "uid": "u2", "generation": 1}
    return {"kind": "LocalModel", "metadata": metadata, "spec": {}, "status": status}


def exception(**status: Any) -> dict[str, Any]:
    spec = {"ground": "WeightyReason", "requestedBy": {"username": "jan@example.nl"}}
    metadata = {"namespace": "team", "name": "translate", "uid": "u3", "generation": 1}
    return {"kind": "EgressException", "metadata": metadata, "spec": spec, "status": status}


def condition(type_: str, status: str, reason: str = "Because") -> dict[str, str]:
    return {"type": type_, "status": status, "reason": reason, "message": "said to people"}


def apply(kind: Kind, name: str, *, because: str = "absent", event: Event | None = None) -> Apply:
    manifest = {"metadata": {"namespace": "team", "name": name}, "spec": {"secret": "canary"}}
    return Apply(kind, manifest, because, event)


def delete(kind: Kind, name: str) -> Delete:
    return Delete(Ref(kind, "team", name), "uid", "no longer desired")


def short(facts: tuple[Fact, ...]) -> list[tuple[str, str]]:
    return [(str(fact.action), fact.result) for fact in facts]


def tell(resource: Mapping[str, Any], status: Mapping[str, Any]) -> tuple[Fact, ...]:
    return told(resource, status, {"metadata": {"managedFields": MANAGED}})
