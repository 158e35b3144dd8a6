"""The wall as a ClusterNetworkPolicy v1alpha2 in the Admin tier, which no policy of a namespace can override."""

from __future__ import annotations

from typing import Any

from bolwerk.core.egress.backends.ordered import ordered_holes, ordered_rules
from bolwerk.core.egress.hole import Ports
from bolwerk.core.egress.intent import Intent, Scene, Wall
from bolwerk.core.egress.limits import AUDIT_IS_SILENT, common_limits
from bolwerk.core.kinds import CLUSTER_NETWORK_POLICY

__all__ = ["render"]

LARGEST_PEERS = 25
"""Of a rule (CRD, v0.2.0)."""

NODES_WITH_CILIUM = (
    "Where Cilium enforces ClusterNetworkPolicies, governed pods reach what listens on the cluster's nodes, because "
    "Cilium takes these for no networks: run no forward proxy on a node, and hold the nodes with a firewall of their "
    "own."
)


def render(intent: Intent, scene: Scene) -> Wall:  # noqa: ARG001 - one signature for all backends
    """Return one ClusterNetworkPolicy for all governed namespaces, and one per hole."""
    limits = (*common_limits(intent), NODES_WITH_CILIUM)
    if not intent.enforced:
        return Wall(limits=(*limits, AUDIT_IS_SILENT))
    policy = {
        "apiVersion": CLUSTER_NETWORK_POLICY.api_version,
        "kind": CLUSTER_NETWORK_POLICY.name,
        "metadata": intent.metadata(),
        "spec": {
            "tier": "Admin",
            "priority": intent.priority,
            "subject": {"namespaces": dict(intent.selector)},
            "egress": ordered_rules(intent, largest_peers=LARGEST_PEERS),
        },
    }
    holes, opened, unopened = ordered_holes(intent, CLUSTER_NETWORK_POLICY, {"tier": "Admin"}, ports=_ports)
    return Wall(objects=(policy, *holes), limits=limits, opened=opened, unopened=unopened)


def _ports(ports: Ports) -> dict[str, Any]:
    return {"protocols": [{each.protocol.lower(): {"destinationPort": {"number": each.number}}} for each in ports]}
