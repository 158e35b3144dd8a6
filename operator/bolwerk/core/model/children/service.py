"""The address under which clients in the cluster reach the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bolwerk.core.kinds import SERVICE
from bolwerk.core.model.engine.parts import EngineParts
from bolwerk.core.model.subject import Subject
from bolwerk.core.plan import Manifest

__all__ = ["endpoint", "is_out_of_service", "service"]

OUT_OF_SERVICE = {"bolwerk.dev/out-of-service": "not-isolated"}
"""A label that no pod bears: podTemplate may not give it."""


def service(subject: Subject, engine: EngineParts, *, withheld: bool) -> Manifest:
    """Return the Service; it selects no pod where the model is withheld from its clients."""
    return {
        "apiVersion": SERVICE.api_version,
        "kind": SERVICE.name,
        "metadata": subject.metadata(),
        "spec": {
            "type": "ClusterIP",
            "selector": subject.selector | (OUT_OF_SERVICE if withheld else {}),
            "ports": [
                {"name": name, "port": port, "targetPort": name, "protocol": "TCP"}
                for name, port in engine.ports.items()
            ],
        },
    }


def is_out_of_service(live: Mapping[str, Any] | None) -> bool:
    """Whether a live Service is kept from selecting the model's pods."""
    selector = ((live or {}).get("spec") or {}).get("selector") or {}
    return selector.items() >= OUT_OF_SERVICE.items()


def endpoint(subject: Subject, engine: EngineParts) -> str:
    """Return the URL for clients, without the cluster's domain: their own resolver completes it."""
    port = next(iter(engine.ports.values()))
    return f"http://{subject.name}.{subject.namespace}.svc:{port}{engine.client_path}"
