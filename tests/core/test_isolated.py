"""Isolated: what objects, the gate and probes say, in this order, and what follows for Ready and for the Service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bolwerk.api.status import LocalModelStatus
from bolwerk.core.model.children.gate import GATE
from bolwerk.core.model.observed import Observed
from bolwerk.core.proof.pods import RUN_LABEL
from bolwerk.core.reasons import Reason
from bolwerk.core.settings import Settings
from core import kstatus
from core.builders import (
    NOW,
    SETTINGS,
    after,
    condition,
    decide,
    hash_of,
    make_claim,
    make_container,
    make_model,
    make_pod,
    make_policy,
    settled,
    world,
)
from core.proofs import HOURS, OUT, PASSED, SEEN, SELECTOR, make_proof, measured, out_of_service, selector

HELD = {"exitCode": 1, "reason": "Error", "message": "10.96.7.7:8443 answers: the network plugin does not enforce.\n"}


def gate(**state: Any) -> Any:
    return make_container(GATE, **state)


def looking(since: timedelta) -> Any:
    started = (NOW - since).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"name": GATE, "ready": False, "state": {"running": {"startedAt": started}}, "lastState": {}}


def at_gate(*statuses: Any, **rest: Any) -> Observed:
    """Return a world in which each pod of the model is at its gate, or past it, on a node of its own."""
    observed = settled(make_model(replicas=len(statuses)), claim=make_claim(), **rest)
    made = (
        make_pod(hash_of(observed), node=f"node-{number}", init_containers=(status,))
        for number, status in enumerate(statuses, 1)
    )
    return replace(observed, pods=tuple(made))


TWO = ("node-1", "node-2")


@dataclass(frozen=True)
class Case:
    """A world, and what Isolated says of it; `ready` is the reason of Ready."""

    name: str
    world: Callable[[], Observed]
    status: str
    reason: Reason
    message: str
    ready: Reason
    phase: str
    about: str = "Isolated"
    settings: Settings = SETTINGS


CASES = [
    Case("no pod has a node", lambda: settled(make_model(), claim=make_claim()), "Unknown", Reason.NOT_PROVEN,
         "no probe has measured yet", Reason.WAITING_FOR_PODS, "WaitingForNode"),
    Case("nothing is measured on its node", measured, "Unknown", Reason.NOT_PROVEN, "no probe has measured yet",
         Reason.READY, "Ready"),
    Case("its node is proven", lambda: measured(make_proof("Proven")), "True", Reason.PROVEN,
         "measured on node-1 at 2026-11-24T07:00:00Z", Reason.READY, "Ready"),
    Case("another model is proven there", lambda: measured(make_proof("Proven", subject="LocalModel ai/other")),
         "Unknown", Reason.NOT_PROVEN, "no probe has measured yet", Reason.READY, "Ready"),
    Case("another node is proven", lambda: measured(make_proof("Proven", node="node-9")), "Unknown",
         Reason.NOT_PROVEN, "no probe has measured yet", Reason.READY, "Ready"),
    Case("one of two nodes is proven", lambda: measured(make_proof("Proven"), nodes=TWO), "Unknown", Reason.NOT_PROVEN,
         "1 of 2 nodes are proven", Reason.READY, "Ready"),
    Case("packets got out on one of two nodes",
         lambda: measured(make_proof("Proven"), make_proof("NotEnforced", node="node-2"), nodes=TWO), "False",
         Reason.NOT_ENFORCED, "node-2, measured at 2026-11-24T07:00:00Z: ", Reason.NOT_ENFORCED, "NotIsolated"),
    Case("one way out was found", lambda: measured(make_proof("Bypass")), "False", Reason.BYPASS, "node-1, measured",
         Reason.BYPASS, "NotIsolated"),
    Case("it was proven again since", lambda: measured(make_proof("Bypass", ago=2 * HOURS), make_proof("Proven")),
         "True", Reason.PROVEN, "measured on", Reason.READY, "Ready"),
    Case("it no longer is since", lambda: measured(make_proof("Proven", ago=2 * HOURS), make_proof("Bypass")),
         "False", Reason.BYPASS, "node-1", Reason.BYPASS, "NotIsolated"),
    Case("the proof is old", lambda: measured(make_proof("Proven", ago=73 * HOURS)), "Unknown", Reason.PROOF_STALE,
         "node-1, measured at 2026-11-21T07:00:00Z", Reason.READY, "Ready"),
    Case("the policy lets a proof count for longer",
         lambda: measured(make_proof("Proven", ago=73 * HOURS), policy={"staleAfterHours": 100}), "True", Reason.PROVEN,
         "measured on", Reason.READY, "Ready"),
    Case("the policy lets a proof count for shorter",
         lambda: measured(make_proof("Proven", ago=3 * HOURS), policy={"intervalHours": 1, "staleAfterHours": 2}),
         "Unknown", Reason.PROOF_STALE, "node-1", Reason.READY, "Ready"),
    Case("the policy was stored under another CRD", lambda: measured(make_proof("Proven"), policy={"canaries": 5}),
         "True", Reason.PROVEN, "measured on", Reason.READY, "Ready"),
    Case("too much is blocked", lambda: measured(make_proof("OverBlocked")), "Unknown", Reason.OVER_BLOCKED, "node-1",
         Reason.READY, "Ready"),
    Case("the control got nowhere", lambda: measured(make_proof("Inconclusive")), "Unknown", Reason.INCONCLUSIVE,
         "node-1", Reason.READY, "Ready"),
    Case("an object opens it, whatever was measured",
         lambda: measured(make_proof("Proven"), policies=(make_policy(policyTypes=["Egress"], egress=[{}]),)), "False",
         Reason.OPENED_BY_POLICY, "NetworkPolicy foreign", Reason.OPENED_BY_POLICY, "NotIsolated"),
    Case("the gate has only begun to look", lambda: at_gate(looking(timedelta(seconds=5))), "False",
         Reason.WAITING_FOR_GATE, "the isolation gate has seen", Reason.WAITING_FOR_GATE, "Loading", about="Serving"),
    Case("the gate has only begun to look, and says nothing", lambda: at_gate(looking(timedelta(seconds=30))),
         "Unknown", Reason.NOT_PROVEN, "no probe", Reason.WAITING_FOR_GATE, "Loading"),
    Case("the gate looks in vain", lambda: at_gate(looking(timedelta(seconds=31))), "False", Reason.GATE_HOLDS,
         "the network plugin does not enforce it (on node node-1)", Reason.GATE_HOLDS, "NotIsolated"),
    Case("the gate gives up and says why", lambda: at_gate(gate(ended=HELD)), "False", Reason.GATE_HOLDS,
         "kept from starting: 10.96.7.7:8443 answers: the network plugin does not enforce (on node node-1)",
         Reason.GATE_HOLDS, "NotIsolated"),
    Case("the gate looks again", lambda: at_gate({**looking(timedelta(0)), "lastState": {"terminated": HELD}}), "False",
         Reason.GATE_HOLDS, "10.96.7.7:8443", Reason.GATE_HOLDS, "NotIsolated"),
    Case("the gate waits to look again",
         lambda: at_gate(gate(waiting=("CrashLoopBackOff", "back-off 5m0s"), ended_before=HELD)), "False",
         Reason.GATE_HOLDS, "10.96.7.7:8443", Reason.GATE_HOLDS, "NotIsolated"),
    Case("one gate of two holds", lambda: at_gate(PASSED, gate(ended=HELD)), "False", Reason.GATE_HOLDS,
         "on node node-2", Reason.GATE_HOLDS, "NotIsolated"),
    Case("the gate let it through", lambda: at_gate(PASSED), "Unknown", Reason.NOT_PROVEN, "no probe",
         Reason.ENGINE_STARTING, "Loading"),
    Case("the gate held before it let it through", lambda: at_gate({**PASSED, "lastState": {"terminated": HELD}}),
         "Unknown", Reason.NOT_PROVEN, "no probe", Reason.ENGINE_STARTING, "Loading"),
    Case("the gate itself dies",
         lambda: at_gate(gate(waiting=("CrashLoopBackOff", ""), ended_before={"exitCode": 137, "reason": "OOMKilled"})),
         "False", Reason.ENGINE_CRASHING, "container isolation-gate ran out of memory", Reason.ENGINE_CRASHING,
         "Failing", about="Serving"),
    Case("the gate's image cannot be pulled",
         lambda: at_gate(gate(waiting=("ErrImagePull", "failed to pull registry.example/bolwerk:0.1.0: denied"))),
         "False", Reason.IMAGE_PULL_FAILED, "Bolwerk's own image, which imagePullSecrets", Reason.IMAGE_PULL_FAILED,
         "Failing", about="Serving"),
    Case("the gate is told nothing",
         lambda: at_gate(gate(waiting=("CreateContainerConfigError", 'configmap "llama-isolation-gate" not found'))),
         "False", Reason.CONTAINER_NOT_STARTED, "llama-isolation-gate", Reason.CONTAINER_NOT_STARTED, "Failing",
         about="Serving"),
    Case("the gate cannot look",
         lambda: at_gate(gate(ended={"exitCode": 2, "reason": "Error", "message": "no canary"})),
         "False", Reason.ENGINE_CRASHING, "container isolation-gate exits with code 2: no canary",
         Reason.ENGINE_CRASHING, "Failing", about="Serving"),
    Case("a breach, and the policy takes it out of its Service",
         lambda: measured(make_proof("Bypass"), policy=OUT), "False", Reason.BYPASS,
         "out of its Service until all its nodes are proven", Reason.BYPASS, "NotIsolated"),
    Case("a breach, and since then nobody knows",
         lambda: out_of_service(make_proof("Bypass", ago=2 * HOURS), make_proof("Inconclusive")), "False",
         Reason.OUT_OF_SERVICE, "out of its Service until all its nodes are proven", Reason.OUT_OF_SERVICE,
         "NotIsolated"),
    Case("there is no canary", lambda: world(make_model()), "Unknown", Reason.NOT_PROVEN, "no probe",
         Reason.NO_GATE_IMAGE, "Stalled", settings=replace(SETTINGS, image="")),
    Case("there is no image for the gate", lambda: world(make_model(), canaries=()), "Unknown", Reason.NOT_PROVEN,
         "no probe", Reason.NO_CANARY, "Stalled"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_isolated_says(case: Case) -> None:
    observed = case.world()
    observed = after(observed, decide(observed, settings=case.settings))
    status = observed.model["status"]

    about, ready = condition(status, case.about), condition(status, "Ready")
    assert (about["status"], about["reason"]) == (case.status, case.reason)
    assert case.message in about["message"]
    assert (ready["reason"], status["phase"]) == (case.ready, case.phase)
    assert LocalModelStatus.model_validate(status).model_dump(mode="json", by_alias=True, exclude_unset=True) == status
    assert (kstatus.verdict(observed.model) == "Current") == (case.ready == Reason.READY)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_says_nothing_new_until_something_happens(case: Case) -> None:
    observed = case.world()
    observed = after(observed, decide(observed, settings=case.settings))
    plan = decide(observed, settings=case.settings)
    assert plan.empty

    wait = plan.requeue_after if plan.requeue_after is not None else 365 * 24 * 3600
    just_before = NOW + timedelta(seconds=wait - 2)
    assert decide(observed, settings=case.settings, now=just_before).empty


@pytest.mark.parametrize(
    ("observed", "becomes"),
    [
        pytest.param(measured(make_proof("Proven")), Reason.PROOF_STALE, id="a proof grows old"),
        pytest.param(
            measured(make_proof("Proven"), make_proof("Proven", node="node-2", ago=70 * HOURS), nodes=TWO),
            Reason.PROOF_STALE,
            id="the older of two",
        ),
        pytest.param(at_gate(looking(timedelta(seconds=1))), Reason.GATE_HOLDS, id="a gate stays silent"),
    ],
)
def test_it_looks_again_at_the_moment_at_which_time_alone_changes_the_answer(
    observed: Observed, becomes: Reason
) -> None:
    wait = decide(observed).requeue_after
    assert wait is not None

    plan = decide(observed, now=NOW + timedelta(seconds=wait))

    assert condition(plan, "Isolated")["reason"] == becomes


def test_a_breach_is_one_warning() -> None:
    observed = replace(measured(make_proof("Proven")), proofs=(make_proof("Bypass", ago=HOURS / 2),))

    plan = decide(observed)
    assert [(event.type, event.reason) for event in plan.events] == [("Warning", Reason.BYPASS)]
    assert decide(after(observed, plan)).events == ()


@pytest.mark.parametrize(
    "pod",
    [
        pytest.param(make_pod("x", node="node-9", deleting=True), id="one on its way out"),
        pytest.param({**make_pod("x", node="node-9"), "status": {"phase": "Failed"}}, id="one that has ended"),
        pytest.param(
            {"metadata": {"name": "probe", "namespace": "ai", "labels": {**SELECTOR, RUN_LABEL: "r"}},
             "spec": {"nodeName": "node-9"}, "status": {"phase": "Running"}},
            id="a probe with the model's labels",
        ),
    ],
)  # fmt: skip
def test_only_nodes_where_it_runs_count(pod: Any) -> None:
    observed = measured(make_proof("Proven"))

    assert decide(replace(observed, pods=(*observed.pods, pod))).empty


def test_the_status_tells_how_many_nodes_are_proven_and_since_when() -> None:
    old, new = make_proof("Proven", ago=5 * HOURS), make_proof("Proven", node="node-2")
    both = measured(old, new, nodes=TWO).model["status"]["isolation"]
    assert both == {"nodes": 2, "proven": 2, "notProven": [], "provenAt": "2026-11-24T03:00:00Z"}

    one = measured(old, nodes=TWO).model["status"]["isolation"]
    assert one == {"nodes": 2, "proven": 1, "notProven": ["node-2"]}

    assert "isolation" not in settled(make_model(), claim=make_claim()).model["status"]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(SEEN)), st.sampled_from(["a", "b", "c"]), st.integers(1, 200)),
        max_size=6,
        unique_by=lambda run: run[2],
    ),
    st.sets(st.sampled_from(["a", "b", "c"])),
    st.sampled_from([None, OUT]),
)
def test_true_only_where_every_node_was_proven_and_nothing_newer_says_otherwise(
    runs: list[tuple[str, str, int]], nodes: set[str], policy: Any
) -> None:
    proofs = [make_proof(verdict, node=node, ago=ago * HOURS) for verdict, node, ago in runs]
    observed = measured(*proofs, nodes=tuple(sorted(nodes)), policy=policy)
    newest = {node: (verdict, ago) for verdict, node, ago in sorted(runs, key=lambda run: -run[2])}
    last = [newest.get(node, ("None", 0)) for node in nodes]

    isolated = condition(observed.model["status"], "Isolated")

    assert (isolated["status"] == "True") == (
        bool(last) and all(verdict == "Proven" and ago <= 72 for verdict, ago in last)
    )
    breached = any(verdict in ("Bypass", "NotEnforced") for verdict, _ in last)
    assert (isolated["status"] == "False") == breached
    assert (selector(observed) != SELECTOR) == (breached and policy is OUT)
    assert decide(observed).empty
