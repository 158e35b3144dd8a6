"""The address under which clients in the cluster reach the model."""

from __future__ import annotations

from bolwerk.core.kinds import SERVICE
from bolwerk.core.model.engine.parts import EngineParts
from bolwerk.core.model.subject import Subject
from bolwerk.core.plan import Manifest

__all__ = ["endpoint", "service"]


def service(subject: Subject, engine: EngineParts) -> Manifest:
    """Return the Service."""
    return {
        "apiVersion": SERVICE.api_version,
        "kind": SERVICE.name,
        "metadata": subject.metadata(),
        "spec": {
            "type": "ClusterIP",
            "selector": subject.selector,
            "ports": [
                {"name": name, "port": port, "targetPort": name, "protocol": "TCP"}
                for name, port in engine.ports.items()
            ],
        },
    }


def endpoint(subject: Subject, engine: EngineParts) -> str:
    """Return the URL for clients, without the cluster's domain: their own resolver completes it."""
    port = next(iter(engine.ports.values()))
    return f"http://{subject.name}.{subject.namespace}.svc:{port}{engine.client_path}"
