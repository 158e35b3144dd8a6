"""Whatever the policy, the holes, the teams and the packet: exactly what was asked for gets through, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bolwerk.core.egress.backend import BACKENDS
from bolwerk.core.egress.intent import Intent, Scene, Wall
from core.egress import simulators
from core.egress.holes import by_name, by_network, intents_with_holes, is_for, less, packets
from core.egress.simulators import Destination, Manifest, Pod
from core.egress.test_walls import meant
from core.egress.worlds import intents, team_policies

UNHURRIED = settings(deadline=None)
RENDER = {backend.name: backend.render for backend in BACKENDS}
ORDERED = ("AdminNetworkPolicy", "ClusterNetworkPolicy", "Calico")
SIMULATE: dict[str, Callable[[Iterable[Manifest], Pod, Destination], bool]] = {
    "AdminNetworkPolicy": lambda objects, source, to: simulators.ordered(objects, source, to) == "Pass",
    "ClusterNetworkPolicy": lambda objects, source, to: simulators.ordered(objects, source, to) == "Pass",
    "Calico": lambda objects, source, to: simulators.calico(objects, source, to) == "Pass",
    "Cilium": lambda objects, source, to: simulators.cilium(objects, source, to) == "Pass",
    "NetworkPolicy": lambda objects, source, to: simulators.networkpolicies(list(objects), source, to),
}


def gains(wall: Wall, source: Pod, to: Destination) -> bool:
    return to.pod is None and any(is_for(hole, source) and by_network(hole, to) for hole in wall.opened)


@pytest.mark.parametrize("backend", ORDERED)
@UNHURRIED
@given(data=st.data())
def test_rules_in_order_let_through_what_is_meant_and_what_is_asked_for(backend: str, data: st.DataObject) -> None:
    intent = data.draw(intents().flatmap(intents_with_holes))
    source, to = data.draw(packets(intent))
    wall = RENDER[backend](intent, Scene())

    passed = SIMULATE[backend](wall.objects, source, to)

    assert passed == (meant(intent, source, to) or gains(wall, source, to))


@UNHURRIED
@given(data=st.data())
def test_networkpolicies_let_through_what_they_did_and_what_is_asked_for(data: st.DataObject) -> None:
    intent = data.draw(intents().flatmap(lambda each: intents_with_holes(each, ("ai",))))
    teams = data.draw(team_policies())
    source, to = data.draw(packets(intent))
    scene = Scene(("ai",), {"ai": tuple(each for each in teams if each["metadata"]["namespace"] == "ai")})
    without = RENDER["NetworkPolicy"](replace(intent, holes=()), scene)
    wall = RENDER["NetworkPolicy"](intent, scene)

    before = simulators.networkpolicies([*teams, *without.objects], source, to)
    after = simulators.networkpolicies([*teams, *wall.objects], source, to)

    asked = any(is_for(hole, source) and by_network(hole, to) for hole in wall.opened)
    assert after == (before or asked)


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_cilium_lets_through_what_is_meant_and_what_is_asked_for(data: st.DataObject) -> None:
    """Where a team's own policies isolate a pod they stay the last word, but for names that were asked for."""
    intent = data.draw(intents().flatmap(intents_with_holes).map(lambda each: replace(each, selector={})))
    teams = data.draw(team_policies())
    source, to = data.draw(packets(intent))
    scene = Scene(("ai", "web"), {name: of(teams, name) for name in ("ai", "web")})
    wall = RENDER["Cilium"](intent, scene)

    passed = simulators.cilium(wall.objects, source, to, teams) == "Pass"

    mine = [hole for hole in wall.opened if is_for(hole, source)]
    names = [hole for hole in mine if hole.domains]
    theirs = simulators.networkpolicies(teams, source, to)
    walled = theirs and (meant(intent, source, to) or gains(wall, source, to))
    found = any(by_name(hole, to, to.name) for hole in names)
    shown = any(by_name(hole, to, to.shown) for hole in names)
    if found and shown and to.name != to.shown:
        return  # one asked-for name at the address of another may get through or not
    asked = to.pod is None and found and shown and not denied(intent, mine, to)
    dns = to.pod is not None and bool(names) and to.port == 53
    assert passed == (walled or asked or dns)


def of(teams: Sequence[Any], namespace: str) -> tuple[Any, ...]:
    return tuple(each for each in teams if each["metadata"]["namespace"] == namespace)


def denied(intent: Intent, holes: Iterable[Any], to: Destination) -> bool:
    """Whether an address is a proxy or private endpoint that no hole names: a name never leads there."""
    named = any(to.address in network for hole in holes for network, _ in hole.networks)
    return any(to.address in network for network in intent.outward) and not named


@pytest.mark.parametrize("backend", RENDER)
@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_what_is_not_opened_is_told_and_what_is_opened_was_asked_for(backend: str, data: st.DataObject) -> None:
    intent = data.draw(intents().flatmap(lambda each: intents_with_holes(each, ("ai",))))
    wall = RENDER[backend](intent, Scene(("ai",)))

    told = {hole.uid for hole, _ in wall.unopened}
    opened = {hole.uid: hole for hole in wall.opened}
    for hole in intent.holes:
        assert opened.get(hole.uid) == hole or hole.uid in told
        assert hole.uid not in opened or less(opened[hole.uid], hole)
    for _, sentence in wall.unopened:
        assert sentence[0].isupper()
        assert sentence.endswith(".")


@pytest.mark.parametrize("backend", RENDER)
@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_no_step_from_one_wall_to_another_opens_or_closes_what_neither_does(backend: str, data: st.DataObject) -> None:
    """Objects are applied in order, then the surplus is deleted, in any order."""
    intent = data.draw(intents())
    old, new = (data.draw(intents_with_holes(intent, ("ai",))) for _ in range(2))
    if data.draw(st.booleans()):
        old = replace(old, holes=())
    elif data.draw(st.booleans()):
        new = replace(new, holes=())
    scene = Scene(("ai",))
    first, last = (RENDER[backend](each, scene).objects for each in (old, new))
    source, to = data.draw(packets(replace(new, holes=old.holes + new.holes)))
    before, after = (SIMULATE[backend](objects, source, to) for objects in (first, last))

    for standing in steps(first, last):
        passed = SIMULATE[backend](standing, source, to)
        assert passed <= (before or after)
        assert passed >= (before and after)


def steps(first: Iterable[Manifest], last: Iterable[Manifest]) -> Iterable[list[Manifest]]:
    standing = {key(each): each for each in first}
    for each in last:
        standing[key(each)] = each
        yield list(standing.values())
    for surplus in standing.keys() - {key(each) for each in last}:
        del standing[surplus]
        yield list(standing.values())


def key(manifest: Manifest) -> tuple[str, str, str]:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace", ""), metadata["name"]
