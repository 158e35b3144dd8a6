"""What a denial of Cilium's leaves open for some pods: networks cut out of it, port by port.

Cutting out of a denial opens nothing that a namespace's own policies have closed. Of what is cut out, every other port
is denied again; that leaves ICMP, which only rules that an agent may refuse could name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import Any

from bolwerk.core.egress.addresses import Addresses
from bolwerk.core.egress.hole import Hole, Port
from bolwerk.core.egress.intent import Intent
from bolwerk.core.egress.networks import EVERYTHING, Network, contains, of_version

__all__ = ["block", "denials", "ports_of"]

LARGEST_PORTS = 40
"""Of a rule (CRD)."""
LAST_PORT = 65535


def denials(intent: Intent, holes: Iterable[Hole] = ()) -> list[dict[str, Any]]:
    """Return the denying rules for pods that `holes` are for: without any, the wall itself.

    Where a hole names domains its ports are left open, for a denial knows no names: the pods have to be isolated too.
    """
    holes = tuple(holes)
    opened = _opened(holes)
    named = {port for hole in holes for _, ports in hole.domains for port in ports}
    outside = [_outside(intent, version, opened) for version in (4, 6)]
    outward = [
        block(network, (each for each in opened if contains(network, each)))
        for network in intent.outward
        if not any(contains(each, network) for each in opened)
    ]
    if named:
        wide = [{"toCIDRSet": outside, "toPorts": ports} for ports in _all_but(named)]
        rules = [*wide, *([{"toCIDRSet": outward}] if outward else [])]
    else:
        rules = [{"toCIDRSet": [*outside, *outward]}]
    for network, ports in opened.items():
        blocks = _else_denied(network, intent, opened)
        if blocks:
            rules.extend({"toCIDRSet": blocks, "toPorts": others} for others in _all_but(ports | named))
    return rules


def block(network: Network, holes: Iterable[Network] = ()) -> dict[str, Any]:
    """Return a network in Cilium's words, without the networks within it that are left out."""
    left_out = [str(each) for each in holes]
    return {"cidr": str(network), **({"except": left_out} if left_out else {})}


def ports_of(ports: Iterable[Port]) -> list[dict[str, str]]:
    """Return ports in Cilium's words."""
    return [{"port": str(port.number), "protocol": port.protocol} for port in sorted(ports)]


def _opened(holes: Iterable[Hole]) -> dict[Network, set[Port]]:
    """Return each network with the ports that it is opened on, those of networks around it among them."""
    asked = [(network, ports) for hole in holes for network, ports in hole.networks]
    return {
        network: {port for outer, ports in asked if contains(outer, network) for port in ports}
        for network in sorted({network for network, _ in asked}, key=lambda each: (each.version, each))
    }


def _outside(intent: Intent, version: int, opened: Iterable[Network]) -> dict[str, Any]:
    (everything,) = of_version(EVERYTHING, version)
    return block(everything, dict.fromkeys((*of_version(intent.internal, version), *of_version(opened, version))))


def _else_denied(network: Network, intent: Intent, opened: Iterable[Network]) -> list[dict[str, Any]]:
    """Return what of an opened network the wall denies, networks within it that are opened themselves left out."""
    within = [each for each in opened if each != network and contains(network, each)]
    blocks = []
    if not any(contains(each, network) for each in intent.internal):
        own = [each for each in intent.internal if contains(network, each)]
        blocks.append(block(network, dict.fromkeys((*own, *within))))
    for each in intent.outward:
        if contains(each, network):
            blocks.append(block(network, within))
        elif contains(network, each) and not any(contains(inner, each) for inner in within):
            blocks.append(block(each, (inner for inner in within if contains(each, inner))))
    return [each for number, each in enumerate(blocks) if each not in blocks[:number] and not _nothing(each)]


def _nothing(made: dict[str, Any]) -> bool:
    """Whether a block leaves all of itself out."""
    left_out = Addresses.of(map(ip_network, made.get("except", ())))
    return Addresses.of([ip_network(made["cidr"])]).within(left_out)


def _all_but(ports: Iterable[Port]) -> Iterator[list[dict[str, Any]]]:
    """Yield, in as many lists as Cilium needs, all ports of TCP and UDP but these."""
    ranges = [each for protocol in ("TCP", "UDP") for each in _ranges(protocol, ports)]
    for start in range(0, len(ranges), LARGEST_PORTS):
        yield [{"ports": ranges[start : start + LARGEST_PORTS]}]


def _ranges(protocol: str, ports: Iterable[Port]) -> Iterator[dict[str, Any]]:
    first = 1
    for number in [*sorted(port.number for port in ports if port.protocol == protocol), LAST_PORT + 1]:
        if number - 1 >= first:
            yield {"port": str(first), "endPort": number - 1, "protocol": protocol}
        first = number + 1
