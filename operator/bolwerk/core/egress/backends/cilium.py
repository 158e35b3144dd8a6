"""The wall as a CiliumClusterwideNetworkPolicy that only denies, for in Cilium a denial beats every allowance.

Denying alone never opens what a namespace's own policies have closed. CIDR rules do not match pods of the cluster
(`policy-cidr-match-mode`), so that these stay reachable without being named. The `world` entity would be shorter and
knows no exceptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bolwerk.core.egress.intent import Intent, Scene, Wall
from bolwerk.core.egress.limits import AUDIT_IS_SILENT, common_limits
from bolwerk.core.egress.networks import EVERYTHING, of_version
from bolwerk.core.kinds import CILIUM_CLUSTERWIDE_NETWORK_POLICY

__all__ = ["render"]

NAMESPACE_LABELS = "k8s:io.cilium.k8s.namespace.labels."
NAMESPACE_NAME = "k8s:io.kubernetes.pod.namespace"

NODES = (
    "Cilium takes the cluster's nodes for nodes and not for networks, so governed pods reach what listens there: run "
    "no forward proxy on a node, and hold the nodes with a firewall of their own (policy-cidr-match-mode with nodes "
    "closes only those that the pod does not run on)."
)
PODS_AS_NETWORKS = (
    "If Cilium's policy-cidr-match-mode contains pods, the wall refuses the pods of this cluster too: take it out, or "
    "declare the pods' networks in spec.internal.networks."
)
LABELS = (
    "If Cilium is configured with labels of its own, keep io.cilium.k8s.namespace.labels and "
    "io.kubernetes.pod.namespace among them, or the wall selects no pods."
)


def render(intent: Intent, scene: Scene) -> Wall:  # noqa: ARG001 - one signature for all backends
    """Return one CiliumClusterwideNetworkPolicy for all governed namespaces."""
    limits = (*common_limits(intent), NODES, PODS_AS_NETWORKS, LABELS)
    if not intent.enforced:
        return Wall(limits=(*limits, AUDIT_IS_SILENT))
    denied = [
        *(_outside(intent, version) for version in (4, 6)),
        *({"cidr": str(network)} for network in intent.outward),
    ]
    policy = {
        "apiVersion": CILIUM_CLUSTERWIDE_NETWORK_POLICY.api_version,
        "kind": CILIUM_CLUSTERWIDE_NETWORK_POLICY.name,
        "metadata": intent.metadata(),
        "spec": {
            "endpointSelector": _endpoints(intent.selector),
            # Else Cilium would deny everything that no other policy allows, in the cluster too.
            "enableDefaultDeny": {"egress": False, "ingress": False},
            "egressDeny": [{"toCIDRSet": denied}],
        },
    }
    return Wall(objects=(policy,), limits=limits)


def _outside(intent: Intent, version: int) -> dict[str, Any]:
    (everything,) = of_version(EVERYTHING, version)
    internal = [str(network) for network in of_version(intent.internal, version)]
    return {"cidr": str(everything), **({"except": internal} if internal else {})}


def _endpoints(selector: Mapping[str, Any]) -> dict[str, Any]:
    """Return the endpoints whose namespace has the labels, as Cilium keeps these: on every pod, under a prefix."""
    exact = {f"{NAMESPACE_LABELS}{key}": value for key, value in (selector.get("matchLabels") or {}).items()}
    expressions = [
        {**expression, "key": f"{NAMESPACE_LABELS}{expression['key']}"}
        for expression in selector.get("matchExpressions") or ()
    ]
    # Cilium's own endpoints, such as those of its health checks, are in no namespace; NotIn would match them.
    pods = {"key": NAMESPACE_NAME, "operator": "Exists"}
    return {**({"matchLabels": exact} if exact else {}), "matchExpressions": [pods, *expressions]}
