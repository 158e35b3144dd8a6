"""Where the rules of others let pods go, kind by kind; whether that reopens a wall is for `precedence` to say.

Every function takes an object as the API server has it and yields what its rules open, in its own words. Ports and
protocols are not looked at: one open port is a way out. A peer that is chosen by labels is a pod of this cluster.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, TypeAlias

from bolwerk.core.egress.addresses import ALL, NONE, Addresses
from bolwerk.core.egress.networks import EVERYTHING, of_version

__all__ = ["Opening", "by_calico", "by_cilium", "by_networkpolicy", "by_ordered_rules"]

Object: TypeAlias = Mapping[str, Any]

BY_ADDRESS = {"action", "ipVersion", "destination", "metadata"}
"""Fields of a Calico rule that decides by address alone, whatever the port and whoever the pod."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What one rule opens: in words, and as addresses (all of them where only the words are known)."""

    what: str
    addresses: Addresses = ALL


def by_networkpolicy(policy: Object) -> Iterator[Opening]:
    """Yield what a NetworkPolicy opens. A rule without peers opens everything."""
    for rule in (policy.get("spec") or {}).get("egress") or ():
        if not rule.get("to"):
            yield Opening("every address")
        for peer in rule.get("to") or ():
            block = peer.get("ipBlock")
            if block:
                yield Opening(block["cidr"], _opened([block["cidr"]]) - _closed(block.get("except")))


def by_ordered_rules(policy: Object, *, opens: Container[str]) -> Iterator[Opening]:
    """Yield what an AdminNetworkPolicy or ClusterNetworkPolicy opens by the actions `opens`, past its own denials."""
    denied = NONE
    for rule in (policy.get("spec") or {}).get("egress") or ():
        whole = not rule.get("ports") and not rule.get("protocols")
        for peer in rule.get("to") or ():
            if rule["action"] == "Deny" and whole:
                denied |= _closed(peer.get("networks"))
            if rule["action"] in opens:
                for text in peer.get("networks") or ():
                    yield Opening(text, _opened([text]) - denied)
                if peer.get("domainNames"):
                    yield Opening(f"the names {_list(peer['domainNames'])}")


def by_calico(policy: Object, *, opens: Container[str]) -> Iterator[Opening]:
    """Yield what a GlobalNetworkPolicy opens by the actions `opens`, past what earlier rules decide otherwise."""
    decided = NONE
    for rule in (policy.get("spec") or {}).get("egress") or ():
        destination = rule.get("destination") or {}
        family = Addresses.of(of_version(EVERYTHING, rule["ipVersion"])) if rule.get("ipVersion") else ALL
        nets, but = destination.get("nets"), destination.get("notNets")
        chosen = any(destination.get(key) for key in ("selector", "namespaceSelector", "services", "serviceAccounts"))
        if rule["action"] in opens:
            if destination.get("domains"):
                yield Opening(f"the names {_list(destination['domains'])}")
            elif nets or not chosen:
                whole = _opened(nets) if nets else family
                yield Opening(_list(nets or ("every address",)), whole - _closed(but) - decided)
        elif rule["action"] != "Log" and set(rule) <= BY_ADDRESS and set(destination) <= {"nets", "notNets"}:
            decided |= (_closed(nets) if nets else family) - _opened(but)


def by_cilium(policy: Object) -> Iterator[Opening]:
    """Yield what a CiliumNetworkPolicy, or a clusterwide one, opens."""
    for spec in (policy.get("spec") or {}, *(policy.get("specs") or ())):
        for rule in spec.get("egress") or ():
            yield from _by_cilium_rule(rule)


def _by_cilium_rule(rule: Object) -> Iterator[Opening]:
    for text in rule.get("toCIDR") or ():
        yield Opening(text, _opened([text]))
    for block in rule.get("toCIDRSet") or ():
        if block.get("cidr"):
            yield Opening(block["cidr"], _opened([block["cidr"]]) - _closed(block.get("except")))
        else:
            yield Opening("a CiliumCIDRGroup")
    for entity in rule.get("toEntities") or ():
        if entity in {"all", "world"}:
            yield Opening(f"the entity {entity}")
    names = [each.get("matchName") or each.get("matchPattern") or "" for each in rule.get("toFQDNs") or ()]
    if names:
        yield Opening(f"the names {_list(names)}")
    if rule.get("toGroups"):
        yield Opening("a group of a cloud's addresses")
    # Ports without any peer are these ports of everybody; a rule without anything is nobody.
    if rule and not any(key.startswith("to") and key != "toPorts" for key in rule):
        yield Opening("every address")


def _opened(texts: Iterable[str] | None) -> Addresses:
    """Return the addresses; all of them where only somebody's plugin can read a text."""
    return _addresses(texts, unknown=ALL)


def _closed(texts: Iterable[str] | None) -> Addresses:
    """Return the addresses; none of those that only somebody's plugin can read."""
    return _addresses(texts, unknown=NONE)


def _addresses(texts: Iterable[str] | None, *, unknown: Addresses) -> Addresses:
    networks = []
    for text in texts or ():
        try:
            networks.append(ip_network(text, strict=False))
        except ValueError:
            return unknown
    return Addresses.of(networks)


def _list(names: Iterable[str]) -> str:
    shown = tuple(names)
    return ", ".join(shown[:3]) + (", …" if len(shown) > 3 else "")  # noqa: PLR2004 - a handful
