"""The wall as an AdminNetworkPolicy v1alpha1: OVN-Kubernetes and OpenShift.

It needs the experimental channel of that API's CRD, which has `networks` and which OVN-Kubernetes installs. Without
it the API server refuses the object: a peer that has lost its only field is no peer.
"""

from __future__ import annotations

from typing import Any

from bolwerk.core.egress.backends.ordered import ordered_holes, ordered_rules
from bolwerk.core.egress.hole import Ports
from bolwerk.core.egress.intent import Intent, Scene, Wall
from bolwerk.core.egress.limits import AUDIT_IS_SILENT, common_limits
from bolwerk.core.kinds import ADMIN_NETWORK_POLICY

__all__ = ["render"]

LARGEST_PEERS = 100
"""Of a rule (CRD, v0.1.5)."""


def render(intent: Intent, scene: Scene) -> Wall:  # noqa: ARG001 - one signature for all backends
    """Return one AdminNetworkPolicy for all governed namespaces, and one per hole."""
    limits = common_limits(intent)
    if not intent.enforced:
        return Wall(limits=(*limits, AUDIT_IS_SILENT))
    policy = {
        "apiVersion": ADMIN_NETWORK_POLICY.api_version,
        "kind": ADMIN_NETWORK_POLICY.name,
        "metadata": intent.metadata(),
        "spec": {
            "priority": intent.priority,
            "subject": {"namespaces": dict(intent.selector)},
            "egress": ordered_rules(intent, largest_peers=LARGEST_PEERS),
        },
    }
    holes, opened, unopened = ordered_holes(intent, ADMIN_NETWORK_POLICY, {}, ports=_ports)
    return Wall(objects=(policy, *holes), limits=limits, opened=opened, unopened=unopened)


def _ports(ports: Ports) -> dict[str, Any]:
    return {"ports": [{"portNumber": {"protocol": each.protocol, "port": each.number}} for each in ports]}
