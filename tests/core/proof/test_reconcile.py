"""Runs, from the first look at a node to the proof, in a cluster whose network does what the test says."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from bolwerk.core.kinds import ISOLATION_PROOF, POD
from bolwerk.core.plan import Apply
from bolwerk.core.proof.pods import ARM_LABEL
from bolwerk.core.proof.standing import standing
from bolwerk.core.proof.task import Target
from core.proof.cluster import (
    MODEL,
    NOW,
    POLICY,
    SERVICE,
    SETTINGS,
    Cluster,
    Network,
    but,
    is_canary,
    is_control,
    node,
    open_to_all,
    walled,
)

Pod = Mapping[str, Any]
HOURS = 3600


def treated(pod: Pod) -> bool:
    return bool(pod["metadata"]["labels"][ARM_LABEL] == "treatment")


def out(target: Target, pod: Pod) -> bool:
    return treated(pod) and target.arm == "Treatment"


def arms(cluster: Cluster) -> list[str]:
    return [each["metadata"]["labels"][ARM_LABEL] for each in cluster.pods()]


def pod_of(cluster: Cluster, subject: str) -> dict[str, Any]:
    [found] = [
        each for each in cluster.pods() if each["metadata"]["annotations"]["bolwerk.dev/proof-subject"] == subject
    ]
    return found


def started(**changes: Any) -> Cluster:
    """Return a cluster in which a run has just begun."""
    cluster = Cluster(**changes)
    cluster.until(lambda: bool(cluster.pods()))
    return cluster


def test_a_wall_that_holds_is_proven_once_and_then_nothing_is_written() -> None:
    cluster = Cluster()
    cluster.look()
    assert not cluster.pods(), "what has just changed has to settle first"
    cluster.tick(29)
    assert not cluster.pods()

    proof = cluster.measure()

    assert (proof["verdict"], proof["trigger"], proof["families"]) == ("Proven", "Onboarding", ["IPv4", "IPv6"])
    assert proof["policy"] == "government"
    assert proof["provenance"]["probeImage"] == f"{SETTINGS.image}@sha256:{'7' * 64}"
    assert proof["notChecked"]["hostNetworkPods"] == 4
    assert not cluster.pods()
    assert cluster.writes == 3 + 1 + 3, "three pods are made, one proof is written, three pods go"
    cluster.tick(20 * HOURS)
    for _ in range(5):
        cluster.look()
    assert cluster.writes == 7

    cluster.until(lambda: bool(cluster.pods()), seconds=7 * HOURS, step=60)
    again = cluster.measure()

    assert (again["trigger"], again["verdict"]) == ("Interval", "Proven")
    assert timedelta(hours=21.6) < cluster.begun["gpu-1"] - NOW < timedelta(hours=26.5)


def test_an_operator_that_starts_anew_goes_on_with_the_run() -> None:
    cluster = started()
    run = {each["metadata"]["labels"]["bolwerk.dev/proof-run"] for each in cluster.pods()}
    cluster.since.clear()
    cluster.wake.clear()

    proof = cluster.measure()

    assert {proof["run"]} == run
    assert len(cluster.proofs()) == 1


@pytest.mark.parametrize("left", [1, 2])
def test_an_operator_that_died_while_it_made_the_pods_makes_the_others(left: int) -> None:
    cluster = started()
    for ref in [ref for ref, each in cluster.objects.items() if not is_control(each)][left - 1 :]:
        del cluster.objects[ref]
    cluster.wake.clear()

    assert cluster.measure()["verdict"] == "Proven"


def test_an_operator_that_died_before_it_deleted_the_pods_writes_no_second_proof() -> None:
    cluster = started()
    cluster.until(lambda: all(each.get("status", {}).get("phase") == "Succeeded" for each in cluster.pods()))
    kept = [copy.deepcopy(each) for each in cluster.pods()]
    cluster.measure() if not cluster.proofs() else None
    for each in kept:
        cluster.objects[_ref(each)] = each

    plan = cluster.look()

    assert not plan.apply
    assert not cluster.pods()
    assert len(cluster.proofs()) == 1


LEAK_6: Network = but(walled, "Connected", when=lambda t, p: out(t, p) and t.family == "IPv6" and t.vector == "TCP")
DEAF: Network = but(walled, "TimedOut", when=lambda t, _: is_canary(t))
NO_6: Network = but(walled, "Unreachable", when=lambda t, _: t.family == "IPv6", d="ENETUNREACH")


@pytest.mark.parametrize(
    ("network", "verdict", "words"),
    [
        pytest.param(open_to_all, "NotEnforced", "LocalModel ai/llama reached everything", id="nothing is enforced"),
        pytest.param(LEAK_6, "Bypass", "by TCP: it reached TCP [", id="IPv6 leaks"),
        pytest.param(DEAF, "Inconclusive", "did not get through over IPv4 either", id="there is no control"),
        pytest.param(
            NO_6,
            "Inconclusive",
            "did not get through over IPv6 either, to none of TCP [fd00",
            id="pods have IPv6 and no canary is reached by it",
        ),
        pytest.param(
            but(walled, "Connected", when=lambda t, p: out(t, p) and t.vector == "Proxy"),
            "Bypass",
            "Proxy 10.20.1.3:3128 to 203.0.113.10:443",
            id="a proxy within",
        ),
        pytest.param(
            but(walled, "Answered", when=lambda t, p: out(t, p) and t.to == "api.chat.com", d="10.20.9.9"),
            "Bypass",
            "by Name: it reached Name api.chat.com",
            id="a private endpoint",
        ),
        pytest.param(
            but(walled, "Answered", when=lambda t, p: out(t, p) and t.to == "api.chat.com", d="10.20.1.3,198.51.100.7"),
            "Proven",
            "was blocked from all",
            id="a name that leads where the wall is",
        ),
        pytest.param(
            but(walled, "TimedOut", when=lambda t, _: t.arm == "Function" and t.vector == "DNS"),
            "OverBlocked",
            "Namespace ai is shut in where it has to get through: DNS the cluster's DNS",
            id="names do not resolve",
        ),
        pytest.param(
            but(walled, "Refused", when=out, d="ECONNREFUSED"), "Proven", "was blocked", id="a wall that refuses"
        ),
        pytest.param(
            but(walled, "Refused", when=lambda t, _: t.vector == "Proxy", d="ECONNREFUSED"),
            "Bypass",
            "by Proxy",
            id="a proxy that refuses everybody was asked by everybody",
        ),
        pytest.param(
            but(walled, "Refused", when=lambda t, p: out(t, p) and t.vector == "DNS", d="REFUSED"),
            "Bypass",
            "by DNS",
            id="a resolver that says no was reached",
        ),
        pytest.param(
            but(walled, "NoSuchName", when=lambda t, p: out(t, p) and t.vector == "DNS"),
            "Bypass",
            "by DNS",
            id="a resolver that knows no such name was reached",
        ),
        pytest.param(
            but(walled, "Connected", when=lambda t, p: out(t, p) and t.vector == "Metadata"),
            "Bypass",
            "by Metadata",
            id="metadata",
        ),
        pytest.param(
            but(walled, "Refused", when=lambda t, p: out(t, p) and t.vector == "Metadata"),
            "Proven",
            "was blocked",
            id="nobody at the metadata address",
        ),
    ],
)
def test_a_network_gets_the_verdict_that_it_deserves(network: Network, verdict: str, words: str) -> None:
    proof = Cluster(network=network).measure()

    assert proof["verdict"] == verdict, proof["message"]
    assert words in proof["message"]


def test_ipv4_only_is_proven_for_ipv4_only() -> None:
    proof = Cluster(network=NO_6, families=("10.244.1.{}",)).measure()

    assert (proof["verdict"], proof["families"]) == ("Proven", ["IPv4"])


def test_air_gapped_the_own_canary_is_the_control() -> None:
    inside = but(walled, "TimedOut", when=lambda t, _: is_canary(t) and not t.address.startswith(("10.96", "fd00:96")))
    proof = Cluster(network=inside, policies=()).measure()
    gapped = Cluster(network=inside).measure()

    assert (proof["verdict"], proof["airGapped"]) == ("Proven", True)
    assert gapped["airGapped"]
    assert gapped["verdict"] == "Inconclusive", "the wall of a governed namespace lets its own canary through"
    assert "Namespace ai" in gapped["message"]
    assert not Cluster().measure()["airGapped"]


def test_a_client_that_does_not_get_through_is_told() -> None:
    serving = {**MODEL, "status": {"readyReplicas": 1}}
    shut = but(walled, "TimedOut", when=lambda t, _: t.address == "10.96.0.7")
    proof = Cluster(models=(serving,), network=shut).measure()

    assert proof["verdict"] == "OverBlocked"
    assert "LocalModel ai/llama" in proof["message"]
    assert Cluster(models=(serving,)).measure()["verdict"] == "Proven"


def test_a_model_that_is_out_of_service_need_not_answer() -> None:
    serving = {**MODEL, "status": {"readyReplicas": 1}}
    out_of_service = {
        **SERVICE,
        "spec": {**SERVICE["spec"], "selector": {"bolwerk.dev/out-of-service": "not-isolated"}},
    }
    proof = Cluster(
        models=(serving,),
        services=(out_of_service,),
        network=but(walled, "TimedOut", when=lambda t, _: t.address == "10.96.0.7"),
    ).measure()

    assert proof["verdict"] == "Proven"
    assert any("out of service" in each for each in proof["notChecked"]["reasons"])


# What goes wrong on the way.


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
    del cluster.objects[_ref(victim)]
    cluster.kubelet = None
    proof = cluster.measure()

    assert proof["verdict"] == "Inconclusive"
    assert f"pod ai/{victim['metadata']['name']} was deleted before it had answered" in proof["message"]


def test_a_pod_that_is_deleted_early_is_made_again() -> None:
    cluster = started()
    del cluster.objects[_ref(pod_of(cluster, "LocalModel ai/llama"))]

    assert cluster.measure()["verdict"] == "Proven"


def test_a_run_without_its_control_is_forgotten_and_begun_anew() -> None:
    cluster = started()
    first = {each["metadata"]["uid"] for each in cluster.pods()}
    [control] = [each for each in cluster.pods() if is_control(each)]
    del cluster.objects[_ref(control)]
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
    cluster.objects[_ref(theirs)] = theirs
    cluster.until(lambda: bool(cluster.proofs()))
    cluster.tick(60)

    assert [each["metadata"]["name"] for each in cluster.pods()] == ["mine"]
    assert cluster.proofs()[0]["spec"]["verdict"] == "Proven"


# When.


def test_a_change_is_measured_once_it_has_settled() -> None:
    cluster = Cluster()
    cluster.measure()
    for generation in (2, 3, 4):
        cluster.policies = ({**POLICY, "metadata": {**POLICY["metadata"], "generation": generation}},)
        cluster.look()
        cluster.tick(20)
        assert not cluster.pods()
    changed = cluster.now - timedelta(seconds=20)
    proof = cluster.measure()

    assert proof["trigger"] == "Change"
    assert timedelta(seconds=30) <= cluster.begun["gpu-1"] - changed <= timedelta(seconds=32)
    cluster.tick(600)
    assert len(cluster.proofs()) == 2


def test_what_is_not_proven_is_tried_again_less_and_less_often() -> None:
    cluster = Cluster(network=open_to_all)
    begun = []
    for _ in range(7):
        cluster.until(lambda: not cluster.pods(), step=5)
        cluster.until(lambda: bool(cluster.pods()), seconds=2 * HOURS, step=5)
        begun.append(cluster.now)
    minutes = [round((after - before).total_seconds() / 60) for before, after in pairwise(begun)]

    assert minutes == [5, 10, 20, 40, 60, 60]

    cluster.network = walled
    assert cluster.measure()["verdict"] == "Proven"
    cluster.tick(2 * HOURS)
    assert not cluster.pods()


def test_a_node_that_is_away_is_not_measured() -> None:
    away = node(conditions=[{"type": "Ready", "status": "Unknown"}])
    cluster = Cluster(nodes=[away])
    cluster.tick(600)
    assert not cluster.objects

    cluster.nodes = [node()]
    cluster.look()
    assert cluster.measure()["verdict"] == "Proven"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"models": (), "policies": ()}, id="nobody to speak for"),
        pytest.param({"settings": SETTINGS.__class__(namespace="bolwerk")}, id="no image"),
        pytest.param({"canary": None, "policies": ()}, id="no canary"),
        pytest.param({"nodes": [{**node(), "metadata": {**node()["metadata"], "deletionTimestamp": "x"}}]}, id="going"),
    ],
)
def test_nothing_is_measured_where_nothing_can_be(changes: dict[str, Any]) -> None:
    cluster = Cluster(**changes)
    for _ in range(5):
        cluster.tick(60)
        cluster.look()

    assert not cluster.objects


def test_five_nodes_at_a_time_and_all_of_them_in_the_end() -> None:
    names = [f"gpu-{number}" for number in range(24)]
    cluster = Cluster(nodes=[node(name) for name in names])
    cluster.until(lambda: len(cluster.of(ISOLATION_PROOF)) == len(names), seconds=900)

    assert cluster.most_at_once == SETTINGS.proof_concurrency
    cluster.until(lambda: not cluster.of(POD))
    writes = cluster.writes
    cluster.tick(HOURS)
    cluster.tick(HOURS)
    assert cluster.writes == writes


def _ref(pod: Mapping[str, Any]) -> Any:
    return Apply(POD, dict(pod), "").ref
