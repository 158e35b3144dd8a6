"""The rules that AdminNetworkPolicy and ClusterNetworkPolicy spell alike: in order, the first match decides.

Pass and not Allow or Accept, so that what a namespace's own policies close stays closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bolwerk.core.egress.hole import Hole, Ports, Unopened, by_ports
from bolwerk.core.egress.inexpressible import addresses_only, closed, narrowed, pods_by_labels
from bolwerk.core.egress.intent import Intent
from bolwerk.core.egress.networks import EVERYTHING, Network, of_version
from bolwerk.core.invalid import InvalidSpecError
from bolwerk.core.kinds import Kind
from bolwerk.core.policy.governed import NAMESPACE_NAME

__all__ = ["ordered_holes", "ordered_rules"]

LARGEST_NETWORKS = 25
"""CIDRs of one `networks` peer, in both CRDs."""


def ordered_rules(intent: Intent, *, largest_peers: int) -> list[dict[str, Any]]:
    """Return the egress rules of an intent, split so that each peer and each rule is as small as the API wants it.

    Raises
    ------
    InvalidSpecError
        If a list has more networks than a rule can hold.
    """
    rules = [
        _rule("pods-of-this-cluster", "Pass", [{"namespaces": {}}]),
        _rule("proxies-and-private-endpoints", "Deny", _peers(intent.outward)),
        _rule("internal-networks", "Pass", _peers(intent.internal)),
        _rule("everything-else", "Deny", _peers(EVERYTHING)),
    ]
    for rule in rules:
        if len(rule["to"]) > largest_peers:
            raise InvalidSpecError(
                f"spec.internal: {len(rule['to'])} groups of {LARGEST_NETWORKS} networks do not fit into one rule of "
                f"this backend, which holds {largest_peers}; join neighbouring networks into wider ones"
            )
    return [rule for rule in rules if rule["to"]]


def ordered_holes(
    intent: Intent, kind: Kind, spec: Mapping[str, Any], *, ports: Callable[[Ports], dict[str, Any]]
) -> tuple[tuple[dict[str, Any], ...], tuple[Hole, ...], tuple[Unopened, ...]]:
    """Return one policy per hole, right before the wall, then what is opened and what is not.

    Parameters
    ----------
    spec
        What of a policy's spec is the same in all of this kind.
    ports
        How a rule of this kind names ports.
    """
    opened, unopened = narrowed(intent, _before(intent), pods_by_labels(kind.name), addresses_only(kind.name))
    policies = tuple(
        {
            "apiVersion": kind.api_version,
            "kind": kind.name,
            "metadata": intent.hole_metadata(hole),
            "spec": {
                **spec,
                "priority": intent.priority - 1,
                "subject": {
                    "pods": {
                        "namespaceSelector": {"matchLabels": {NAMESPACE_NAME: hole.namespace}},
                        "podSelector": dict(hole.pod_selector),
                    }
                },
                "egress": [
                    {**_rule(f"exception-{number}", "Pass", _peers(networks)), **ports(asked)}
                    for number, (asked, networks) in enumerate(by_ports(hole.networks).items(), start=1)
                ],
            },
        }
        for hole in opened
    )
    return policies, opened, unopened


def _before(intent: Intent) -> Callable[[Hole], tuple[Hole, str | None]]:
    """Return the narrowing where nothing can come before the wall."""

    def narrow(hole: Hole) -> tuple[Hole, str | None]:
        if intent.priority > 0:
            return hole, None
        return closed(hole), (
            "The wall has the priority 0, and nothing comes before that, so this exception opens nothing; set "
            "spec.enforcement.priority of the SovereigntyPolicy to 1 or more."
        )

    return narrow


def _rule(name: str, action: str, peers: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "action": action, "to": peers}


def _peers(networks: Iterable[Network]) -> list[dict[str, Any]]:
    """Return peers of one family each: people read them, and implementations map them to one set each."""
    families = (of_version(networks, version) for version in (4, 6))
    return [
        {"networks": [str(network) for network in family[start : start + LARGEST_NETWORKS]]}
        for family in families
        for start in range(0, len(family), LARGEST_NETWORKS)
    ]
