"""The wall as a CiliumClusterwideNetworkPolicy that only denies, for in Cilium a denial beats every allowance.

Denying alone never opens what a namespace's own policies have closed. CIDR rules do not match pods of the cluster
(`policy-cidr-match-mode`), so that these stay reachable without being named. The `world` entity would be shorter and
knows no exceptions.

No allowance beats a denial, so a hole is where the denial is not: namespaces with holes are left out of `spec` and
parted in `specs` of the same object.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bolwerk.core.egress.backends import cilium_names as names
from bolwerk.core.egress.backends.cilium_endpoints import NAMESPACE_NAME, endpoints
from bolwerk.core.egress.backends.cilium_openings import denials
from bolwerk.core.egress.backends.cilium_regions import Parted, parted
from bolwerk.core.egress.inexpressible import narrowed
from bolwerk.core.egress.intent import Intent, Scene, Wall
from bolwerk.core.egress.limits import AUDIT_IS_SILENT, common_limits
from bolwerk.core.kinds import CILIUM_CLUSTERWIDE_NETWORK_POLICY

__all__ = ["render", "without_holes"]

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


ICMP = (
    "Of networks that exceptions open, Cilium leaves ICMP open beside the ports, and SCTP where it is enabled, because "
    "an agent may refuse rules about these and the wall with them: pods of these exceptions can send pings there."
)


def render(intent: Intent, scene: Scene) -> Wall:
    """Return one CiliumClusterwideNetworkPolicy for all governed namespaces, and one per hole for names."""
    limits = (*common_limits(intent), NODES, PODS_AS_NETWORKS, LABELS)
    if not intent.enforced:
        return Wall(limits=(*limits, AUDIT_IS_SILENT))
    expressible, unopened = narrowed(
        intent,
        names.named_by_labels_they_have,
        names.with_envoy(intent),
        names.names_only,
        names.undisturbed(intent, scene),
    )
    within = parted(intent, scene, expressible)
    for_names = [hole for hole in within.opened if hole.domains]
    return Wall(
        objects=(_wall(intent, within), *(names.policy(intent, hole) for hole in for_names)),
        limits=(
            *limits,
            *((ICMP,) if any(hole.networks for hole in within.opened) else ()),
            *((names.NEEDS_PROXIES,) if for_names else ()),
        ),
        opened=within.opened,
        unopened=(*unopened, *within.unopened),
    )


def _wall(intent: Intent, within: Parted) -> dict[str, Any]:
    others = [{"key": NAMESPACE_NAME, "operator": "NotIn", "values": list(within.namespaces)}]
    return {
        "apiVersion": CILIUM_CLUSTERWIDE_NETWORK_POLICY.api_version,
        "kind": CILIUM_CLUSTERWIDE_NETWORK_POLICY.name,
        "metadata": intent.metadata(),
        "spec": {
            "endpointSelector": endpoints(intent.selector, others if within.namespaces else ()),
            # Else Cilium would deny everything that no other policy allows, in the cluster too.
            "enableDefaultDeny": {"egress": False, "ingress": False},
            "egressDeny": denials(intent),
        },
        **({"specs": list(within.specs)} if within.specs else {}),
    }


def without_holes(live: Mapping[str, Any]) -> dict[str, Any]:
    """Return a live wall without any hole, whatever is asked of it: its denial holds all namespaces again."""
    spec, metadata = live["spec"], live["metadata"]
    selector = spec["endpointSelector"]
    kept = [
        each for each in selector["matchExpressions"] if (each["key"], each["operator"]) != (NAMESPACE_NAME, "NotIn")
    ]
    return {
        "apiVersion": CILIUM_CLUSTERWIDE_NETWORK_POLICY.api_version,
        "kind": CILIUM_CLUSTERWIDE_NETWORK_POLICY.name,
        "metadata": {key: metadata[key] for key in ("name", "labels", "ownerReferences") if key in metadata},
        "spec": {**spec, "endpointSelector": {**selector, "matchExpressions": kept}},
    }
