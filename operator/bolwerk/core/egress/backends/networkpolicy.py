"""The wall as NetworkPolicies in every governed namespace: what every cluster has, and the weakest.

NetworkPolicies only add up. So one policy without rules isolates every pod, and further ones grant the way to pods
and internal networks; these may select only pods that no egress policy of the namespace's own selects, because a grant
to the others would open what their team has closed. For the same reason the pods of a LocalModel get none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bolwerk.core.egress.addresses import Addresses
from bolwerk.core.egress.backends.unselected import unselected
from bolwerk.core.egress.hole import Hole, by_ports
from bolwerk.core.egress.inexpressible import addresses_only, narrowed, pods_by_labels
from bolwerk.core.egress.intent import Intent, Scene, Wall
from bolwerk.core.egress.limits import AUDIT_IS_SILENT, common_limits
from bolwerk.core.egress.networks import Network, contains
from bolwerk.core.kinds import NETWORK_POLICY

__all__ = ["concerns_egress", "render"]

MODEL_LABEL = "bolwerk.dev/model"
"""Only pods of LocalModels carry it. Another pod that does loses its grants, and gains nothing."""

LARGEST_TERMS = 16
"""Grants in one namespace. Teams that need more have selectors that nobody reads either."""

UNION = (
    "NetworkPolicies only add up, so whoever may write them in a governed namespace can open it: rely on the admission "
    "rule that refuses such policies, or use a backend with rules for the whole cluster."
)
LATE = (
    "A namespace is held only from the moment its NetworkPolicies are written: label it before its first pod is made."
)
PROTOCOLS = (
    "Kubernetes leaves it to the network plugin what a NetworkPolicy does with protocols other than TCP, UDP and SCTP, "
    "such as ICMP: use a backend with rules for the whole cluster where these must be held too."
)


def render(intent: Intent, scene: Scene) -> Wall:
    """Return the NetworkPolicies of all governed namespaces: grants, what isolates it, and then the holes."""
    limits = (*common_limits(intent), UNION, LATE, PROTOCOLS)
    if not intent.enforced:
        return Wall(limits=(*limits, AUDIT_IS_SILENT))
    objects: list[dict[str, Any]] = []
    tangled: list[str] = []
    peers = _peers(intent)
    for namespace in sorted(scene.namespaces):
        terms = _grantees(scene, namespace)
        if terms is None:
            tangled.append(namespace)
        for number, selector in enumerate(terms or (), start=1):
            objects.append(_policy(intent, namespace, suffix=f"-{number}", selector=selector, egress=[{"to": peers}]))
        objects.append(_policy(intent, namespace, suffix="", selector={}, egress=[]))
    opened, unopened = narrowed(intent, pods_by_labels("NetworkPolicy"), addresses_only("NetworkPolicy"))
    return Wall(
        objects=(*objects, *(_hole(intent, hole) for hole in opened)),
        limits=(*limits, *((_tangled(tangled),) if tangled else ())),
        opened=opened,
        unopened=unopened,
    )


def concerns_egress(policy: Mapping[str, Any]) -> bool:
    """Whether a NetworkPolicy isolates the pods that it selects on their way out."""
    spec = policy.get("spec") or {}
    types = spec.get("policyTypes")
    return "Egress" in types if types else bool(spec.get("egress"))


def _grantees(scene: Scene, namespace: str) -> tuple[dict[str, Any], ...] | None:
    """Return the selectors of the pods that no own egress policy of the namespace selects, or None if too many."""
    foreign = (scene.policies or {}).get(namespace, ())
    selectors = [(each.get("spec") or {}).get("podSelector") or {} for each in foreign if concerns_egress(each)]
    models = {"matchExpressions": [{"key": MODEL_LABEL, "operator": "Exists"}]}
    return unselected([models, *selectors], largest=LARGEST_TERMS)


def _peers(intent: Intent) -> list[dict[str, Any]]:
    outward = Addresses.of(intent.outward)
    blocks = (_block(network, intent) for network in intent.internal if not Addresses.of([network]).within(outward))
    return [{"namespaceSelector": {}}, *({"ipBlock": block} for block in blocks)]


def _block(network: Network, intent: Intent) -> dict[str, Any]:
    holes = [str(each) for each in intent.outward if contains(network, each)]
    return {"cidr": str(network), **({"except": holes} if holes else {})}


def _hole(intent: Intent, hole: Hole) -> dict[str, Any]:
    egress = [
        {
            "to": [{"ipBlock": {"cidr": str(network)}} for network in networks],
            "ports": [{"protocol": port.protocol, "port": port.number} for port in asked],
        }
        for asked, networks in by_ports(hole.networks).items()
    ]
    return _made(intent.hole_metadata(hole, namespace=hole.namespace), hole.pod_selector, egress)


def _policy(
    intent: Intent, namespace: str, *, suffix: str, selector: Mapping[str, Any], egress: list[dict[str, Any]]
) -> dict[str, Any]:
    return _made(intent.metadata(namespace=namespace, suffix=suffix), selector, egress)


def _made(metadata: dict[str, Any], selector: Mapping[str, Any], egress: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": NETWORK_POLICY.api_version,
        "kind": NETWORK_POLICY.name,
        "metadata": metadata,
        "spec": {"podSelector": dict(selector), "policyTypes": ["Egress"], "egress": egress},
    }


def _tangled(namespaces: list[str]) -> str:
    shown = ", ".join(namespaces[:5]) + (", …" if len(namespaces) > 5 else "")  # noqa: PLR2004 - a handful
    return (
        f"In some namespaces ({shown}) the egress policies of the teams select pods in more ways than "
        f"{LARGEST_TERMS} selectors can spare, so pods without such a policy reach nothing there: give these pods an "
        "egress policy of their own, or use a backend with rules for the whole cluster."
    )
