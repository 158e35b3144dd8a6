"""The reconciliation: what is written for which change of the world, and above all what is not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from core.builders import (
    LATER,
    SETTINGS,
    TRITON,
    after,
    child,
    condition,
    decide,
    make_claim,
    make_model,
    make_pod,
    make_policy,
    serving,
    settled,
    with_child,
)

from bolwerk.core.kinds import DEPLOYMENT, NETWORK_POLICY, POD_DISRUPTION_BUDGET, SERVICE, SERVICE_ACCOUNT, Kind, Ref
from bolwerk.core.model.children.deployment import INPUT_HASH, TEMPLATE_HASH
from bolwerk.core.model.observed import CHILD_KINDS, Observed
from bolwerk.core.model.status import transitions
from bolwerk.core.plan import Plan, Refusal
from bolwerk.core.reasons import Reason
from bolwerk.core.settings import Settings

TWO = {"replicas": 2}
NEWER = Settings(vllm_image="registry.example/vllm:v0.99.0", triton_image=SETTINGS.triton_image)


def applied(plan: Plan) -> dict[str, str]:
    return {apply.kind.name: apply.because for apply in plan.apply}


def edited(observed: Observed, *, annotations: dict[str, str] | None = None, **spec: Any) -> Observed:
    """Return the world in which the user has changed the spec, which makes a new generation of it."""
    metadata = {**observed.model["metadata"], "annotations": annotations or {}}
    metadata["generation"] += 1 if spec else 0
    model = {**observed.model, "metadata": metadata, "spec": {**observed.model["spec"], **spec}}
    return replace(observed, model=model)


def changed(live: Any, path: str, value: Any) -> Any:
    """Return a copy with one field, by its dotted path, set to another value."""
    copied = copy.deepcopy(live)
    *parents, last = path.split(".")
    node = copied
    for parent in parents:
        node = node[int(parent)] if isinstance(node, list) else node[parent]
    node[int(last) if isinstance(node, list) else last] = value
    return copied


# Creation and the steady state


def test_a_new_model_gets_the_wall_before_the_pods() -> None:
    plan = decide(Observed(make_model(**TWO)))

    assert list(applied(plan)) == [
        "ServiceAccount", "NetworkPolicy", "Service", "PodDisruptionBudget", "Deployment",
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
    assert decide(Observed(make_model(deleting=True))) == Plan()


# Drift


@pytest.mark.parametrize("kind", CHILD_KINDS, ids=lambda kind: kind.name)
def test_a_deleted_child_comes_back(kind: Kind) -> None:
    observed = with_child(serving(make_model(**TWO)), kind, None)

    assert applied(decide(observed)) == {kind.name: "absent"}


@pytest.mark.parametrize(
    ("kind", "path", "value", "want_because"),
    [
        pytest.param(SERVICE_ACCOUNT, "automountServiceAccountToken", True, "automountServiceAccountToken", id="token"),
        pytest.param(SERVICE, "spec.ports.0.port", 9000, "spec.ports[http].port", id="a port"),
        pytest.param(SERVICE, "spec.type", "LoadBalancer", "spec.type", id="the service goes public"),
        pytest.param(SERVICE, "spec.selector.extra", "x", "spec.selector", id="the service selects nothing"),
        pytest.param(POD_DISRUPTION_BUDGET, "spec.maxUnavailable", 0, "spec.maxUnavailable", id="a drain is blocked"),
        pytest.param(DEPLOYMENT, "spec.replicas", 9, "spec.replicas", id="somebody scaled the Deployment"),
        pytest.param(DEPLOYMENT, "spec.template.spec.containers.0.image", "evil", "spec.template.spec.containers[engine].image", id="another image"),
        pytest.param(DEPLOYMENT, "spec.template.spec.hostNetwork", True, "spec.template.spec.hostNetwork", id="the node's network"),
        pytest.param(DEPLOYMENT, "metadata.ownerReferences", [], "metadata.ownerReferences[11111111-2222-3333-4444-555555555555]", id="an orphan"),
        pytest.param(DEPLOYMENT, "metadata.labels", {}, "metadata.labels.app.kubernetes.io/managed-by", id="labels taken away"),
        pytest.param(NETWORK_POLICY, "spec.egress", [{}], "spec.egress", id="a way out"),
        pytest.param(NETWORK_POLICY, "spec.policyTypes", ["Ingress"], "spec.policyTypes", id="not about egress any more"),
        pytest.param(NETWORK_POLICY, "spec.ingress", [], "spec.ingress", id="clients are shut out"),
        pytest.param(NETWORK_POLICY, "spec.ingress.0.from.1", {"podSelector": {}}, "spec.ingress[0].from[1]", id="one peer became another"),
        pytest.param(NETWORK_POLICY, "spec.ingress.0.from.0.namespaceSelector", {}, "spec.ingress[0].from[0].namespaceSelector", id="a peer of every namespace"),
        pytest.param(NETWORK_POLICY, "spec.ingress.0.from.0.podSelector", {}, "spec.ingress[0].from[0].podSelector", id="a peer became everybody"),
        pytest.param(NETWORK_POLICY, "spec.ingress.0.ports", [], "spec.ingress[0].ports", id="every port"),
        pytest.param(NETWORK_POLICY, "spec.podSelector.matchLabels.extra", "x", "spec.podSelector.matchLabels", id="the wall around fewer pods"),
        pytest.param(NETWORK_POLICY, "spec.podSelector", {"matchLabels": {"a": "b"}}, "spec.podSelector.matchLabels", id="the wall around other pods"),
    ],
)  # fmt: skip
def test_drift_is_healed_and_nothing_else_is_touched(kind: Kind, path: str, value: Any, want_because: str) -> None:
    clients = [{"podSelector": {"matchLabels": {"app": "chat"}}}, {"namespaceSelector": {"matchLabels": {"a": "b"}}}]
    observed = serving(make_model(**TWO, access={"clients": clients}))
    damaged = with_child(observed, kind, changed(child(observed, kind), path, value))

    plan = decide(damaged)

    because = applied(plan)
    assert list(because) == [kind.name]
    assert because[kind.name].startswith(want_because)
    assert decide(after(damaged, plan)).apply == ()


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        *(
            pytest.param(kind, f"metadata.{where}", {"foreign": "1"}, id=f"{where} on a {kind.name}")
            for kind in CHILD_KINDS for where in ("labels", "annotations")
        ),
        pytest.param(SERVICE, "spec.externalTrafficPolicy", "Cluster", id="a field of the Service that is not ours"),
        pytest.param(DEPLOYMENT, "spec.minReadySeconds", 5, id="a field of the Deployment that is not ours"),
    ],
)  # fmt: skip
def test_what_others_add_is_theirs(kind: Kind, path: str, value: Any) -> None:
    observed = serving(make_model(**TWO))
    live = child(observed, kind)
    if isinstance(value, dict):
        value = {**(live["metadata"].get(path.split(".")[1]) or {}), **value}

    assert decide(with_child(observed, kind, changed(live, path, value))).empty


def test_a_restored_wall_is_told_once_and_a_changed_wish_is_no_damage() -> None:
    observed = serving(make_model())
    opened = with_child(observed, NETWORK_POLICY, changed(child(observed, NETWORK_POLICY), "spec.egress", [{}]))

    (apply,) = decide(opened).apply
    assert apply.event is not None
    assert apply.event.reason == Reason.SEAL_RESTORED
    assert apply.event.message == "NetworkPolicy llama was found changed at spec.egress and has been restored"

    (apply,) = decide(with_child(observed, NETWORK_POLICY, None)).apply
    assert apply.event is not None
    assert "was found deleted" in apply.event.message

    (apply,) = decide(edited(observed, access={"clients": [{"podSelector": {}}]})).apply
    assert apply.event is None


# Changes of the wish


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

    assert set(applied(plan)) == {"ServiceAccount", "NetworkPolicy", "Service", "Deployment"}


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


# An upgrade of the operator


def test_an_upgrade_of_the_operator_restarts_nothing() -> None:
    assert decide(serving(make_model()), settings=NEWER).empty


def test_during_a_hold_back_every_other_field_is_healed() -> None:
    observed = serving(make_model())
    scaled = with_child(observed, DEPLOYMENT, changed(child(observed, DEPLOYMENT), "spec.replicas", 7))

    (apply,) = decide(scaled, settings=NEWER).apply

    assert apply.because == "spec.replicas"
    assert apply.manifest["spec"]["replicas"] == 1
    assert apply.manifest["spec"]["template"] == child(observed, DEPLOYMENT)["spec"]["template"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("hostNetwork", True, id="the node's network"),
        pytest.param("serviceAccountName", "admin", id="another identity"),
        pytest.param("automountServiceAccountToken", True, id="a token"),
        pytest.param("containers.0.securityContext.privileged", True, id="privilege"),
    ],
)
def test_a_template_that_somebody_opened_is_not_held_back(path: str, value: Any) -> None:
    observed = serving(make_model())
    opened = changed(child(observed, DEPLOYMENT), f"spec.template.spec.{path}", value)

    (apply,) = decide(with_child(observed, DEPLOYMENT, opened), settings=NEWER).apply

    assert apply.manifest["spec"]["template"]["spec"]["containers"][0]["image"] == NEWER.vllm_image


def test_a_hash_that_somebody_changed_is_read_from_the_pods_template_and_healed() -> None:
    observed = serving(make_model())
    live = child(observed, DEPLOYMENT)
    forged = changed(live, "metadata.annotations", {**live["metadata"]["annotations"], TEMPLATE_HASH: "forged"})

    (apply,) = decide(with_child(observed, DEPLOYMENT, forged), settings=NEWER).apply

    assert apply.because == f"metadata.annotations.{TEMPLATE_HASH}"
    assert apply.manifest["spec"]["template"] == live["spec"]["template"]


def test_a_deployment_of_unknown_origin_is_not_held_back() -> None:
    observed = serving(make_model())
    live = child(observed, DEPLOYMENT)
    bare = changed(live, "metadata.annotations", {INPUT_HASH: live["metadata"]["annotations"][INPUT_HASH]})
    bare = changed(bare, "spec.template.metadata.annotations", {})

    (apply,) = decide(with_child(observed, DEPLOYMENT, bare), settings=NEWER).apply

    assert apply.manifest["spec"]["template"]["spec"]["containers"][0]["image"] == NEWER.vllm_image


@pytest.mark.parametrize(
    "wish",
    [
        pytest.param({"annotations": {"bolwerk.dev/refresh": "2"}}, id="the annotation refresh"),
        pytest.param({"gpu": {"count": 2}}, id="an edit of the spec"),
    ],
)
def test_the_users_wish_moves_the_pods_to_what_is_built_today(wish: Any) -> None:
    plan = decide(edited(serving(make_model()), **wish), settings=NEWER)

    (apply,) = plan.apply
    assert apply.manifest["spec"]["template"]["spec"]["containers"][0]["image"] == NEWER.vllm_image


# Objections and refusals


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
    fresh = Observed(make_model(), claim=make_claim())
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


# Events


def _line(type_: str, status: str, reason: str = "R") -> dict[str, str]:
    return {"type": type_, "status": status, "reason": reason, "message": "m"}


@pytest.mark.parametrize(
    ("before", "now", "want"),
    [
        pytest.param([], [_line("Ready", "True")], ["Normal R"], id="it became ready"),
        pytest.param([_line("Ready", "True")], [_line("Ready", "True")], [], id="it still is"),
        pytest.param([_line("Ready", "True")], [_line("Ready", "False")], ["Warning R"], id="it is no longer"),
        pytest.param([], [_line("Ready", "False")], [], id="it is not yet"),
        pytest.param([_line("Ready", "False", "A")], [_line("Ready", "False", "B")], [], id="for another reason"),
        pytest.param([], [_line("Stalled", "True")], ["Warning R"], id="it stalled"),
        pytest.param(
            [_line("Stalled", "True", "A")], [_line("Stalled", "True")], ["Warning R"], id="for another reason too"
        ),
        pytest.param([], [_line("Isolated", "False")], ["Warning R"], id="it is open"),
        pytest.param([], [_line("Isolated", "Unknown"), _line("Scheduled", "False")], [], id="nothing that is news"),
        pytest.param(
            [_line("Ready", "True", "Ready")],
            [_line("Ready", "False"), _line("Isolated", "False"), _line("Stalled", "True")],
            ["Warning R"],
            id="three conditions that turn for one reason are one Event",
        ),
    ],
)
def test_events_are_transitions(before: Any, now: Any, want: list[str]) -> None:
    assert [f"{event.type} {event.reason}" for event in transitions(before, now)] == want


def test_a_pod_that_only_changes_the_schedulers_words_is_a_write_and_no_event() -> None:
    observed = settled(make_model(), claim=make_claim())
    digest = child(observed, DEPLOYMENT)["metadata"]["annotations"][TEMPLATE_HASH]
    observed = replace(observed, pods=(make_pod(digest, unschedulable="0/3 nodes"),))
    observed = after(observed, decide(observed))

    plan = decide(replace(observed, pods=(make_pod(digest, unschedulable="0/4 nodes"),)))

    assert plan.status is not None
    assert plan.events == ()
