"""Whatever the policy, the teams and the packet: every backend's wall is the intent, no more and no less."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bolwerk.core.egress.backend import BACKENDS
from bolwerk.core.egress.backends import networkpolicy
from bolwerk.core.egress.intent import Intent, Scene
from core.egress import simulators
from core.egress.simulators import Destination, Manifest, Pod
from core.egress.worlds import LABELS, PODS, destinations, intent_of, intents, team_policies
from core.policy.world import policy

UNHURRIED = settings(deadline=None)  # other work on the machine is no failure
BRIEF = settings(deadline=None, max_examples=20)  # for what hardly depends on what is drawn
RENDER = {backend.name: backend.render for backend in BACKENDS}
CLUSTER_WIDE: dict[str, Callable[[Iterable[Manifest], Pod, Destination], str]] = {
    "Cilium": simulators.cilium,
    "Calico": simulators.calico,
    "AdminNetworkPolicy": simulators.ordered,
    "ClusterNetworkPolicy": simulators.ordered,
}


def meant(intent: Intent, source: Pod, destination: Destination) -> bool:
    """Whether a packet gets through the wall, by the words of the intent and without any arithmetic on networks."""
    if not simulators.selects(intent.selector, source.namespace_labels) or destination.pod is not None:
        return True
    address = destination.address
    return any(address in network for network in intent.internal) and not any(
        address in network for network in intent.outward
    )


def test_every_backend_is_simulated() -> None:
    assert {*CLUSTER_WIDE, "NetworkPolicy"} == set(RENDER)


@pytest.mark.parametrize("backend", CLUSTER_WIDE)
@UNHURRIED
@given(data=st.data())
def test_rules_of_the_whole_cluster_let_through_what_is_meant(backend: str, data: st.DataObject) -> None:
    intent = data.draw(intents())
    source = data.draw(PODS)
    destination = data.draw(destinations(intent.internal + intent.outward))
    wall = RENDER[backend](intent, Scene())

    verdict = CLUSTER_WIDE[backend](wall.objects, source, destination)

    assert verdict == ("Pass" if meant(intent, source, destination) else "Deny")


@pytest.mark.parametrize("backend", RENDER)
@BRIEF
@given(intent=intents(), source=PODS, data=st.data())
def test_audit_drops_nothing(backend: str, intent: Intent, source: Pod, data: st.DataObject) -> None:
    destination = data.draw(destinations(intent.internal + intent.outward))
    wall = RENDER[backend](replace(intent, enforced=False), Scene(namespaces=("ai", "web")))

    if backend == "Calico":
        assert [each["kind"] for each in wall.objects] == ["Tier", "StagedGlobalNetworkPolicy"]
        assert simulators.calico(wall.objects, source, destination) == "Pass"
    else:
        assert wall.objects == ()


def wall_of(intent: Intent, teams: list[Any]) -> tuple[dict[str, Any], ...]:
    by_namespace = {name: tuple(each for each in teams if each["metadata"]["namespace"] == name) for name in ("ai",)}
    return networkpolicy.render(intent, Scene(namespaces=("ai",), policies=by_namespace)).objects


@UNHURRIED
@given(data=st.data())
def test_networkpolicies_let_through_what_is_meant(data: st.DataObject) -> None:
    """For pods that no team has a say about; for the others the team's own policies stay the last word."""
    intent = replace(data.draw(intents()), selector={})
    teams = data.draw(team_policies())
    source = data.draw(PODS)
    destination = data.draw(destinations(intent.internal + intent.outward))
    wall = wall_of(intent, teams)
    theirs = any(
        each["metadata"]["namespace"] == source.namespace
        and "Egress" in each["spec"]["policyTypes"]
        and simulators.selects(each["spec"]["podSelector"], source.labels)
        for each in teams
    )

    before = simulators.networkpolicies(teams, source, destination)
    after = simulators.networkpolicies([*teams, *wall], source, destination)

    if source.namespace != "ai" or theirs:
        assert after == before
    elif "bolwerk.dev/model" in source.labels:
        assert not after
    else:
        assert after == meant(intent, source, destination)


@UNHURRIED
@given(data=st.data())
def test_no_networkpolicy_of_the_wall_opens_what_was_closed(data: st.DataObject) -> None:
    intent = replace(data.draw(intents()), selector={})
    teams = data.draw(team_policies())
    source = data.draw(PODS)
    destination = data.draw(destinations(intent.internal + intent.outward))

    after = simulators.networkpolicies([*teams, *wall_of(intent, teams)], source, destination)

    assert not after or simulators.networkpolicies(teams, source, destination)


@UNHURRIED
@given(intent=intents(), labels=LABELS, data=st.data())
def test_pods_of_a_local_model_gain_nothing(intent: Intent, labels: dict[str, str], data: st.DataObject) -> None:
    """Neither they nor a pod that only carries their label, which would be free if nothing isolated it."""
    source = Pod("ai", {}, {**labels, "bolwerk.dev/model": "llama"})
    destination = data.draw(destinations(intent.internal + intent.outward))

    assert not simulators.networkpolicies(wall_of(intent, []), source, destination)


def test_where_teams_select_pods_in_too_many_ways_the_rest_stays_closed_and_that_is_said() -> None:
    intent = intent_of(policy())
    teams = [
        {
            "metadata": {"name": f"team-{number}", "namespace": "ai"},
            "spec": {
                "podSelector": {"matchLabels": {"app": f"app-{number}", "instance": f"one-{number}"}},
                "policyTypes": ["Egress"],
            },
        }
        for number in range(networkpolicy.LARGEST_TERMS)
    ]

    wall = networkpolicy.render(intent, Scene(namespaces=("ai",), policies={"ai": tuple(teams)}))

    assert [each["metadata"]["name"] for each in wall.objects] == ["bolwerk-government"]
    for address in ("10.20.9.9", "203.0.113.10", "2001:db8::1"):
        packet = Destination(ip_address(address))
        assert not simulators.networkpolicies([*teams, *wall.objects], Pod("ai"), packet)
    assert "In some namespaces (ai)" in wall.limits[-1]


@pytest.mark.parametrize("backend", RENDER)
@BRIEF
@given(intent=intents())
def test_objects_are_owned_labelled_and_named_after_the_policy(backend: str, intent: Intent) -> None:
    wall = RENDER[backend](intent, Scene(namespaces=("ai", "web")))

    assert wall.objects
    for each in wall.objects:
        metadata = each["metadata"]
        assert metadata["name"].startswith("bolwerk-government")
        assert metadata["labels"]["bolwerk.dev/policy"] == "government"
        assert metadata["ownerReferences"][0]["uid"] == "uid-government"
    names = [(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in wall.objects]
    assert len({*names}) == len(names)
