"""The wall as a ClusterNetworkPolicy v1alpha2 in the Admin tier, which no policy of a namespace can override."""

from __future__ import annotations

from bolwerk.core.egress.backends.ordered import ordered_rules
from bolwerk.core.egress.intent import Intent, Scene, Wall
from bolwerk.core.egress.limits import AUDIT_IS_SILENT, NODES, common_limits
from bolwerk.core.kinds import CLUSTER_NETWORK_POLICY

__all__ = ["render"]

LARGEST_PEERS = 25
"""Of a rule (CRD, v0.2.0)."""


def render(intent: Intent, scene: Scene) -> Wall:  # noqa: ARG001 - one signature for all backends
    """Return one ClusterNetworkPolicy for all governed namespaces."""
    limits = (*common_limits(intent), NODES)
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
    return Wall(objects=(policy,), limits=limits)
