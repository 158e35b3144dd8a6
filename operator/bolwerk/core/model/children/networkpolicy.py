"""The wall around the pods: in from the clients, out to nowhere, not even to DNS.

A serving engine has the model's files on a volume and needs nothing from anybody. Both address families are
meant: a policy without any peer denies all of them.
"""

from __future__ import annotations

from typing import Any

from bolwerk.api.access import Client
from bolwerk.core.kinds import NETWORK_POLICY
from bolwerk.core.model.engine.parts import EngineParts
from bolwerk.core.model.subject import Subject
from bolwerk.core.plan import Manifest

__all__ = ["network_policy"]


def network_policy(subject: Subject, engine: EngineParts) -> Manifest:
    """Return the NetworkPolicy. Without clients nobody reaches the model."""
    clients = subject.spec.access.clients
    ingress = {
        "from": [_peer(client) for client in clients],
        "ports": [{"protocol": "TCP", "port": port} for port in engine.ports.values()],
    }
    return {
        "apiVersion": NETWORK_POLICY.api_version,
        "kind": NETWORK_POLICY.name,
        "metadata": subject.metadata(),
        "spec": {
            "podSelector": {"matchLabels": subject.selector},
            "policyTypes": ["Ingress", "Egress"],
            # An empty `from` would mean everybody, so that without clients there is no rule at all.
            "ingress": [ingress] if clients else [],
            "egress": [],
        },
    }


def _peer(client: Client) -> dict[str, Any]:
    selectors = {"namespaceSelector": client.namespace_selector, "podSelector": client.pod_selector}
    return {
        name: selector.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        for name, selector in selectors.items()
        if selector is not None
    }
