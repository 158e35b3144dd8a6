"""The status: which condition says what in which world, in one word, and what tools make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bolwerk.core.kinds import DEPLOYMENT, NETWORK_POLICY, SERVICE_ACCOUNT, Ref
from bolwerk.core.model.observed import Observed
from bolwerk.core.plan import Refusal
from bolwerk.core.reasons import Reason
from bolwerk.core.settings import Settings
from core import kstatus
from core.builders import (
    FROM_IMAGE,
    SETTINGS,
    UID,
    after,
    child,
    condition,
    decide,
    hash_of,
    make_claim,
    make_container,
    make_deployment,
    make_model,
    make_pod,
    make_policy,
    serving,
    settled,
    with_child,
    world,
)

World = Callable[[], Observed]


@dataclass(frozen=True)
class Case:
    """A world, and what the status says about it.

    `about` is the condition that has to tell `reason`; `ready` is the reason of Ready itself.
    """

    name: str
    world: World
    about: str
    reason: Reason
    status: str
    message: str
    ready: Reason
    phase: str
    kstatus: str
    settings: Settings = SETTINGS


def pods(*made: Any, claim: Any = None, policies: tuple[Any, ...] = (), **spec: Any) -> Observed:
    """Return a settled world with pods of the present template, made from its hash."""
    observed = settled(make_model(**spec), claim=claim or make_claim())
    found = tuple(each(hash_of(observed)) if callable(each) else each for each in made)
    return replace(observed, pods=found, policies=(*observed.policies, *policies))


def pod(**fields: Any) -> Callable[[str], Any]:
    return lambda template_hash: make_pod(template_hash, **fields)


def rollout(observed: Observed, **status: Any) -> Observed:
    return with_child(observed, DEPLOYMENT, make_deployment(child(observed, DEPLOYMENT), **status))


def refused(kind: Any, reason: Reason) -> Observed:
    return replace(pods(), refusals=(Refusal(Ref(kind, "ai", "llama"), reason, "the API server's words"),))


def overruled() -> Observed:
    """Return a world in which a webhook adds a way out to the wall."""
    observed = serving(make_model())
    wall = child(observed, NETWORK_POLICY)
    return with_child(observed, NETWORK_POLICY, {**wall, "spec": {**wall["spec"], "egress": [{}]}})


WAITING_IMAGE = make_container(waiting=("ErrImagePull", "failed to pull registry.example/models/llama:1: not found"))
WAITING_ENGINE = make_container(waiting=("ErrImagePull", "failed to pull registry.example/vllm:v0.32.0: denied"))
CRASHING = make_container(ended={"exitCode": 1, "message": "ValueError: no"})
NO_SECRET = make_container(waiting=("CreateContainerConfigError", 'secret "keys" not found'))
RUNNING = make_container(running=True)
FORBIDDEN = [
    {"type": "ReplicaFailure", "status": "True", "message": 'pods "llama-5f6-x7k2p" is forbidden: exceeded quota: gpus'}
]
TOO_LATE = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
ALL_OUT: dict[str, Any] = {"policyTypes": ["Egress"], "egress": [{}]}

CASES = [
    Case("the claim does not exist", lambda: settled(make_model()), "ModelAvailable", Reason.CLAIM_MISSING, "False",
         "does not exist in ai: create it", Reason.CLAIM_MISSING, "WaitingForModel", "InProgress"),
    Case("the claim is not bound", lambda: pods(claim=make_claim("Pending")), "ModelAvailable", Reason.CLAIM_PENDING,
         "Unknown", "StorageClass", Reason.CLAIM_PENDING, "WaitingForModel", "InProgress"),
    Case("the claim lost its volume", lambda: pods(claim=make_claim("Lost")), "ModelAvailable", Reason.CLAIM_LOST,
         "False", "restore it", Reason.CLAIM_LOST, "WaitingForModel", "InProgress"),
    Case("the claim is bound and there is no pod yet", pods, "ModelAvailable", Reason.CLAIM_BOUND, "True", "is bound",
         Reason.WAITING_FOR_PODS, "WaitingForNode", "InProgress"),
    Case("no pod has mounted the image yet", lambda: pods(pod(), model=FROM_IMAGE), "ModelAvailable",
         Reason.IMAGE_NOT_MOUNTED_YET, "Unknown", "when a pod starts", Reason.IMAGE_NOT_MOUNTED_YET,
         "WaitingForModel", "InProgress"),
    Case("the model's image cannot be pulled", lambda: pods(pod(containers=(WAITING_IMAGE,)), model=FROM_IMAGE),
         "ModelAvailable", Reason.IMAGE_PULL_FAILED, "False", "not found", Reason.IMAGE_PULL_FAILED, "Failing",
         "InProgress"),
    Case("a pod has mounted the image", lambda: pods(pod(containers=(RUNNING,)), model=FROM_IMAGE), "ModelAvailable",
         Reason.IMAGE_MOUNTED, "True", "is mounted", Reason.ENGINE_STARTING, "Loading", "InProgress"),
    Case("the scheduler has no node", lambda: pods(pod(unschedulable="0/3 nodes: Insufficient nvidia.com/gpu")),
         "Scheduled", Reason.UNSCHEDULABLE, "False", "Insufficient nvidia.com/gpu", Reason.UNSCHEDULABLE,
         "WaitingForNode", "InProgress"),
    Case("the cluster refuses the pods", lambda: rollout(pods(), conditions=FORBIDDEN), "Scheduled",
         Reason.PODS_REFUSED, "False", "the cluster refuses the pods: pods is forbidden: exceeded quota: gpus",
         Reason.PODS_REFUSED, "Failing", "InProgress"),
    Case("one of two replicas has a node", lambda: pods(pod(), replicas=2), "Scheduled", Reason.WAITING_FOR_PODS,
         "Unknown", "1 of 2", Reason.WAITING_FOR_PODS, "WaitingForNode", "InProgress"),
    Case("the replica has a node", lambda: pods(pod()), "Scheduled", Reason.PLACED, "True", "1 of 1",
         Reason.ENGINE_STARTING, "Loading", "InProgress"),
    Case("the engine loads", lambda: pods(pod(containers=(RUNNING,))), "Serving", Reason.ENGINE_STARTING, "False",
         "up to 30 minutes", Reason.ENGINE_STARTING, "Loading", "InProgress"),
    Case("the engine crashes", lambda: pods(pod(containers=(CRASHING,))), "Serving", Reason.ENGINE_CRASHING, "False",
         "ValueError: no", Reason.ENGINE_CRASHING, "Failing", "InProgress"),
    Case("the engine's image cannot be pulled", lambda: pods(pod(containers=(WAITING_ENGINE,))), "Serving",
         Reason.IMAGE_PULL_FAILED, "False", "denied", Reason.IMAGE_PULL_FAILED, "Failing", "InProgress"),
    Case("a Secret is missing", lambda: pods(pod(containers=(NO_SECRET,))), "Serving", Reason.CONTAINER_NOT_STARTED,
         "False", "keys", Reason.CONTAINER_NOT_STARTED, "Failing", "InProgress"),
    Case("the engine took too long", lambda: rollout(pods(pod(containers=(RUNNING,))), conditions=TOO_LATE), "Serving",
         Reason.DEADLINE_EXCEEDED, "False", "rollout.startupTimeoutSeconds", Reason.DEADLINE_EXCEEDED, "Stalled",
         "Failed"),
    Case("no replica has a node yet", pods, "Serving", Reason.WAITING_FOR_PLACEMENT, "False", "no replica",
         Reason.WAITING_FOR_PODS, "WaitingForNode", "InProgress"),
    Case("one of two replicas answers", lambda: pods(pod(ready=True), pod(), replicas=2), "Serving",
         Reason.PARTLY_ANSWERING, "False", "1 of 2", Reason.PARTLY_ANSWERING, "Degraded", "InProgress"),
    Case("one answers and the other crashes", lambda: pods(pod(ready=True), pod(containers=(CRASHING,)), replicas=2),
         "Serving", Reason.ENGINE_CRASHING, "False", "1 of 2 replicas answer; the engine exits", Reason.ENGINE_CRASHING,
         "Failing", "InProgress"),
    Case("every replica answers", lambda: pods(pod(ready=True)), "Serving", Reason.ANSWERING, "True", "1 of 1",
         Reason.READY, "Ready", "Current"),
    Case("only pods of an earlier template answer", lambda: pods(pod(), make_pod("old", ready=True)), "Serving",
         Reason.ENGINE_STARTING, "False", "the pods of an earlier generation still answer", Reason.ENGINE_STARTING,
         "Loading", "InProgress"),
    Case("no replicas are asked for", lambda: pods(replicas=0), "Serving", Reason.SCALED_TO_ZERO, "False",
         "no replicas", Reason.SCALED_TO_ZERO, "Stopped", "Current"),
    Case("nothing is measured yet", lambda: pods(pod(ready=True)), "Isolated", Reason.NOT_PROVEN, "Unknown",
         "no probe has measured yet", Reason.READY, "Ready", "Current"),
    Case("another policy lets the pods out", lambda: pods(pod(ready=True), policies=(make_policy(**ALL_OUT),)),
         "Isolated", Reason.OPENED_BY_POLICY, "False", "NetworkPolicy foreign", Reason.OPENED_BY_POLICY, "NotIsolated",
         "Failed"),
    Case("a policy with rules for egress that is not about egress",
         lambda: pods(pod(ready=True), policies=(make_policy(policyTypes=["Ingress"], egress=[{}]),)),
         "Isolated", Reason.NOT_PROVEN, "Unknown", "denies all egress", Reason.READY, "Ready", "Current"),
    Case("a policy lets other pods out",
         lambda: pods(pod(ready=True), policies=(make_policy(**ALL_OUT, podSelector={"matchLabels": {"a": "b"}}),)),
         "Isolated", Reason.NOT_PROVEN, "Unknown", "denies all egress", Reason.READY, "Ready", "Current"),
    Case("a policy of somebody else denies too",
         lambda: pods(pod(ready=True), policies=(make_policy(policyTypes=["Egress"]),)),
         "Isolated", Reason.NOT_PROVEN, "Unknown", "denies all egress", Reason.READY, "Ready", "Current"),
    Case("the wall itself was refused", lambda: refused(NETWORK_POLICY, Reason.REFUSED_BY_CLUSTER), "Isolated",
         Reason.NOT_SEALED, "False", "was refused: the API server's words", Reason.REFUSED_BY_CLUSTER, "Stalled",
         "Failed"),
    Case("something overrules the wall", overruled, "Isolated", Reason.NOT_SEALED, "False", "find out who changes it",
         Reason.NOT_SEALED, "NotIsolated", "Failed"),
    Case("a name is taken", lambda: refused(SERVICE_ACCOUNT, Reason.NAME_TAKEN), "Stalled", Reason.NAME_TAKEN, "True",
         "ServiceAccount llama: the API server's words", Reason.NAME_TAKEN, "Stalled", "Failed"),
    Case("the cluster refuses a child", lambda: refused(DEPLOYMENT, Reason.REFUSED_BY_CLUSTER), "Stalled",
         Reason.REFUSED_BY_CLUSTER, "True", "Deployment llama", Reason.REFUSED_BY_CLUSTER, "Stalled", "Failed"),
    Case("the spec means nothing", lambda: world(make_model(engine={})), "Stalled", Reason.INVALID_SPEC, "True",
         "spec.engine: ", Reason.INVALID_SPEC, "Stalled", "Failed"),
    Case("there is no engine image", lambda: world(make_model()), "Stalled", Reason.NO_ENGINE_IMAGE, "True",
         "set engine.vllm.image", Reason.NO_ENGINE_IMAGE, "Stalled", "Failed", settings=Settings()),
    Case("the patch leads around the wall", lambda: world(make_model(podTemplate={"spec": {"hostNetwork": True}})),
         "Stalled", Reason.POD_TEMPLATE_REFUSED, "True", "remove it", Reason.POD_TEMPLATE_REFUSED, "Stalled", "Failed"),
]  # fmt: skip

PRODUCED_ELSEWHERE = {Reason.SEAL_RESTORED: "test_reconcile: an Event, never a condition"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_status_answers_why_not(case: Case) -> None:
    observed = case.world()
    status = after(observed, decide(observed, settings=case.settings)).model["status"]

    about, ready = condition(status, case.about), condition(status, "Ready")
    assert (about["reason"], about["status"]) == (case.reason, case.status)
    assert case.message in about["message"]
    assert ready["reason"] == case.ready
    assert status["phase"] == case.phase


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_tools_that_wait_come_to_the_same_verdict(case: Case) -> None:
    observed = case.world()
    model = after(observed, decide(observed, settings=case.settings)).model

    assert kstatus.verdict(model) == case.kstatus


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_abnormal_is_there_only_while_it_is_so(case: Case) -> None:
    observed = case.world()
    status = after(observed, decide(observed, settings=case.settings)).model["status"]

    exceptional = [each for each in status["conditions"] if each["type"] in ("Reconciling", "Stalled")]
    assert all(each["status"] == "True" for each in exceptional)
    assert len(exceptional) <= 1
    assert status["conditions"][0]["type"] == "Ready"
    assert {each["observedGeneration"] for each in status["conditions"]} == {observed.model["metadata"]["generation"]}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_message_names_what_changes_by_itself(case: Case) -> None:
    observed = case.world()
    status = after(observed, decide(observed, settings=case.settings)).model["status"]

    for each in status["conditions"]:
        assert UID not in each["message"]
        assert "x7k2p" not in each["message"], "a generated pod name"
        assert "\n" not in each["message"]


def test_an_edit_that_is_not_looked_at_yet_is_in_progress() -> None:
    model = serving(make_model()).model

    assert kstatus.verdict(model) == "Current"
    assert kstatus.verdict({**model, "metadata": {**model["metadata"], "generation": 2}}) == "InProgress"


def test_a_deployment_that_has_not_seen_the_edit_yet_says_nothing() -> None:
    observed = pods(pod(containers=(RUNNING,)))
    stale = make_deployment(child(observed, DEPLOYMENT), generation=2, conditions=TOO_LATE)
    stale["status"]["observedGeneration"] = 1

    plan = decide(with_child(observed, DEPLOYMENT, stale))

    assert condition(plan, "Serving")["reason"] == Reason.ENGINE_STARTING


def test_the_status_counts_pods_and_tells_the_address() -> None:
    observed = rollout(pods(pod(ready=True), pod(), make_pod("old", ready=True), replicas=2), replicas=3)
    status = decide(observed).status

    assert status is not None
    assert (status["replicas"], status["readyReplicas"], status["servingGeneration"]) == (3, 1, 1)
    assert status["endpoint"] == "http://llama.ai.svc:8000/v1"
    assert status["selector"] == "app.kubernetes.io/managed-by=bolwerk,bolwerk.dev/model=llama"


def test_the_generation_that_serves_stays_the_old_one_during_a_rollout() -> None:
    observed = serving(make_model())
    edited = {**observed.model, "metadata": {**observed.model["metadata"], "generation": 2}}
    edited["spec"] = {**edited["spec"], "model": {**edited["spec"]["model"], "servedName": "new"}}
    observed = replace(observed, model=edited)
    observed = after(observed, decide(observed))

    status = observed.model["status"]
    assert (status["observedGeneration"], status["servingGeneration"]) == (2, 1)
    assert condition(status, "Ready")["status"] == "False"

    gone = replace(observed, pods=())
    assert "servingGeneration" not in after(gone, decide(gone)).model["status"]


def test_an_invalid_spec_keeps_what_was_known() -> None:
    observed = serving(make_model())
    broken = replace(observed, model={**observed.model, "spec": {"model": 5}})

    status = after(broken, decide(broken)).model["status"]

    assert status["endpoint"] == "http://llama.ai.svc:8000/v1"
    assert [each["type"] for each in status["conditions"]] == ["Ready", "Stalled"]
