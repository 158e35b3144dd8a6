"""The reconciliation: what is written for a new model, for a new wish, and when somebody objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bolwerk.core.kinds import DEPLOYMENT, NETWORK_POLICY, POD_DISRUPTION_BUDGET, SERVICE, SERVICE_ACCOUNT, Ref
from bolwerk.core.model.observed import Observed
from bolwerk.core.plan import Plan, Refusal
from bolwerk.core.proof.pods import RUN_LABEL
from bolwerk.core.reasons import Reason
from bolwerk.core.selectors import matches
from bolwerk.core.settings import Settings
from core.builders import (
    LATER,
    SETTINGS,
    TRITON,
    after,
    applied,
    changed,
    child,
    condition,
    decide,
    edited,
    make_claim,
    make_model,
    make_policy,
    serving,
    settled,
    with_child,
    world,
)

TWO: dict[str, Any] = {"replicas": 2}


def test_a_new_model_gets_the_wall_before_the_pods() -> None:
    plan = decide(world(make_model(**TWO)))

    assert list(applied(plan)) == [
        "ServiceAccount", "NetworkPolicy", "Service", "PodDisruptionBudget", "ConfigMap", "Deployment",
    ]  # fmt: skip
    assert set(applied(plan).values()) == {"absent"}
    assert plan.delete == ()


def test_children_are_owned_and_hand_nothing_on() -> None:
    tracked = {"argocd.argoproj.io/tracking-id": "x", "example.org/a": "b"}
    model = make_model(annotations=tracked, **TWO)
    model["metadata"]["labels"] = {"app.kubernetes.io/instance": "argo"}

    for apply in decide(Observed(model)).apply:
        metadata = apply.manifest["metadata"]
        (owner,) = metadata["ownerReferences"]
        assert (owner["uid"], owner["controller"]) == (model["metadata"]["uid"], True)
        assert "blockOwnerDeletion" not in owner
        assert "app.kubernetes.io/instance" not in metadata["labels"]
        assert not tracked.keys() & (metadata.get("annotations") or {}).keys()


@pytest.mark.parametrize(
    "world",
    [
        pytest.param(lambda: settled(make_model()), id="nothing runs yet"),
        pytest.param(lambda: serving(make_model()), id="it serves"),
        pytest.param(lambda: serving(make_model(**TWO)), id="two replicas serve"),
        pytest.param(lambda: serving(make_model(engine=TRITON)), id="Triton serves"),
        pytest.param(lambda: settled(make_model(replicas=0)), id="scaled to zero"),
        pytest.param(lambda: settled(make_model(engine={})), id="the spec means nothing"),
        pytest.param(lambda: settled(make_model(podTemplate={"spec": {"hostPID": True}})), id="the patch is refused"),
    ],
)
def test_the_steady_state_writes_nothing_now_or_later(world: Callable[[], Observed]) -> None:
    observed = world()

    assert decide(observed).empty
    assert decide(observed, now=LATER).empty


def test_a_model_that_is_going_away_is_left_alone() -> None:
    assert decide(world(make_model(deleting=True))) == Plan()


def test_a_second_replica_brings_a_budget_and_the_last_but_one_takes_it() -> None:
    one = serving(make_model())

    plan = decide(edited(one, replicas=2))
    assert applied(plan) == {"PodDisruptionBudget": "absent", "Deployment": "spec.replicas"}

    two = after(edited(one, replicas=2), plan)
    plan = decide(edited(two, replicas=1))
    assert applied(plan) == {"Deployment": "spec.replicas"}
    (delete,) = plan.delete
    assert (delete.ref, delete.uid) == (
        Ref(POD_DISRUPTION_BUDGET, "ai", "llama"),
        child(two, POD_DISRUPTION_BUDGET)["metadata"]["uid"],
    )
    assert decide(after(edited(two, replicas=1), plan)).delete == ()


def test_a_probe_with_the_models_labels_is_no_replica_that_a_drain_waits_for() -> None:
    selector = child(serving(make_model(**TWO)), POD_DISRUPTION_BUDGET)["spec"]["selector"]
    labels = {"app.kubernetes.io/managed-by": "bolwerk", "bolwerk.dev/model": "llama"}

    assert matches(selector, labels)
    assert not matches(selector, {**labels, RUN_LABEL: "0123456789"})


def test_what_is_being_deleted_is_not_deleted_again() -> None:
    two = serving(make_model(**TWO))
    budget = changed(child(two, POD_DISRUPTION_BUDGET), "metadata.deletionTimestamp", "2026-11-24T07:00:00Z")

    assert decide(edited(with_child(two, POD_DISRUPTION_BUDGET, budget), replicas=1)).delete == ()


def test_an_owned_child_of_another_name_is_deleted() -> None:
    observed = serving(make_model())
    stray = changed(child(observed, SERVICE), "metadata.name", "stray")
    observed = replace(observed, children={**observed.children, SERVICE: (child(observed, SERVICE), stray)})

    (delete,) = decide(observed).delete
    assert delete.ref == Ref(SERVICE, "ai", "stray")


def test_another_engine_changes_address_wall_and_pods() -> None:
    plan = decide(edited(serving(make_model()), engine=TRITON))

    assert set(applied(plan)) == {"ServiceAccount", "NetworkPolicy", "Service", "ConfigMap", "Deployment"}


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"access": {"clients": [{"podSelector": {}}]}}, id="clients"),
        pytest.param({"replicas": 3}, id="replicas"),
        pytest.param({"rollout": {"strategy": "Recreate"}}, id="the strategy"),
    ],
)
def test_a_wish_that_is_not_about_pods_restarts_none(spec: Any) -> None:
    observed = edited(serving(make_model()), **spec)
    settled_again = after(observed, decide(observed))

    before, now = child(observed, DEPLOYMENT), child(settled_again, DEPLOYMENT)
    assert now["spec"]["template"] == before["spec"]["template"]
    assert condition(settled_again.model["status"], "Serving")["reason"] in (Reason.ANSWERING, Reason.PARTLY_ANSWERING)


def test_an_api_key_is_about_pods() -> None:
    plan = decide(edited(serving(make_model()), access={"apiKeySecretRef": {"name": "a", "key": "b"}}))

    assert set(applied(plan)) == {"Deployment"}


@pytest.mark.parametrize(
    ("spec", "settings", "want_reason"),
    [
        pytest.param(
            {"podTemplate": {"spec": {"hostNetwork": True}}}, SETTINGS, Reason.POD_TEMPLATE_REFUSED, id="patch"
        ),
        pytest.param({"gpu": {"count": 2}}, Settings(), Reason.NO_ENGINE_IMAGE, id="no image"),
    ],
)
def test_an_objection_keeps_the_running_pods_and_still_heals_the_wall(
    spec: Any, settings: Settings, want_reason: Reason
) -> None:
    observed = edited(serving(make_model()), **spec)
    opened = with_child(observed, NETWORK_POLICY, changed(child(observed, NETWORK_POLICY), "spec.egress", [{}]))

    plan = decide(opened, settings=settings)

    assert applied(plan) == {"NetworkPolicy": "spec.egress"}
    assert plan.delete == ()
    assert condition(plan, "Stalled")["reason"] == want_reason


def test_an_invalid_spec_leaves_every_child_alone() -> None:
    observed = serving(make_model(**TWO))

    plan = decide(edited(observed, engine={"vllm": {}, "triton": {"models": ["a"]}}))

    assert (plan.apply, plan.delete) == ((), ())
    assert condition(plan, "Stalled")["reason"] == Reason.INVALID_SPEC
    assert "exactly one of triton, vllm" in condition(plan, "Stalled")["message"]


def test_a_refusal_decides_the_status_and_not_the_next_try() -> None:
    fresh = world(make_model(), claim=make_claim())
    refusal = Refusal(Ref(SERVICE_ACCOUNT, "ai", "llama"), Reason.NAME_TAKEN, "it exists: delete it")

    plan = decide(replace(fresh, refusals=(refusal,)))

    assert len(plan.apply) == len(decide(fresh).apply)
    assert condition(plan, "Ready")["message"] == "ServiceAccount llama: it exists: delete it"
    assert [event.reason for event in plan.events] == [Reason.NAME_TAKEN]


def test_a_policy_that_opens_egress_is_told_and_not_deleted() -> None:
    observed = serving(make_model())
    foreign = make_policy(policyTypes=["Egress"], egress=[{}])

    plan = decide(replace(observed, policies=(*observed.policies, foreign)))

    assert (plan.apply, plan.delete) == ((), ())
    assert [(event.type, event.reason) for event in plan.events] == [("Warning", Reason.OPENED_BY_POLICY)]
