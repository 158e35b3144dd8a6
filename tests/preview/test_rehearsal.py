"""What the operator would do, rehearsed on objects in memory: each edit and each kind of drift."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bolwerk.core.kinds import CILIUM_CLUSTERWIDE_NETWORK_POLICY, NETWORK_POLICY, Ref
from bolwerk.core.plan import Apply, Manifest, Refusal
from bolwerk.core.reasons import Reason
from bolwerk.preview import report
from bolwerk.preview.rehearsal import Outcome, Rehearsal
from bolwerk.preview.world import World
from preview.files import SETTINGS, documents, model, namespace, policy

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WALL = Ref(NETWORK_POLICY, "team", "bolwerk-baseline")


async def _free(apply: Apply, owner: Ref, uid: str) -> Manifest | Refusal:
    del owner, uid
    return apply.manifest


@pytest.fixture
def world() -> World:
    return World(SETTINGS, served=frozenset({CILIUM_CLUSTERWIDE_NETWORK_POLICY}))


def rehearsed(world: World, guard: Any = _free, now: datetime = NOW) -> list[Outcome]:
    async def all_of_them() -> list[Outcome]:
        rehearsal = Rehearsal(world, guard=guard, now=now)
        return [await rehearsal.of(ref) for ref in world.refs()]

    return asyncio.run(all_of_them())


def told(outcomes: list[Outcome], *actions: str) -> list[str]:
    """Return the changes to walls and to what models own; what is said about names is another test's."""
    wanted = tuple(f"  {sign} {action}" for action, sign in report.SIGNS.items() if action in (actions or report.SIGNS))
    lines = [line.strip() for line in report.as_text(outcomes).splitlines() if line.startswith(wanted)]
    return [line for line in lines if "Admission" not in line and "ConfigMap" not in line]


def settle(world: World, path: Path, *manifests: dict[str, Any]) -> None:
    world.lay(documents(path, *manifests))
    rehearsed(world)


def test_what_was_done_has_not_to_be_done_again(world: World, tmp_path: Path) -> None:
    settle(world, tmp_path, policy(), namespace("team", governed="yes"), model(namespace="models"))

    again = rehearsed(world)

    assert not report.differs(again)
    assert report.as_text(again).endswith(
        "No difference: 1 LocalModel and 1 SovereigntyPolicy looked at, nothing to write."
    )


def test_an_empty_cluster_has_no_difference(world: World) -> None:
    assert report.as_text(rehearsed(world)) == "No difference: nothing looked at, nothing to write."


def test_the_wall_of_a_policy_is_made_and_the_status_tells_of_it(world: World, tmp_path: Path) -> None:
    world.lay(documents(tmp_path, policy(), namespace("team", governed="yes"), namespace("others")))

    [outcome] = rehearsed(world)

    assert told([outcome], "create") == [
        "+ create NetworkPolicy team/bolwerk-baseline-1",
        "+ create NetworkPolicy team/bolwerk-baseline",
    ]
    assert outcome.status["conditions"][0]["message"] == "Enforce: 1 namespace walled by NetworkPolicy"


def test_drift_is_shown_field_by_field(world: World, tmp_path: Path, *, update_golden: bool) -> None:
    settle(world, tmp_path, policy(), namespace("team", governed="yes"))
    live = world.live(WALL)
    assert live
    world.put(WALL, {**live, "spec": {**live["spec"], "egress": [{}], "ingress": [{}]}})
    gone = world.cache.find(replace(WALL, name="bolwerk-baseline-1"))
    assert gone
    world.cache.bury(NETWORK_POLICY, ("team", "bolwerk-baseline-1"), gone.uid)

    lines = report.as_text(rehearsed(world)).splitlines()
    # What a backend cannot express is said, and worded, elsewhere.
    text = "\n".join(line for line in lines if not line.startswith("    limit: "))

    path = GOLDEN / "drift.txt"
    if update_golden:
        path.write_text(f"{text}\n", encoding="utf-8")
    assert f"{text}\n" == path.read_text(encoding="utf-8")


def test_a_namespace_that_is_not_governed_any_more_loses_its_wall(world: World, tmp_path: Path) -> None:
    settle(world, tmp_path, policy(), namespace("team", governed="yes"))
    concerned = world.lay(documents(tmp_path, namespace("team", governed="no")))

    assert told(rehearsed(world)) == [
        "- delete NetworkPolicy team/bolwerk-baseline: no longer desired",
        "- delete NetworkPolicy team/bolwerk-baseline-1: no longer desired",
    ]
    assert [str(ref) for ref in concerned] == ["SovereigntyPolicy baseline"]


def test_a_former_wall_goes_when_the_new_one_has_stood_for_a_while(world: World, tmp_path: Path) -> None:
    settle(world, tmp_path, policy(), namespace("team", governed="yes"))
    world.lay(documents(tmp_path, policy(backend="Cilium")))

    assert told(rehearsed(world)) == [
        "+ create CiliumClusterwideNetworkPolicy bolwerk-baseline",
        "- delete NetworkPolicy team/bolwerk-baseline: no longer desired, 15 s later",
        "- delete NetworkPolicy team/bolwerk-baseline-1: no longer desired, 15 s later",
    ]


def test_what_cannot_be_understood_changes_nothing(world: World, tmp_path: Path) -> None:
    settle(world, tmp_path, policy(), namespace("team", governed="yes"))
    world.lay(documents(tmp_path, policy(internal={"networks": ["0.0.0.0/0"]})))

    outcomes = rehearsed(world)

    assert not report.differs(outcomes)
    assert "then Ready is False (InvalidSpec): " in report.as_text(outcomes)


def test_a_name_that_is_taken_stops_what_follows(world: World, tmp_path: Path) -> None:
    async def taken(apply: Apply, owner: Ref, uid: str) -> Manifest | Refusal:
        del owner, uid
        if apply.ref.name == "bolwerk-baseline":
            return Refusal(apply.ref, Reason.NAME_TAKEN, f"{apply.ref} exists and does not belong to this policy")
        return apply.manifest

    world.lay(documents(tmp_path, policy(), namespace("team", governed="yes")))

    outcomes = rehearsed(world, taken)

    assert [change.ref.name for change in outcomes[0].changes] == ["bolwerk-baseline-1"]
    assert "then Ready is False (NameTaken): NetworkPolicy team/bolwerk-baseline exists" in report.as_text(outcomes)


def test_another_policy_changes_whom_the_first_one_governs(world: World, tmp_path: Path) -> None:
    settle(world, tmp_path, policy(), namespace("team", governed="yes"))
    first = {"backend": "NetworkPolicy", "priority": 1}

    concerned = world.lay(documents(tmp_path, policy("strict", enforcement=first)))

    assert {ref.name for ref in concerned} == {"baseline", "strict"}
    outcomes = {outcome.ref.name: outcome for outcome in rehearsed(world)}
    assert told([outcomes["strict"]], "create")
    assert told([outcomes["baseline"]], "delete")


def test_a_models_edit_is_shown_where_it_matters(world: World, tmp_path: Path) -> None:
    settle(world, tmp_path, model())
    edited = model()
    edited["spec"]["replicas"] = 2
    world.lay(documents(tmp_path, edited))

    assert told(rehearsed(world)) == [
        "+ create PodDisruptionBudget default/chat",
        "~ change Deployment default/chat: spec.replicas",
    ]


def test_a_spec_that_says_the_same_in_other_words_is_no_difference(world: World, tmp_path: Path) -> None:
    settle(world, tmp_path, model())
    wordy = model()
    wordy["spec"]["replicas"] = 1
    world.lay(documents(tmp_path, wordy))

    assert not report.differs(rehearsed(world))


def test_machines_are_told_the_same(world: World, tmp_path: Path) -> None:
    settle(world, tmp_path, policy(), namespace("team", governed="yes"))
    world.lay(documents(tmp_path, namespace("team", governed="no")))

    answer = json.loads(report.as_json(rehearsed(world)))

    assert answer["summary"] == {"lookedAt": 1, "create": 0, "change": 0, "delete": 2}
    [told_of] = answer["objects"]
    assert told_of["kind"] == "SovereigntyPolicy"
    assert [(each["action"], each["namespace"], each["name"]) for each in told_of["changes"]] == [
        ("delete", "team", "bolwerk-baseline"),
        ("delete", "team", "bolwerk-baseline-1"),
    ]
    assert told_of["status"]["governedNamespaces"] == 0
