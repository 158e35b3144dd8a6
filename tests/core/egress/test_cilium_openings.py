"""Networks cut out of a denial, however they lie within each other: every ring of addresses, port by port."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network, ip_address
from itertools import product

import pytest

from bolwerk.core.egress.backends import cilium
from bolwerk.core.egress.hole import Hole, Port
from bolwerk.core.egress.intent import Scene
from core.egress import simulators
from core.egress.simulators import Destination, Pod
from core.egress.test_walls import meant
from core.egress.worlds import intent_of
from core.policy.world import policy

# Each within the one before.
NESTED = [
    IPv4Network("10.0.0.0/9"),
    IPv4Network("10.16.0.0/12"),
    IPv4Network("10.16.0.0/16"),
    IPv4Network("10.16.0.0/24"),
]
# One address in each, and in none of those within it; and one outside all.
RINGS = [ip_address(text) for text in ("10.0.0.1", "10.17.0.1", "10.16.1.1", "10.16.0.1", "11.0.0.1")]
PORTS = [Port("TCP", 1), Port("TCP", 443), Port("TCP", 444), Port("UDP", 443), Port("UDP", 65535)]
POD = Pod("team", {"sovereignty": "enforced"}, {"app": "weather"})
OTHER = Pod("team", {"sovereignty": "enforced"}, {"app": "other"})


def some(networks: list[IPv4Network]) -> list[tuple[IPv4Network, ...]]:
    return [
        tuple(each for each, taken in zip(networks, picks, strict=True) if taken) for picks in product([0, 1], repeat=4)
    ]


@pytest.mark.parametrize("outward", some(NESTED), ids=lambda networks: "+".join(map(str, networks)) or "none")
@pytest.mark.parametrize("internal", [*NESTED, None], ids=str)
def test_every_ring_is_open_on_exactly_the_ports_that_were_asked_for(
    internal: IPv4Network | None, outward: tuple[IPv4Network, ...]
) -> None:
    base = replace(intent_of(policy()), internal=(internal,) if internal else (), outward=outward)
    for wide, narrow in product([None, *NESTED], repeat=2):
        openings = [(wide, (Port("TCP", 443),)), (narrow, (Port("TCP", 444), Port("UDP", 443)))]
        networks = tuple((network, ports) for network, ports in openings if network)
        hole = Hole(
            "team",
            "weather",
            "0123abc1-0000-4000-8000-000000000000",
            {"matchLabels": {"app": "weather"}},
            None,
            networks,
        )
        intent = replace(base, holes=() if hole.empty else (hole,))
        wall = cilium.render(intent, Scene())

        for address, port in product(RINGS, PORTS):
            to = Destination(address, protocol=port.protocol, port=port.number)
            asked = any(address in network and port in ports for network, ports in networks)
            for pod, gains in ((POD, asked), (OTHER, False)):
                passed = simulators.cilium(wall.objects, pod, to) == "Pass"
                assert passed == (meant(intent, pod, to) or gains), f"{networks} from {pod.labels} to {to}"
