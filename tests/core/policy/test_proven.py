"""Proven: what probes say of the wall, node by node, and what of it the status lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bolwerk.api.sovereigntypolicy import SovereigntyPolicyStatus
from bolwerk.core.reasons import Reason
from core.policy.world import NOW, World, namespace, policy
from core.proofs import SEEN, make_proof

HOUR = timedelta(hours=1)
TEAM = "Namespace team"
CANARIES: dict[str, Any] = {"canaries": [{"address": "198.51.100.10", "port": 443}]}
TWO = ("node-1", "node-2")


def proof(verdict: str, *, node: str = "node-1", subject: str = TEAM, ago: timedelta = HOUR) -> dict[str, Any]:
    return make_proof(verdict, node=node, subject=subject, ago=ago, now=NOW)


def measured(*proofs: Any, nodes: tuple[str, ...] = ("node-1",), asked: Any = None, **changes: Any) -> World:
    return World(policy(**{"proof": {**CANARIES, **(asked or {})}, **changes}), proofs=proofs, nodes=nodes)


@dataclass(frozen=True)
class Case:
    """A world, and what Proven says of it; `ready` is the reason of Ready."""

    name: str
    world: Callable[[], World]
    status: str
    reason: Reason
    message: str
    ready: Reason = Reason.READY


CASES = [
    Case("nothing is blocked", lambda: measured(proof("Proven"), mode="Audit"), "Unknown", Reason.NOT_PROVEN,
         "nothing is blocked"),
    Case("there is no host to try", lambda: measured(nodes=TWO, proof={}), "Unknown", Reason.NOT_PROVEN,
         "spec.proof.canaries names a host outside"),
    Case("no node matters", lambda: measured(nodes=()), "Unknown", Reason.NOT_PROVEN, "no probe has measured yet"),
    Case("nothing is measured", measured, "Unknown", Reason.NOT_PROVEN, "no probe has measured yet"),
    Case("only a model was measured", lambda: measured(proof("Proven", subject="LocalModel team/llama")), "Unknown",
         Reason.NOT_PROVEN, "no probe has measured yet"),
    Case("another namespace was measured", lambda: measured(proof("Proven", subject="Namespace other")), "Unknown",
         Reason.NOT_PROVEN, "no probe has measured yet"),
    Case("every node is proven", lambda: measured(proof("Proven"), proof("Proven", node="node-2"), nodes=TWO), "True",
         Reason.PROVEN, "measured on node-1 at 2026-12-01T11:00:00Z, node-2 at 2026-12-01T11:00:00Z"),
    Case("a node was not measured", lambda: measured(proof("Proven"), nodes=TWO), "Unknown", Reason.NOT_PROVEN,
         "1 of 2 nodes are proven"),
    Case("the proof is old", lambda: measured(proof("Proven", ago=73 * HOUR)), "Unknown", Reason.PROOF_STALE, "node-1"),
    Case("a proof may be older", lambda: measured(proof("Proven", ago=73 * HOUR), asked={"staleAfterHours": 100}),
         "True", Reason.PROVEN, "measured on"),
    Case("one node does not enforce",
         lambda: measured(proof("Proven"), proof("NotEnforced", node="node-2"), nodes=TWO), "False",
         Reason.NOT_ENFORCED, "node-2, measured at 2026-12-01T11:00:00Z: ", Reason.NOT_ENFORCED),
    Case("one way out", lambda: measured(proof("Bypass")), "False", Reason.BYPASS, "node-1", Reason.BYPASS),
    Case("the worst comes first",
         lambda: measured(proof("Inconclusive"), proof("Bypass", node="node-2"), nodes=TWO), "False", Reason.BYPASS,
         "node-2", Reason.BYPASS),
    Case("too much is blocked", lambda: measured(proof("OverBlocked")), "Unknown", Reason.OVER_BLOCKED, "node-1"),
    Case("nobody knows", lambda: measured(proof("Inconclusive")), "Unknown", Reason.INCONCLUSIVE, "node-1"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_proven_says(case: Case) -> None:
    world = case.world()
    world.step()

    proven = world.condition("Proven")
    assert (proven["status"], proven["reason"]) == (case.status, case.reason)
    assert case.message in proven["message"]
    assert world.condition("Ready")["reason"] == case.ready
    assert world.decide().empty
    status = world.policy["status"]
    known = SovereigntyPolicyStatus.model_validate(status)
    assert known.model_dump(mode="json", by_alias=True, exclude_unset=True) == status


def test_the_newest_run_counts_whichever_governed_namespace_it_tried() -> None:
    world = measured(proof("Bypass", ago=3 * HOUR), proof("Proven", subject="Namespace two"))
    world.namespaces = (*world.namespaces, namespace("two", sovereignty="enforced"))
    world.step()

    assert world.condition("Proven")["status"] == "True"


def test_a_breach_is_a_warning_once() -> None:
    world = measured(proof("Proven"))
    world.step()
    world.proofs = (proof("Bypass", ago=HOUR / 2),)

    assert [(event.type, event.reason) for event in world.decide().events] == [("Warning", Reason.BYPASS)]
    world.step()
    assert world.decide().events == ()


def test_it_looks_again_when_the_first_proof_no_longer_counts() -> None:
    world = measured(proof("Proven", ago=71 * HOUR), proof("Proven", node="node-2"), nodes=TWO)
    world.step()

    wait = world.decide().requeue_after
    assert wait is not None
    assert wait == pytest.approx(3601)
    world.wait(wait)
    world.step()
    assert world.condition("Proven")["reason"] == Reason.PROOF_STALE


def test_the_status_counts_nodes_and_lists_those_that_are_not_proven_the_worst_first() -> None:
    nodes = tuple(f"node-{number}" for number in range(1, 6))
    proofs = (
        proof("Proven", ago=2 * HOUR),
        proof("Proven", node="node-2"),
        proof("Inconclusive", node="node-3"),
        proof("Bypass", node="node-5"),
    )
    world = measured(*proofs, nodes=nodes)
    world.step()

    told = world.policy["status"]["proof"]
    assert (told["nodes"], told["proven"], told["uncovered"]) == (5, 2, 1)
    assert told["oldest"] == "2026-12-01T10:00:00Z"
    assert [(each["node"], each["verdict"]) for each in told["notProven"]] == [
        ("node-5", "Bypass"), ("node-3", "Inconclusive"), ("node-4", "None"),
    ]  # fmt: skip
    assert all(each["message"] for each in told["notProven"])


def test_the_list_is_bounded_and_the_count_is_not() -> None:
    world = measured(nodes=tuple(f"node-{number}" for number in range(500)))
    world.step()

    told = world.policy["status"]["proof"]
    assert (told["uncovered"], len(told["notProven"])) == (500, 50)


def test_an_audit_tells_of_no_proof() -> None:
    world = measured(proof("Proven"), mode="Audit")
    world.step()

    assert "proof" not in world.policy["status"]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(SEEN)), st.sampled_from(["a", "b", "c"]), st.integers(1, 100)),
        max_size=6,
        unique_by=lambda run: run[2],
    ),
    st.sets(st.sampled_from(["a", "b", "c"])),
)
def test_true_only_where_every_node_says_so(runs: list[tuple[str, str, int]], nodes: set[str]) -> None:
    world = measured(
        *(proof(verdict, node=node, ago=ago * HOUR) for verdict, node, ago in runs), nodes=tuple(sorted(nodes))
    )
    world.step()
    newest = {node: (verdict, ago) for verdict, node, ago in sorted(runs, key=lambda run: -run[2])}
    last = [newest.get(node, ("None", 0)) for node in nodes]

    assert (world.condition("Proven")["status"] == "True") == (
        bool(last) and all(verdict == "Proven" and ago <= 72 for verdict, ago in last)
    )
    told = world.policy["status"]["proof"]
    assert told["proven"] + len(told["notProven"]) == told["nodes"] == len(nodes)
