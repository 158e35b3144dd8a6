"""What stays closed of an exception, and that the policy's status says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bolwerk.core.kinds import NETWORK_POLICY, Kind, Ref
from core.exceptions.people import approval, exception
from core.policy.exceptional import BEGIN, DOMAIN, PLUGINS, WALL, listed, unopened, world
from core.policy.world import CILIUM, SHARED, World, network_policy, policy


@PLUGINS
def test_what_a_backend_cannot_express_is_told(served: frozenset[Kind]) -> None:
    both = [{"network": "203.0.113.0/24", "ports": [{"port": 443}]}, *DOMAIN]
    cluster = world(served=served, destinations=both)
    cluster.step()

    (entry,) = cluster.policy["status"]["openExceptions"]
    assert bool(entry.get("unopened")) == (served is not CILIUM)
    assert unopened(cluster) == entry.get("unopened", [])


def test_what_opens_nothing_is_not_listed_as_open() -> None:
    cluster = world(served=SHARED, destinations=DOMAIN)
    cluster.step()

    assert listed(cluster) == []
    assert "api.example.com stays closed" in unopened(cluster)[0]
    assert cluster.decide().empty


def test_patterns_and_unknown_groups_are_told() -> None:
    ports = [{"port": 443}]
    cluster = world(
        destinations=[
            {"catalogueGroup": "amazon-bedrock", "ports": ports},
            {"catalogueGroup": "opemai", "ports": ports},
            {"catalogueGroup": "openai", "ports": ports},
        ]
    )
    cluster.step()

    told = unopened(cluster)
    assert any("no group opemai" in each and "openai" in each for each in told)
    assert any("amazon-bedrock" in each and "only a pattern" in each for each in told)
    rule = cluster.objects[Ref(WALL.kind, "", "bolwerk-government-x-0123abc10000")]["spec"]["egress"][1]
    assert {"matchName": "chatgpt.com"} in rule["toFQDNs"]
    assert {"matchPattern": "**.chatgpt.com"} in rule["toFQDNs"]
    assert "**.chatgpt.com" in rule["toPorts"][0]["serverNames"]


def test_names_are_closed_again_when_envoy_is_there_no_more() -> None:
    cluster = world(destinations=DOMAIN)
    cluster.step()
    cluster.edit(exceptions={})

    cluster.step()

    assert listed(cluster) == []
    assert "ciliumEnvoy" in unopened(cluster)[0]


def test_names_are_closed_again_when_a_team_allows_its_pods_more() -> None:
    cluster = world(destinations=DOMAIN)
    cluster.step()
    assert listed(cluster) == ["team/exception-1"]
    wide = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]}
    cluster.rules = {NETWORK_POLICY: (network_policy("team", "wide", wide),)}

    cluster.step()

    assert listed(cluster) == []
    assert "NetworkPolicy team/wide" in unopened(cluster)[0]
    assert not any("-x-" in ref.name for ref in cluster.objects)


def many(number: int, **changes: Any) -> World:
    """Return a cluster in which so many exceptions are due."""
    asked = [
        {
            **exception(**changes),
            "metadata": {**exception()["metadata"], "name": f"e{n}", "uid": f"{n:08x}-0000-4000-8000-000000000000"},
        }
        for n in range(number)
    ]
    cluster = World(policy(), served=SHARED, exceptions=tuple(asked), approvals=tuple(map(approval, asked)), now=BEGIN)
    cluster.step()
    return cluster


def test_of_a_thousand_and_one_the_last_stays_closed() -> None:
    cluster = many(1001)

    assert len(listed(cluster)) == 1000
    assert "1000 open exceptions already" in unopened(cluster)[0]
    (closed,) = cluster.policy["status"]["unopenedExceptions"]
    assert closed["name"] not in {each.partition("/")[2] for each in listed(cluster)}


@pytest.mark.parametrize(("number", "longest"), [(1, 1024), (50, 1024), (51, 300), (1000, 300), (1001, 300)])
def test_each_of_many_that_open_nothing_is_told_why(number: int, longest: int) -> None:
    """The findings are fifty at most; each exception finds itself in a list of its own, which fits into one object."""
    names = [{"domain": f"{'a' * 60}.{n}{'b' * 50}.example.com", "ports": [{"port": 443}]} for n in range(4)]
    cluster = many(number, destinations=names)

    told = cluster.policy["status"]["unopenedExceptions"]
    assert len({each["uid"] for each in told}) == min(number, 1000)
    assert listed(cluster) == []
    for each in told:
        assert "stays closed" in " ".join(each["unopened"]) or longest == 300
        assert each["unopened"]
        assert max(map(len, each["unopened"])) <= longest
    assert len(json.dumps(cluster.policy["status"])) < 800_000
    assert cluster.decide().empty
