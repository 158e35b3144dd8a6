"""Names on Cilium: the one in DNS and the one in the handshake have to be asked for, and nothing may add to it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from itertools import product
from typing import Any

import pytest

from bolwerk.core.egress.backends import cilium, cilium_regions
from bolwerk.core.egress.hole import Hole, Port
from bolwerk.core.egress.intent import Scene, Wall
from core.egress import simulators
from core.egress.holes import MODELS
from core.egress.simulators import Destination, Pod
from core.egress.worlds import intent_of
from core.policy.world import network_policy, policy

TLS = (Port("TCP", 443),)
UID = "0123abc1-0000-4000-8000-000000000000"
HERE = {"sovereignty": "enforced"}
OUTSIDE, INTERNAL, PROXY = ip_address("203.0.113.10"), ip_address("10.20.9.9"), ip_address("10.20.1.1")
NETWORK = ip_network("203.0.113.0/24")


def hole(*domains: str, ports: tuple[Port, ...] = TLS, selector: Any = None, **changes: Any) -> Hole:
    chosen = selector or {"matchLabels": {"app": "chat"}}
    pods = {**chosen, "matchExpressions": [*chosen.get("matchExpressions", ()), MODELS]}
    made = Hole("team", "chat", UID, pods, None, (), tuple((domain, ports) for domain in domains))
    return replace(made, **changes)


def walled(*holes: Hole, teams: tuple[Any, ...] = (), others: tuple[Any, ...] = (), envoy: bool = True) -> Wall:
    return cilium.render(
        replace(intent_of(policy()), holes=holes, envoy=envoy), Scene(("team",), {"team": teams}, others)
    )


def passes(wall: Wall, to: Destination, *, app: str = "chat", teams: tuple[Any, ...] = ()) -> bool:
    return simulators.cilium(wall.objects, Pod("team", HERE, {"app": app}), to, teams) == "Pass"


def test_only_the_asked_name_at_its_own_address_on_its_own_port_from_its_own_pod_gets_through() -> None:
    wall = walled(hole("api.example.com"))
    names = ["api.example.com", "example.com", "x.api.example.com", "evil.example", ""]

    through = {
        (name, shown, app, port)
        for name, shown, app, port in product(
            names, names, ["chat", "other"], [Port("TCP", 443), Port("TCP", 80), Port("UDP", 443)]
        )
        if passes(wall, Destination(OUTSIDE, None, port.protocol, port.number, name, shown), app=app)
    }

    assert through == {("api.example.com", "api.example.com", "chat", Port("TCP", 443))}


def test_everything_under_a_name_is_not_the_name_itself() -> None:
    wall = walled(hole("*.example.com"))

    asked = {
        name
        for name in ("example.com", "api.example.com", "a.b.example.com", "notexample.com")
        if passes(wall, Destination(OUTSIDE, name=name, shown=name))
    }

    assert asked == {"api.example.com", "a.b.example.com"}


@pytest.mark.parametrize("app", ["chat", "other"])
def test_what_the_wall_lets_through_stays_so_and_a_name_never_leads_to_a_proxy(app: str) -> None:
    wall = walled(hole("api.example.com"))
    assert passes(wall, Destination(INTERNAL, port=8080), app=app)
    assert passes(wall, Destination(ip_address("10.1.1.1"), Pod("elsewhere"), port=8080), app=app)
    assert not passes(wall, Destination(PROXY, name="api.example.com", shown="api.example.com"), app=app)
    assert not passes(wall, Destination(OUTSIDE), app=app)


def test_what_a_team_has_closed_stays_closed_but_for_the_name_and_dns() -> None:
    closed = network_policy("team", "closed", {"podSelector": {}, "policyTypes": ["Egress"]})
    wall = walled(hole("api.example.com"), teams=(closed,))

    def gets_through(to: Destination) -> bool:
        return passes(wall, to, teams=(closed,))

    assert gets_through(Destination(OUTSIDE, name="api.example.com", shown="api.example.com"))
    assert gets_through(Destination(ip_address("10.1.1.1"), Pod("kube-system"), "UDP", 53))
    assert not gets_through(Destination(ip_address("10.1.1.1"), Pod("elsewhere"), port=8080))
    assert not gets_through(Destination(INTERNAL))


WIDE: dict[str, Any] = {
    "podSelector": {},
    "policyTypes": ["Egress"],
    "egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}],
}
ELSEWHERE = {**WIDE, "podSelector": {"matchLabels": {"app": "other"}}}
CNP = {"kind": "CiliumNetworkPolicy", "metadata": {"name": "dns", "namespace": "team"}, "spec": {"egress": [{}]}}
CCNP = {"kind": "CiliumClusterwideNetworkPolicy", "metadata": {"name": "all"}, "specs": [{"egress": [{}]}]}
DENYING = {"metadata": {"name": "deny"}, "spec": {"egressDeny": [{}]}}
NOT_HERE = {**CNP, "metadata": {"name": "dns", "namespace": "other"}}


@pytest.mark.parametrize(
    ("asked", "scene", "sentence"),
    [
        pytest.param(
            hole("a.example"), {"envoy": False}, "spec.exceptions.ciliumEnvoy", id="nobody says Envoy is there"
        ),
        pytest.param(hole("a.example", ports=(Port("UDP", 443),)), {}, "closed on UDP 443", id="QUIC"),
        pytest.param(hole("a.example", ports=(Port("TCP", 53),)), {}, "closed on TCP 53", id="the port of DNS"),
        pytest.param(
            hole("a.example", selector={"matchExpressions": [{"key": "job", "operator": "DoesNotExist"}]}),
            {},
            "by not having one (job)",
            id="pods without a label",
        ),
        pytest.param(
            hole("a.example"),
            {"teams": (network_policy("team", "wide", WIDE),)},
            "NetworkPolicy team/wide",
            id="a team that allows more",
        ),
        pytest.param(hole("a.example"), {"others": (CNP,)}, "CiliumNetworkPolicy team/dns", id="a policy of Cilium's"),
        pytest.param(hole("a.example"), {"others": (CCNP,)}, "CiliumClusterwideNetworkPolicy all", id="of the cluster"),
    ],
)
def test_what_cannot_be_held_to_names_stays_closed(asked: Hole, scene: dict[str, Any], sentence: str) -> None:
    wall = walled(asked, **scene)

    assert wall.opened == ()
    ((_, said),) = wall.unopened
    assert sentence in said
    assert wall.objects == walled().objects


@pytest.mark.parametrize(
    "scene",
    [
        pytest.param({"teams": (network_policy("team", "wide", ELSEWHERE),)}, id="for other pods"),
        pytest.param({"others": (DENYING,)}, id="only denying"),
        pytest.param({"others": (NOT_HERE,)}, id="of another namespace"),
    ],
)
def test_rules_that_cannot_add_anything_are_no_hindrance(scene: dict[str, Any]) -> None:
    assert walled(hole("a.example"), **scene).opened


def test_a_namespace_whose_pods_cannot_be_parted_keeps_its_wall_and_that_is_said() -> None:
    tangled = [
        replace(
            hole(selector={"matchLabels": {f"key-{number}": "a"}}),
            uid=f"{number:08x}-0000-4000-8000-000000000000",
            networks=((NETWORK, TLS),),
        )
        for number in range(30)
    ]
    wall = walled(*tangled)

    assert wall.opened == ()
    assert "one label of their own" in wall.unopened[0][1]
    assert wall.objects == walled().objects


def test_the_object_never_grows_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cilium_regions, "LARGEST_OBJECT", 5000)
    many = [
        replace(
            hole(networks=((NETWORK, TLS),)),
            namespace=f"team-{number}",
            uid=f"{number:08x}-0000-4000-8000-000000000000",
        )
        for number in range(20)
    ]
    wall = walled(*many)

    assert 0 < len(wall.opened) < len(many)
    assert {each.uid for each in wall.opened} | {each.uid for each, _ in wall.unopened} == {each.uid for each in many}
    assert "no room" in wall.unopened[0][1]
