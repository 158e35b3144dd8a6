"""What one ConfigMap or Secret names: the only place where values are looked at, and none comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from bolwerk.core.catalogue import Decisions
from bolwerk.core.egress.intent import Network
from bolwerk.core.kinds import Kind
from bolwerk.core.references.contents import TooLongError, keys, read
from bolwerk.core.references.hosts import hosts

__all__ = ["Rules", "Seen", "judge", "look"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts as a leak under one SovereigntyPolicy.

    Attributes
    ----------
    decisions
        Which names belong to which group, and what is done about each group.
    inside
        The declared internal networks, and where pods and Services have their addresses.
    outward
        Forward proxies and private endpoints: outside, wherever they are.
    """

    decisions: Decisions
    inside: tuple[Network, ...] = ()
    outward: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen in one object: names of its keys and of groups of the catalogue.

    Attributes
    ----------
    keys
        The keys of the object under which there is something.
    groups
        By key, the groups whose endpoints the value names. Here and below: only keys that were asked about, and of
        those only the ones with such a value.
    outward, outside
        The keys whose value leads to a forward proxy or private endpoint, or to another address that is not inside.
    too_long
        The keys whose value was not looked at.
    """

    keys: frozenset[str] = frozenset()
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    outward: frozenset[str] = frozenset()
    outside: frozenset[str] = frozenset()
    too_long: frozenset[str] = frozenset()


def judge(text: str, rules: Rules) -> frozenset[str]:
    """Return the groups whose endpoints a text names, those that the policy allows left out."""
    return _groups(hosts(text), rules)


def look(kind: Kind, manifest: Mapping[str, Any], asked: frozenset[str] | None, rules: Rules) -> Seen:
    """Judge the values of an object under the keys that are asked about, all of them where that is None."""
    there = frozenset(keys(manifest))
    groups: dict[str, frozenset[str]] = {}
    outward, outside, too_long = set[str](), set[str](), set[str]()
    for key in sorted(there if asked is None else there & asked):
        try:
            text = read(kind, manifest, key)
        except TooLongError:
            too_long.add(key)
            continue
        if text is None:
            continue
        named = hosts(text)
        if found := _groups(named, rules):
            groups[key] = found
        addresses = [address for host in named if (address := _address(host))]
        if any(_within(address, rules.outward) for address in addresses):
            outward.add(key)
        elif not all(_within(address, rules.inside) for address in addresses):
            outside.add(key)
    return Seen(there, groups, frozenset(outward), frozenset(outside), frozenset(too_long))


def _groups(named: frozenset[str], rules: Rules) -> frozenset[str]:
    rulings = (rules.decisions.find(host) for host in named)
    return frozenset(ruling.match.group for ruling in rulings if ruling is not None and ruling.decision != "Allow")


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:  # a name
        return None


def _within(address: IPv4Address | IPv6Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)
