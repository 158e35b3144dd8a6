"""Pods that come to nothing, and worlds that change while they are measured."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from typing import Any

import pytest

from bolwerk.core.conclusion import ref_of
from bolwerk.core.kinds import POD
from bolwerk.core.plan import Apply
from bolwerk.core.proof.pods import ARM_LABEL
from bolwerk.core.proof.standing import standing
from core.proof.cluster import Cluster, pod_of, started
from core.proof.networks import is_control


def test_a_pod_that_never_starts_is_told_in_the_kubelets_words() -> None:
    def no_sandbox(pod: dict[str, Any], _: datetime) -> None:
        waiting = {"name": "probe", "state": {"waiting": {"reason": "ContainerCreating"}}}
        conditions = [{"type": "PodReadyToStartContainers", "status": "False"}]
        pod["status"] = {"phase": "Pending", "conditions": conditions, "containerStatuses": [waiting]}

    cluster = Cluster(kubelet=no_sandbox)
    proof = cluster.measure()

    assert proof["verdict"] == "Inconclusive"
    assert "was not started in 120 seconds: ContainerCreating; it has no network yet" in proof["message"]
    assert cluster.now - cluster.begun["gpu-1"] < timedelta(seconds=130)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        pytest.param({"phase": "Failed", "reason": "OutOfpods", "message": "Node didn't have enough resource: pods"},
                     "OutOfpods: Node didn't have", id="a full node"),
        pytest.param({"phase": "Failed", "reason": "DeadlineExceeded"}, "DeadlineExceeded", id="too late"),
        pytest.param({"phase": "Pending", "containerStatuses": [
            {"name": "probe", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}}]},
            "ImagePullBackOff: not found", id="no image"),
        pytest.param({}, "the kubelet has not taken it up", id="a node that sleeps"),
        pytest.param({"phase": "Running", "containerStatuses": [{"name": "probe", "state": {"running": {}}}]},
                     "had not ended 180 seconds after", id="a probe that hangs"),
    ],
)  # fmt: skip
def test_a_pod_that_comes_to_nothing_is_inconclusive(status: dict[str, Any], words: str) -> None:
    cluster = started()
    treatment = pod_of(cluster, "LocalModel ai/llama")["metadata"]["uid"]

    def kubelet(pod: dict[str, Any], now: datetime) -> None:
        if pod["metadata"]["uid"] == treatment:
            pod["status"] = copy.deepcopy(status)
        else:
            cluster.run(pod, now)

    cluster.kubelet = kubelet
    proof = cluster.measure()

    assert proof["verdict"] == "Inconclusive"
    assert words in proof["message"]
    assert cluster.now - cluster.begun["gpu-1"] < timedelta(seconds=200)
    wall = standing(
        cluster.proofs(), node="gpu-1", subject="Namespace ai", now=cluster.now, stale_after=timedelta(days=3)
    )
    assert wall.verdict == "Proven", "the other subject is none the worse for it"


def test_a_pod_that_is_deleted_meanwhile_is_inconclusive() -> None:
    cluster = started(kubelet=lambda *_: None)
    cluster.tick(100)
    victim = pod_of(cluster, "LocalModel ai/llama")
    del cluster.objects[ref_of(POD, victim)]
    cluster.kubelet = None
    proof = cluster.measure()

    assert proof["verdict"] == "Inconclusive"
    assert f"pod ai/{victim['metadata']['name']} was deleted before it had answered" in proof["message"]


def test_a_pod_that_is_deleted_early_is_made_again() -> None:
    cluster = started()
    del cluster.objects[ref_of(POD, pod_of(cluster, "LocalModel ai/llama"))]

    assert cluster.measure()["verdict"] == "Proven"


def test_a_control_that_says_no_more_what_it_is_for_is_none() -> None:
    cluster = started()
    del pod_of(cluster, "")["metadata"]["annotations"]["bolwerk.dev/proof-inputs"]
    cluster.now += timedelta(seconds=1)
    cluster.look()

    assert cluster.measure()["verdict"] == "Proven"
    assert len(cluster.proofs()) == 1


def test_a_run_without_its_control_is_forgotten_and_begun_anew() -> None:
    cluster = started()
    first = {each["metadata"]["uid"] for each in cluster.pods()}
    [control] = [each for each in cluster.pods() if is_control(each)]
    del cluster.objects[ref_of(POD, control)]
    cluster.now += timedelta(seconds=1)
    cluster.look()

    assert first.isdisjoint(each["metadata"]["uid"] for each in cluster.pods())
    assert cluster.measure()["verdict"] == "Proven"
    assert len(cluster.proofs()) == 1


@pytest.mark.parametrize(("arm", "others"), [("control", "Inconclusive"), ("treatment", "Proven")])
def test_a_pod_that_the_cluster_refuses_is_told_and_the_others_are_tried(arm: str, others: str) -> None:
    def admission(apply: Apply) -> str:
        labels = apply.manifest["metadata"]["labels"]
        is_refused = labels.get(ARM_LABEL) == arm and (arm == "control" or "bolwerk.dev/model" in labels)
        return 'exceeded quota: pods "10"' if is_refused else ""

    cluster = Cluster(admission=admission)
    proof = cluster.measure()

    assert proof["verdict"] == "Inconclusive"
    assert 'was refused: exceeded quota: pods "10"' in proof["message"]
    wall = standing(
        cluster.proofs(), node="gpu-1", subject="Namespace ai", now=cluster.now, stale_after=timedelta(days=3)
    )
    assert wall.verdict == others
    cluster.tick(60)
    assert len(cluster.proofs()) == 1, "it is tried again, and not at once"


def test_the_world_that_changes_during_a_run_is_measured_anew() -> None:
    cluster = started()
    cluster.canary = None
    cluster.look()
    assert not cluster.pods(), "the control tries what is no more"
    assert not cluster.proofs()

    assert cluster.measure()["verdict"] == "Proven"


def test_a_subject_that_goes_during_a_run_takes_its_pods_with_it() -> None:
    cluster = started()
    cluster.models = ()
    cluster.look()
    proof = cluster.measure()

    assert {each["subject"] for each in proof["observations"]} == {"", "Namespace ai"}
    assert proof["verdict"] == "Proven"


def test_pods_that_only_look_like_ours_are_left_alone() -> None:
    cluster = started()
    theirs = copy.deepcopy(pod_of(cluster, "LocalModel ai/llama"))
    theirs["metadata"] |= {"name": "mine", "uid": "theirs", "ownerReferences": []}
    theirs["metadata"]["labels"][ARM_LABEL] = "control"
    cluster.objects[ref_of(POD, theirs)] = theirs
    cluster.until(lambda: bool(cluster.proofs()))
    cluster.tick(60)

    assert [each["metadata"]["name"] for each in cluster.pods()] == ["mine"]
    assert cluster.proofs()[0]["spec"]["verdict"] == "Proven"
