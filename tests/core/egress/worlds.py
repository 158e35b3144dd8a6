"""Random policies, teams and packets, for the properties of walls."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from hypothesis import strategies as st

from bolwerk.core.egress.intent import Intent
from bolwerk.core.egress.networks import Network, contains
from bolwerk.core.policy.subject import Subject
from core.egress.simulators import Address, Destination, Manifest, Pod
from core.policy.world import SETTINGS

# Few values each, so that selectors and labels meet.
KEYS = st.sampled_from(["app", "tier", "example.com/team"])
VALUES = st.sampled_from(["a", "b", "c", ""])
LABELS = st.dictionaries(KEYS, VALUES, max_size=3)


def requirement(operator: str) -> st.SearchStrategy[Manifest]:
    values = {"values": st.lists(VALUES, min_size=1, max_size=2, unique=True)} if operator in {"In", "NotIn"} else {}
    return st.fixed_dictionaries({"key": KEYS, "operator": st.just(operator), **values})


REQUIREMENTS = st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]).flatmap(requirement)
SELECTORS: st.SearchStrategy[Manifest] = st.fixed_dictionaries(
    {},
    optional={
        "matchLabels": st.dictionaries(KEYS, VALUES, max_size=2),
        "matchExpressions": st.lists(REQUIREMENTS, max_size=2),
    },
)
POD_LABELS = st.one_of(LABELS, LABELS.map(lambda labels: {**labels, "bolwerk.dev/model": "llama"}))
PODS = st.builds(Pod, st.sampled_from(["ai", "web"]), LABELS, POD_LABELS, st.sampled_from(["default", "chat"]))


def _network(bits: int, version: int) -> Network:
    """Return a network within 10.0.0.0/8 or 2001:db8::/32 of a drawn place and length: close, so that they overlap."""
    place, length = bits & 0xFF, 1 + (bits >> 8) % 16
    if version == 4:
        return ip_network((int(IPv4Address("10.0.0.0")) + (place << 16), 8 + length), strict=False)
    return ip_network((int(IPv6Address("2001:db8::")) + (place << 80), 32 + length), strict=False)


def _near(network: Network, narrower: int, *, last: bool) -> Network:
    """Return the network itself, one that contains it, or the first or last of its parts."""
    if narrower <= 0:
        return network.supernet(prefixlen_diff=-narrower)
    part = network.num_addresses >> narrower
    start = int(network.network_address) + (network.num_addresses - part if last else 0)
    family = IPv4Network if network.version == 4 else IPv6Network
    return family((start, network.prefixlen + narrower)) if part else network


NETWORKS = st.builds(_network, st.integers(0, 0xFFF), st.sampled_from([4, 6]))
TINY = st.sampled_from(["10.1.2.3/32", "10.200.0.1/32", "2001:db8::1/128", "172.16.0.0/12"]).map(ip_network)


@st.composite
def intents(draw: st.DrawFn) -> Intent:
    """Draw an intent as a SovereigntyPolicy can ask for it: internal networks apart, proxies anywhere."""
    internal: list[Network] = []
    for network in draw(st.lists(NETWORKS, min_size=1, max_size=5)):
        if not any(contains(network, each) or contains(each, network) for each in internal):
            internal.append(network)
    # Proxies and private endpoints are mostly part of what looks internal, sometimes all of it.
    near = st.builds(_near, st.sampled_from(internal), st.integers(-3, 6), last=st.booleans())
    outward = draw(st.lists(st.one_of(near, near, NETWORKS, TINY), max_size=4, unique=True))
    return Intent(
        policy="government",
        uid="uid-government",
        enforced=True,
        selector=draw(SELECTORS),
        internal=tuple(internal),
        outward=tuple(outward),
        priority=draw(st.integers(0, 1000)),
    )


def borders(networks: tuple[Network, ...]) -> list[Address]:
    """Return the first and the last address of each network, and those just beside it."""
    return [
        IPv4Address(number) if network.version == 4 else IPv6Address(number)
        for network in networks
        for first, last in [(int(network.network_address), int(network.broadcast_address))]
        for number in (first - 1, first, last, last + 1)
        if 0 <= number < 2**network.max_prefixlen
    ]


@st.composite
def destinations(draw: st.DrawFn, networks: tuple[Network, ...]) -> Destination:
    """Draw where a packet goes: the borders of what was declared, or the world; sometimes a pod stands there."""
    anywhere = st.one_of(
        st.sampled_from(borders(networks)) if networks else st.nothing(),
        st.sampled_from(["203.0.113.10", "2001:db9::1", "64:ff9b::cb00:710a", "8.8.8.8", "169.254.169.254"]).map(
            ip_address
        ),
        st.ip_addresses(),
    )
    return Destination(draw(anywhere), draw(st.one_of(st.none(), st.none(), PODS)))


@dataclass(frozen=True)
class Packet:
    source: Pod
    destination: Destination


PEERS = st.one_of(
    st.builds(lambda network: {"ipBlock": {"cidr": str(network)}}, NETWORKS),
    st.just({"ipBlock": {"cidr": "0.0.0.0/0"}}),
    st.builds(lambda selector: {"namespaceSelector": selector}, SELECTORS),
    st.builds(lambda selector: {"podSelector": selector}, SELECTORS),
)


@st.composite
def team_policies(draw: st.DrawFn) -> list[Any]:
    """Draw the NetworkPolicies that teams have of their own."""
    policies = []
    for number in range(draw(st.integers(0, 4))):
        egress = draw(st.lists(st.one_of(st.just({}), st.fixed_dictionaries({"to": st.lists(PEERS, max_size=2)}))))
        types = draw(st.sampled_from([["Egress"], ["Ingress"], ["Ingress", "Egress"]]))
        policies.append(
            {
                "metadata": {"name": f"team-{number}", "namespace": draw(st.sampled_from(["ai", "web"]))},
                "spec": {"podSelector": draw(SELECTORS), "policyTypes": types, "egress": egress},
            }
        )
    return policies


def intent_of(policy: Any) -> Intent:
    return Intent.of(Subject.of(policy, SETTINGS))
