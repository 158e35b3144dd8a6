"""Networks as people type them, one by one and beside each other.

Called by the intent and by the renderers. What a policy may say of a
single network is a CEL rule of the CRD too; how its lists relate to each other is decided only here.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import combinations
from typing import TypeAlias

from bolwerk.core.invalid import InvalidSpecError

__all__ = ["EVERYTHING", "Network", "contains", "of_version", "overlap", "parsed"]

Network: TypeAlias = IPv4Network | IPv6Network

EVERYTHING: tuple[Network, ...] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
"""All addresses, one network for each family."""


def parsed(texts: Iterable[str], field: str) -> tuple[Network, ...]:
    """Return the networks of a list.

    Raises
    ------
    InvalidSpecError
        If an entry is no network, or one with host bits set.
    """
    return tuple(_parsed(text, field) for text in texts)


def _parsed(text: str, field: str) -> Network:
    address, _, prefix = text.partition("/")
    try:
        network = ip_network(text, strict=False)
    except ValueError as error:
        raise InvalidSpecError(
            f"{field}: {text!r} is no network; write an address and a prefix of one family, such as 10.20.0.0/16 or "
            "2001:db8::/32"
        ) from error
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        mapped = f"{network.network_address.ipv4_mapped}/{network.prefixlen - _MAPPED.prefixlen}"
        raise InvalidSpecError(f"{field}: {text!r} is IPv4 written as IPv6, which no packet carries; write {mapped}")
    if not prefix.isdecimal():
        raise InvalidSpecError(f"{field}: {text!r} has no prefix length; write {network}")
    if ip_address(address) != network.network_address:
        raise InvalidSpecError(f"{field}: {text!r} begins within its network; write {network}, or a longer prefix")
    return network


_MAPPED = IPv6Network("::ffff:0:0/96")
"""RFC 4291."""


def of_version(networks: Iterable[Network], version: int) -> tuple[Network, ...]:
    """Return the networks of one family, 4 or 6."""
    return tuple(network for network in networks if network.version == version)


def contains(outer: Network, inner: Network) -> bool:
    """Whether every address of `inner` is one of `outer`."""
    if isinstance(outer, IPv4Network):
        return isinstance(inner, IPv4Network) and inner.subnet_of(outer)
    return isinstance(inner, IPv6Network) and inner.subnet_of(outer)


def overlap(networks: Iterable[Network]) -> tuple[Network, Network] | None:
    """Return the first two networks of which one lies in the other, the wider one first; None if all are apart."""
    for one, other in combinations(networks, 2):
        if contains(one, other):
            return one, other
        if contains(other, one):
            return other, one
    return None
