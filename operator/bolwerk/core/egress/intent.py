"""What a SovereigntyPolicy wants of the network, before anybody asks who can enforce it.

In the order in which a packet of a governed pod meets it: pods of this cluster are reached; proxies and private
endpoints are not, although their addresses look internal; declared internal networks are; nothing else is. No rule
ever opens what a namespace's own policies have closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any, TypeAlias

__all__ = ["Intent", "Network", "Scene", "Wall"]

Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Intent:
    """The wall that one SovereigntyPolicy asks for.

    Attributes
    ----------
    policy, uid
        Name and uid of the SovereigntyPolicy: it owns every object of its wall.
    enforced
        Whether packets are dropped (`Enforce`) or only told of (`Audit`).
    selector
        The label selector of the governed namespaces, in Kubernetes' words, those that are exempt left out.
    internal
        The declared networks, both families, none inside another.
    outward
        Forward proxies and private endpoints: refused even where `internal` contains them.
    priority
        0 to 1000, lower comes first.
    """

    policy: str
    uid: str
    enforced: bool
    selector: Mapping[str, Any]
    internal: tuple[Network, ...]
    outward: tuple[Network, ...]
    priority: int

    @property
    def name(self) -> str:
        """The name of the wall's objects."""
        return f"bolwerk-{self.policy}"


@dataclass(frozen=True, slots=True)
class Scene:
    """What a renderer for single namespaces has to know of them; renderers for the whole cluster do not look.

    Attributes
    ----------
    namespaces
        The names of the namespaces that this policy governs, those that a policy before it governs left out.
    policies
        By namespace, the NetworkPolicies that are not Bolwerk's own.
    """

    namespaces: tuple[str, ...] = ()
    policies: Mapping[str, tuple[Mapping[str, Any], ...]] | None = None


@dataclass(frozen=True, slots=True)
class Wall:
    """What a backend makes of an intent.

    Attributes
    ----------
    objects
        The manifests to apply, in order, each complete: owner, labels, spec.
    limits
        What of the intent this backend cannot express, a sentence each, for the status.
    """

    objects: tuple[dict[str, Any], ...] = ()
    limits: tuple[str, ...] = ()
