"""Random holes, and packets that may fit through them."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

from hypothesis import strategies as st

from bolwerk.core.egress.hole import Hole, Port
from bolwerk.core.egress.intent import Intent
from bolwerk.core.egress.networks import Network, contains
from core.egress.simulators import Destination, Pod, selects
from core.egress.worlds import LABELS, NETWORKS, PODS, SELECTORS, TINY, destinations

PORTS = [Port("TCP", 443), Port("TCP", 80), Port("UDP", 443), Port("TCP", 8443), Port("TCP", 1), Port("UDP", 65535)]
DOMAINS = ["api.example.com", "*.example.com", "other.example"]
NAMES = ["api.example.com", "deep.api.example.com", "example.com", "other.example", "evil.example", ""]
MODELS = {"key": "bolwerk.dev/model", "operator": "DoesNotExist"}

SOME_PORTS = st.lists(st.sampled_from(PORTS), min_size=1, max_size=3, unique=True).map(
    lambda ports: tuple(sorted(ports))
)


def networks_near(intent: Intent) -> st.SearchStrategy[Network]:
    """Networks of the intent itself, parts of these, and others."""
    known = intent.internal + intent.outward
    return st.one_of(st.builds(_resized, st.sampled_from(known), st.integers(-4, 8)), NETWORKS, TINY)


def _resized(network: Network, narrower: int) -> Network:
    length = min(max(network.prefixlen + narrower, 1), network.max_prefixlen)
    return ip_network(f"{network.network_address}/{length}", strict=False)


@st.composite
def intents_with_holes(draw: st.DrawFn, intent: Intent, namespaces: tuple[str, ...] = ("ai", "web")) -> Intent:
    """Draw up to three holes for an intent."""
    holes: list[Hole] = []
    for number in range(draw(st.integers(1, 3))):
        selector = draw(SELECTORS)
        openings = draw(st.lists(st.tuples(networks_near(intent), SOME_PORTS), max_size=3, unique=True))
        names = draw(st.lists(st.tuples(st.sampled_from(DOMAINS), SOME_PORTS), max_size=2, unique=True))
        hole = Hole(
            namespace=draw(st.sampled_from(namespaces)),
            exception=f"exception-{number}",
            uid=f"0000000{number}-0000-0000-0000-000000000000",
            pod_selector={**selector, "matchExpressions": [*selector.get("matchExpressions", ()), MODELS]},
            service_account=draw(st.sampled_from([None, None, "chat"])),
            networks=tuple(openings),
            domains=tuple(names),
        )
        if not hole.empty:
            holes.append(hole)
    return replace(intent, holes=tuple(holes), envoy=True)


@st.composite
def packets(draw: st.DrawFn, intent: Intent) -> tuple[Pod, Destination]:
    """Draw who sends and where to: mostly somebody whom a hole is for, to what it names, or just beside it."""
    asked = tuple(network for hole in intent.holes for network, _ in hole.networks)
    source, where = draw(PODS), draw(destinations(intent.internal + intent.outward + asked))
    ports = [*PORTS, Port("TCP", 444), Port("TCP", 53), Port("UDP", 53)]
    name = draw(st.sampled_from(NAMES))
    aimed = draw(st.integers(0, 3)) > 0
    if intent.holes and aimed:
        hole = draw(st.sampled_from(intent.holes))
        source = draw(_pods_of(hole))
        by_address = draw(st.booleans())
        if hole.networks and by_address:
            network, named = draw(st.sampled_from(hole.networks))
            inside = st.integers(int(network.network_address), int(network.broadcast_address))
            address = draw(st.one_of(st.sampled_from([network.network_address, network.broadcast_address]), inside))
            where = replace(where, address=type(network.network_address)(int(address)))
            ports = [*named, *named, *ports]
        elif hole.domains:
            domain, named = draw(st.sampled_from(hole.domains))
            name = draw(st.sampled_from([domain.replace("*", "deep.api"), name]))
            ports = [*named, *named, *ports]
    port = draw(st.sampled_from(ports))
    shown = draw(st.sampled_from([name, name, *NAMES]))
    return source, replace(where, protocol=port.protocol, port=port.number, name=name, shown=shown)


@st.composite
def _pods_of(draw: st.DrawFn, hole: Hole) -> Pod:
    """Draw a pod of the hole's namespace that meets most of what its selector asks for."""
    labels = {**draw(LABELS), **hole.pod_selector.get("matchLabels", {})}
    for each in hole.pod_selector["matchExpressions"]:
        if each["operator"] == "In":
            labels[each["key"]] = draw(st.sampled_from(each["values"]))
        elif each["operator"] == "Exists":
            labels.setdefault(each["key"], draw(st.sampled_from(["a", "b"])))
        elif draw(st.booleans()):
            labels.pop(each["key"], None)
    return Pod(hole.namespace, draw(LABELS), labels, hole.service_account or draw(st.sampled_from(["default", "chat"])))


def is_for(hole: Hole, source: Pod) -> bool:
    return (
        source.namespace == hole.namespace
        and selects(hole.pod_selector, source.labels)
        and hole.service_account in {None, source.account}
    )


def by_network(hole: Hole, to: Destination) -> bool:
    port = Port(to.protocol, to.port)
    return any(to.address in network and port in ports for network, ports in hole.networks)


def by_name(hole: Hole, to: Destination, name: str) -> bool:
    """Whether a hole asks for this name on this port."""
    port = Port(to.protocol, to.port)
    return any(
        (name == domain or (domain.startswith("*.") and name.endswith(domain[1:]) and name != domain[2:]))
        and port in ports
        for domain, ports in hole.domains
    )


def less(left: Hole, asked: Hole) -> bool:
    """Whether a hole opens no more than another."""
    return (
        (left.namespace, left.uid, left.pod_selector, left.service_account)
        == (asked.namespace, asked.uid, asked.pod_selector, asked.service_account)
        and all(
            any(contains(outer, network) and set(ports) <= set(wider) for outer, wider in asked.networks)
            for network, ports in left.networks
        )
        and all(
            any(domain == known and set(ports) <= set(wider) for known, wider in asked.domains)
            for domain, ports in left.domains
        )
    )
