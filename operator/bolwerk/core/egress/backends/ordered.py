"""The rules that AdminNetworkPolicy and ClusterNetworkPolicy spell alike: in order, the first match decides.

Pass and not Allow or Accept, so that what a namespace's own policies close stays closed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bolwerk.core.egress.intent import Intent
from bolwerk.core.egress.networks import EVERYTHING, Network, of_version
from bolwerk.core.invalid import InvalidSpecError

__all__ = ["ordered_rules"]

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
