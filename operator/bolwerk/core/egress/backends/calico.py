"""The wall as a GlobalNetworkPolicy in a tier of its own; in Audit as a staged one, which only tells.

Each policy has its own tier, so that each tier has one owner and goes with it. Passing a packet hands it on to the
next tier: where two walls govern a namespace, both have to let it through.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bolwerk.core.egress.hole import Hole, by_ports
from bolwerk.core.egress.inexpressible import addresses_only, narrowed
from bolwerk.core.egress.intent import Intent, Scene, Wall
from bolwerk.core.egress.limits import common_limits
from bolwerk.core.egress.networks import Network, of_version
from bolwerk.core.kinds import CALICO_TIER, GLOBAL_NETWORK_POLICY, STAGED_GLOBAL_NETWORK_POLICY
from bolwerk.core.policy.governed import NAMESPACE_NAME

__all__ = ["render", "tier_order"]

POLICY_NAME = ".wall"
"""Until 3.32 Calico wants a policy's name to begin with its tier's name and a dot."""

PODS = {"namespaceSelector": "all()", "selector": "projectcalico.org/orchestrator == 'k8s'"}
"""Calico labels every pod so. A namespace alone would select its NetworkSets too, which are lists of addresses."""

NETWORK_SETS = (
    "Calico takes a NetworkSet that carries the label projectcalico.org/orchestrator=k8s for pods of this cluster: let "
    "nobody in governed namespaces write NetworkSets with that label."
)
EARLIER_TIERS = (
    "Calico decides tiers of an order below {order} before the wall, and what is written there in single namespaces is "
    "not looked at: give the right to policies of such tiers (tier.networkpolicies) to the platform team alone."
)
NAME = "projectcalico.org/name"
"""A label that Calico gives every ServiceAccount."""
LAST_ORDER = 999
"""Tiers of Kubernetes' own cluster-wide policies have the order 1000."""


def render(intent: Intent, scene: Scene) -> Wall:  # noqa: ARG001 - one signature for all backends
    """Return the tier, and in it one policy for all governed namespaces and one per hole."""
    tier = {
        "apiVersion": CALICO_TIER.api_version,
        "kind": CALICO_TIER.name,
        "metadata": intent.metadata(),
        "spec": {"order": tier_order(intent), "defaultAction": "Pass"},
    }
    limits = (*common_limits(intent), NETWORK_SETS, EARLIER_TIERS.format(order=tier_order(intent)))
    wall = _policy(
        intent,
        intent.metadata(suffix=POLICY_NAME),
        {
            "order": intent.priority,
            "namespaceSelector": expression(intent.selector),
            "types": ["Egress"],
            "egress": [
                {"action": "Pass", "destination": dict(PODS)},
                *_to("Deny", intent.outward),
                *_to("Pass", intent.internal),
                {"action": "Deny"},
            ],
        },
    )
    opened, unopened = narrowed(intent, addresses_only("Calico"))
    holes = (_policy(intent, intent.hole_metadata(hole, joint="."), _hole(intent, hole)) for hole in opened)
    if not intent.enforced:
        opened, unopened = (), ()  # staged too: nothing is blocked, so nothing is opened
    return Wall(objects=(tier, wall, *holes), limits=limits, opened=opened, unopened=unopened)


def _policy(intent: Intent, metadata: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    kind = GLOBAL_NETWORK_POLICY if intent.enforced else STAGED_GLOBAL_NETWORK_POLICY
    staged = {} if intent.enforced else {"stagedAction": "Set"}
    return {
        "apiVersion": kind.api_version,
        "kind": kind.name,
        "metadata": metadata,
        "spec": {**staged, "tier": intent.name, **spec},
    }


def _hole(intent: Intent, hole: Hole) -> dict[str, Any]:
    """Return what comes before the wall for the hole's pods. What it does not pass, the wall decides."""
    account = hole.service_account
    return {
        "order": intent.priority - 1,
        "namespaceSelector": f"{NAMESPACE_NAME} == '{hole.namespace}'",
        "selector": expression(hole.pod_selector),
        **({"serviceAccountSelector": f"{NAME} == '{account}'"} if account else {}),
        "types": ["Egress"],
        "egress": [
            {**rule, "protocol": protocol, "destination": {**rule["destination"], "ports": numbers}}
            for asked, networks in by_ports(hole.networks).items()
            for protocol in ("TCP", "UDP")
            if (numbers := [port.number for port in asked if port.protocol == protocol])
            for rule in _to("Pass", tuple(networks))
        ],
    }


def tier_order(intent: Intent) -> int:
    """Return the order of the wall's tier: before Kubernetes' own policies, however late the priority is."""
    return min(intent.priority, LAST_ORDER)


def _to(action: str, networks: tuple[Network, ...]) -> list[dict[str, Any]]:
    """Return a rule for each family: Calico takes no rule that mixes them."""
    families = ((version, of_version(networks, version)) for version in (4, 6))
    return [
        {"action": action, "ipVersion": version, "destination": {"nets": [str(network) for network in family]}}
        for version, family in families
        if family
    ]


def expression(selector: Mapping[str, Any]) -> str:
    """Return a label selector in Calico's words."""
    exact = [f"{key} == '{value}'" for key, value in (selector.get("matchLabels") or {}).items()]
    others = [_requirement(each) for each in selector.get("matchExpressions") or ()]
    return " && ".join([*exact, *others]) or "all()"


def _requirement(requirement: Mapping[str, Any]) -> str:
    key = requirement["key"]
    values = ", ".join(f"'{value}'" for value in requirement.get("values") or ())
    match requirement["operator"]:
        case "In":
            return f"{key} in {{ {values} }}"
        case "NotIn":
            return f"{key} not in {{ {values} }}"
        case "Exists":
            return f"has({key})"
        case "DoesNotExist":
            return f"!has({key})"
        case other:
            raise ValueError(f"label selectors have no operator {other!r}")
