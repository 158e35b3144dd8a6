"""Where "outside" begins for a pod: what its policy calls internal, less what leads out all the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

from bolwerk.api.sovereigntypolicy import SovereigntyPolicySpec
from bolwerk.core.catalogue import Catalogue, decisions
from bolwerk.core.egress.addresses import NONE, Addresses
from bolwerk.core.egress.networks import parsed as networks
from bolwerk.core.invalid import InvalidSpecError, parsed

__all__ = ["Governing"]

LARGEST_MEMORY = 1 << 16


class Governing:
    """The policies, as the walls of their namespaces understand them.

    Parameters
    ----------
    governing
        The policy by namespace.
    """

    def __init__(
        self, policies: Iterable[Mapping[str, Any]], governing: Mapping[str, str], catalogue: Catalogue
    ) -> None:
        self._by, self._catalogue = governing, catalogue
        self._specs = {each["metadata"]["name"]: _spec(each) for each in policies}
        self._inside = {name: _inside(spec) for name, spec in self._specs.items()}
        self._catalogues: dict[str, Catalogue] = {}
        self._judged = lru_cache(LARGEST_MEMORY)(self._judge)

    def policy(self, namespace: str) -> str:
        """Return the name of the policy of a namespace, or an empty string."""
        return self._by.get(namespace, "")

    def mode(self, namespace: str) -> str:
        """Return the mode of the policy of a namespace."""
        spec = self._specs.get(self.policy(namespace))
        return spec.mode if spec else ""

    def understood(self, namespace: str) -> bool:
        """Whether it is known what the policy of a namespace calls internal."""
        return self._inside.get(self.policy(namespace), NONE) is not None

    def is_outside(self, namespace: str, address: IPv4Address | IPv6Address) -> bool:
        """Whether an address, which is no pod's and no node's, is outside for pods of a namespace."""
        return self._judged(self.policy(namespace), address)

    def catalogue(self, namespace: str) -> Catalogue:
        """Return the catalogue in use in a namespace."""
        name = self.policy(namespace)
        if name not in self._catalogues:
            self._catalogues[name] = self._known(self._specs.get(name))
        return self._catalogues[name]

    def _known(self, spec: SovereigntyPolicySpec | None) -> Catalogue:
        try:
            return decisions(self._catalogue, spec.catalogue).catalogue if spec else self._catalogue
        except InvalidSpecError:
            return self._catalogue

    def _judge(self, policy: str, address: IPv4Address | IPv6Address) -> bool:
        inside = self._inside.get(policy)
        return inside is None or not Addresses.of([ip_network(address)]).within(inside)


def _spec(policy: Mapping[str, Any]) -> SovereigntyPolicySpec | None:
    try:
        return parsed(SovereigntyPolicySpec, policy.get("spec"))
    except InvalidSpecError:
        return None


def _inside(spec: SovereigntyPolicySpec | None) -> Addresses | None:
    if spec is None:
        return None
    internal = spec.internal
    try:
        outward = networks((*internal.forward_proxies, *internal.private_endpoints), "spec.internal")
        return Addresses.of(networks(internal.networks, "spec.internal.networks")) - Addresses.of(outward)
    except InvalidSpecError:
        return None
