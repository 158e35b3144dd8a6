"""When a node is measured, for how long proofs are kept, and what asks for another run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bolwerk.core.kinds import CILIUM_CLUSTERWIDE_NETWORK_POLICY, NETWORK_POLICY, Ref
from bolwerk.core.proof.due import due
from bolwerk.core.proof.history import KEPT, of_gone_nodes, surplus_proofs
from bolwerk.core.proof.inputs import inputs, policy_digest
from bolwerk.core.proof.observed import Inventory, Observed
from bolwerk.core.proof.standing import standing
from core.proof.cluster import MODEL, NOW, POLICY, SETTINGS, Cluster, moment, node

SAME = f"sha256:{'1' * 64}"


def proof(
    verdict: str = "Proven", *, ago: timedelta = timedelta(), of: str = "gpu-1", inputs: str = SAME
) -> dict[str, Any]:
    at = moment(NOW - ago)
    seen = {"vector": "TCP", "family": "IPv4", "target": "203.0.113.10:443", "attempts": 1}
    blocked = "Blocked" if verdict == "Proven" else "Failed"
    return {
        "metadata": {"name": f"{of}-{at}", "uid": f"uid-{of}-{at}"},
        "spec": {
            "run": at,
            "node": of,
            "trigger": "Change",
            "verdict": verdict,
            "families": ["IPv4"],
            "finishedAt": at,
            "provenance": {"inputs": inputs},
            "observations": [
                {**seen, "arm": "Control", "outcome": "Reached"},
                {**seen, "arm": "Treatment", "subject": "LocalModel ai/llama", "outcome": blocked},
            ],
        },
    }


def seen(*proofs: dict[str, Any], name: str = "gpu-1", **more: Any) -> Observed:
    return Observed(node=node(name), proofs=proofs, **{"changed": NOW - timedelta(days=1), **more})


def test_five_hundred_nodes_are_spread_over_the_interval() -> None:
    names = [f"gpu-{number}" for number in range(500)]
    last = [due(seen(proof(of=name), name=name), SAME, NOW).at - NOW for name in names]

    assert min(last) >= timedelta(hours=21.6)
    assert max(last) <= timedelta(hours=26.4)
    quarters = [sum(timedelta(hours=21.6 + part * 0.48) <= each < timedelta(hours=22.08 + part * 0.48) for each in last)
                for part in range(10)]  # fmt: skip
    assert min(quarters) > 25, "every twenty-nine minutes about fifty"
    assert [due(seen(proof(of=name), name=name), SAME, NOW).at - NOW for name in names] == last


def test_the_strictest_policy_says_how_often() -> None:
    often = {**POLICY, "spec": {**POLICY["spec"], "proof": {"intervalHours": 2, "staleAfterHours": 8}}}
    broken = {**POLICY, "spec": {**POLICY["spec"], "proof": {"intervalHours": "often"}}}

    after = due(seen(proof(), policies=(POLICY, often, broken)), SAME, NOW).at - NOW

    assert timedelta(hours=1.8) <= after <= timedelta(hours=2.2)


def test_what_lies_in_the_future_is_due_no_later_than_what_is_of_now() -> None:
    odd = proof(ago=-timedelta(days=900))

    assert due(seen(odd), SAME, NOW).at <= NOW + timedelta(hours=26.4)


def test_what_failed_in_another_world_is_not_counted() -> None:
    before = [proof("Inconclusive", ago=timedelta(minutes=each), inputs="sha256:before") for each in (300, 200, 100)]

    assert due(seen(*before, proof("Inconclusive")), SAME, NOW).at == NOW + timedelta(minutes=5)


CHANGES: list[tuple[str, Callable[[Cluster], Observed], bool]] = [
    ("nothing", lambda c: c.observed(), False),
    (
        "the policy",
        lambda c: _with(c, policies=({**POLICY, "metadata": {**POLICY["metadata"], "generation": 2}},)),
        True,
    ),
    (
        "the catalogue",
        lambda c: _with(c, policies=({**POLICY, "status": {"catalogue": {"digest": "sha256:9"}}},)),
        True,
    ),
    ("an exception", lambda c: _with(c, policies=({**POLICY, "status": {"openExceptions": [{"uid": "x"}]}},)), True),
    (
        "the age of the catalogue",
        lambda c: _with(c, policies=({**POLICY, "status": {"catalogue": {"ageDays": 3}}},)),
        False,
    ),
    ("the network plugin", lambda c: _with(c, inventory=Inventory(("registry.example/cilium:v1.20.3",))), True),
    (
        "pods on the node's network",
        lambda c: _with(c, inventory=replace(c.observed().inventory, host_network_pods=9)),
        False,
    ),
    ("the kernel", lambda c: _with(c, node=node(nodeInfo={"kernelVersion": "6.13.0"})), True),
    ("a restart of the node", lambda c: _with(c, node=node(nodeInfo={**_info(), "bootID": "boot-2"})), True),
    ("heartbeats", lambda c: _with(c, node=node(conditions=[{"type": "Ready", "status": "True", "x": "y"}])), False),
    ("a wall", lambda c: _with(c, enforcing={Ref(CILIUM_CLUSTERWIDE_NETWORK_POLICY, "", "a"): SAME}), True),
    ("a policy beside the model", lambda c: _with(c, enforcing={Ref(NETWORK_POLICY, "ai", "a"): SAME}), True),
    ("a policy elsewhere", lambda c: _with(c, enforcing={Ref(NETWORK_POLICY, "other", "a"): SAME}), False),
    (
        "another model",
        lambda c: _with(c, models=({**MODEL, "metadata": {**MODEL["metadata"], "name": "mistral"}},)),
        True,
    ),
    ("no model", lambda c: _with(c, models=()), True),
    ("a model that is ready", lambda c: _with(c, models=({**MODEL, "status": {"readyReplicas": 1}},)), False),
    ("the canary", lambda c: _with(c, canary=None), True),
]


@pytest.mark.parametrize(("change", "is_other"), [pytest.param(*rest, id=name) for name, *rest in CHANGES])
def test_what_asks_for_a_new_run(change: Callable[[Cluster], Observed], is_other: bool) -> None:
    cluster = Cluster()

    assert (inputs(change(cluster), SETTINGS) != inputs(cluster.observed(), SETTINGS)) == is_other


def test_what_a_policy_object_says_is_what_counts() -> None:
    made = {"metadata": {"uid": "1", "resourceVersion": "7"}, "spec": {"egress": []}, "status": {"x": 1}}

    assert policy_digest({**made, "metadata": {"uid": "1", "resourceVersion": "8"}, "status": {}}) == policy_digest(
        made
    )
    assert policy_digest({**made, "spec": {"egress": [{}]}}) != policy_digest(made)
    assert policy_digest({**made, "specs": []}) != policy_digest(made)


def test_ten_proofs_are_kept_and_the_last_that_was_proven() -> None:
    failed = [proof("Bypass", ago=timedelta(hours=each)) for each in range(12)]
    proven = [proof(ago=timedelta(days=each)) for each in (3, 4)]
    gone = {each.ref.name for each in surplus_proofs([*proven, *failed])}

    assert gone == {each["metadata"]["name"] for each in (*failed[KEPT:], proven[1])}
    assert len(surplus_proofs([*proven, *failed], coming=1)) == len(gone) + 1
    assert surplus_proofs(failed[:KEPT]) == ()


def test_the_proofs_of_a_node_that_is_gone_are_kept_for_a_month() -> None:
    proofs = [proof(ago=timedelta(days=each), of=of) for each in (29, 31) for of in ("gpu-1", "gpu-2")]

    assert [each.ref.name for each in of_gone_nodes(proofs, {"gpu-1"}, NOW)] == [proofs[3]["metadata"]["name"]]


@pytest.mark.parametrize(
    ("proofs", "verdict", "words"),
    [
        pytest.param([], "None", "was not measured on node gpu-1", id="nothing"),
        pytest.param([proof(of="gpu-2")], "None", "was not measured", id="another node"),
        pytest.param([proof()], "Proven", "LocalModel ai/llama was blocked", id="proven"),
        pytest.param([proof(ago=timedelta(hours=72))], "Proven", "was blocked", id="just fresh"),
        pytest.param([proof(ago=timedelta(hours=73))], "Stale", "72 hours", id="stale"),
        pytest.param(
            [proof("Inconclusive"), proof(ago=timedelta(hours=1))], "Inconclusive", "shows nothing", id="newest"
        ),
        pytest.param([proof("Inconclusive", ago=timedelta(hours=99))], "Inconclusive", "shows nothing", id="old doubt"),
    ],
)
def test_how_a_subject_stands(proofs: list[dict[str, Any]], verdict: str, words: str) -> None:
    found = standing(proofs, node="gpu-1", subject="LocalModel ai/llama", now=NOW, stale_after=timedelta(hours=72))

    assert found.verdict == verdict
    assert words in found.message
    assert (found.at is None) == (verdict == "None")


def test_a_subject_that_the_newest_run_did_not_try_stands_as_before() -> None:
    other = proof("Inconclusive")
    other["spec"]["observations"][1]["subject"] = "LocalModel ai/other"
    found = standing([other, proof(ago=timedelta(hours=1))], node="gpu-1", subject="LocalModel ai/llama", now=NOW,
                     stale_after=timedelta(hours=72))  # fmt: skip

    assert (found.verdict, found.at) == ("Proven", datetime(2026, 12, 1, 11, tzinfo=UTC))


def _with(cluster: Cluster, **changes: Any) -> Observed:
    return replace(cluster.observed(), **changes)


def _info() -> dict[str, str]:
    info: dict[str, str] = node()["status"]["nodeInfo"]
    return info
