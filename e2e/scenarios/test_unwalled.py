"""A node whose network plugin takes policies and ignores them: everything looks in order there, and nothing is held.

The same model that serves on the node beside it, behind Cilium, is held by its gate here, and the probes say why.
Control: the NetworkPolicy is there, pods start, DNS and Services work; only policies do not. And without the gate the
same pod goes on to its engine, whose image this node does not have, for it must not come that far.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from harness import dns, images, operator, pods, process, proofs, tiny, wall
from harness.cluster import Cluster
from harness.node import Node
from harness.plugins import bridge
from harness.pods import Destination, Pod
from harness.proofs import Proof

pytestmark = pytest.mark.node

NAMESPACE = "unwalled"
SUBJECT = f"LocalModel {NAMESPACE}/{tiny.NAME}"
DENIED = Pod(NAMESPACE, "denied")
CANARY = f"{operator.RELEASE}-canary"
OPEN = (wall.OUTSIDE_TCP, wall.OUTSIDE_UDP, wall.OUTSIDE_TCP_IPV6, wall.OUTSIDE_UDP_IPV6)
WORKS = (
    Destination("cluster DNS", "name", "registry.example.", 443),
    Destination("a Service", "name", f"{CANARY}.{operator.NAMESPACE}.svc.{dns.DOMAIN}", 8443),
)
DENY_ALL = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "deny-all", "namespace": NAMESPACE},
    "spec": {"podSelector": {"matchLabels": {"app": DENIED.name}}, "policyTypes": ["Ingress", "Egress"]},
}


def _there(node: Node) -> dict[str, Any]:
    """Return what makes a pod run on the node."""
    return {
        "nodeSelector": {"kubernetes.io/hostname": node.name},
        "tolerations": [{**bridge.TAINT, "operator": "Equal"}],
    }


@pytest.fixture(scope="module")
def prepared(unwalled: Node, installed: Cluster) -> Iterator[Cluster]:
    """A namespace, and in it a pod on the node to which a policy denies everything."""
    pods.prepare(installed, pods.namespace(NAMESPACE))
    unwalled.load([images.model()]).finish()
    installed.apply(DENY_ALL, pods.prober(DENIED, **_there(unwalled)))
    installed.wait_for_pods(NAMESPACE, DENIED.name)
    yield installed
    installed.control_plane.kubectl("delete", "namespace", NAMESPACE, "--timeout=180s")


@pytest.fixture(scope="module")
def model(prepared: Cluster, unwalled: Node) -> dict[str, Any]:
    """The LocalModel as it is applied: nothing but where it runs is different from the one that serves."""
    wanted = tiny.local_model(NAMESPACE, tiny.from_image())
    wanted["spec"]["scheduling"] = _there(unwalled)
    prepared.apply(wanted)
    return wanted


def test_pods_start_and_find_services_and_a_policy_that_denies_all_denies_nothing(prepared: Cluster) -> None:
    observed = pods.observe(prepared, [DENIED], (*OPEN, *WORKS))
    assert set(observed.values()) == {"through"}, observed


@pytest.mark.usefixtures("model")
def test_the_gate_holds_the_engine_and_says_why(prepared: Cluster) -> None:
    _held(prepared)
    assert prepared.get("networkpolicy", tiny.NAME, NAMESPACE), "the policy that is ignored has to be there"

    def gave_up() -> str | None:
        gate, _ = _containers(prepared)
        ended = (gate.get("state", {}) | gate.get("lastState", {})).get("terminated", {})
        return str(ended["message"]) if ended.get("exitCode") == 1 else None

    words = process.wait_for(gave_up, what="the gate's last words", seconds=180, every=0.5).strip().removesuffix(".")
    asked = ("get", "lm", tiny.NAME, f"--namespace={NAMESPACE}")
    told = process.wait_for(
        lambda: table if words in (table := prepared.control_plane.kubectl(*asked)) else None,
        what="kubectl get lm to say what the gate said",
        seconds=60,
        every=0.5,
    )
    print(f"\n{told}", flush=True)
    gate, engine = _containers(prepared)
    print(f"    gate {json.dumps(gate)}\n    engine {json.dumps(engine)}", flush=True)
    # Not so much as tried: it waits for the gate and for nothing of its own.
    assert engine["state"] == {"waiting": {"reason": "PodInitializing"}}
    assert not engine.get("lastState")
    assert engine["restartCount"] == 0


@pytest.mark.usefixtures("model")
def test_the_probes_find_that_nothing_is_enforced(prepared: Cluster, unwalled: Node) -> None:
    """Known proofs are of no interest: nothing else of this node was measured before."""

    def of_this(proof: Proof) -> bool:
        return proof.spec["node"] == unwalled.name and SUBJECT in proof.subjects()

    proof = proofs.newer(prepared, {}, of_this, what="a proof of the model")
    assert proof.verdict == "NotEnforced"
    assert set(proof.spec["families"]) == {"IPv4", "IPv6"}
    reached = proof.reached(SUBJECT)
    assert {vector for vector, _ in reached} == {"TCP", "UDP"}
    assert reached == {way for way in proof.ways("Control", "", "Reached") if way[0] in {"TCP", "UDP"}}
    assert _held(prepared)


def test_without_the_gate_the_same_pod_goes_on_to_its_engine(prepared: Cluster, model: dict[str, Any]) -> None:
    """What keeps it from starting is the gate, and the proof is not forgotten."""
    model["spec"]["isolation"] = {"required": False}
    prepared.apply(model)

    def went_on() -> dict[str, Any] | None:
        gate, engine = _containers(prepared)
        waits_for = engine.get("state", {}).get("waiting", {}).get("reason", "")
        return engine if not gate and waits_for in {"ErrImagePull", "ImagePullBackOff"} else None

    process.wait_for(went_on, what="the pod to be past the gate", seconds=120, every=0.5)
    isolated = _condition(prepared, "Isolated")
    print(f"\n    Isolated: {isolated['status']} {isolated['reason']}: {isolated['message']}", flush=True)
    assert isolated["status"] == "False"


def _held(cluster: Cluster) -> str:
    """Wait until the model is held by the gate, and return what its status says."""

    def look() -> str | None:
        isolated, ready = _condition(cluster, "Isolated"), _condition(cluster, "Ready")
        if (isolated.get("status"), isolated.get("reason"), ready.get("status")) != ("False", "GateHolds", "False"):
            return None
        return str(ready["message"])

    return process.wait_for(look, what="the gate to hold", seconds=180, every=0.5)


def _condition(cluster: Cluster, type_: str) -> dict[str, Any]:
    found = cluster.get("localmodel", tiny.NAME, NAMESPACE) or {}
    conditions = found.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == type_), {})


def _containers(cluster: Cluster) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the kubelet says of the gate, and of the engine, of the only pod of the model."""
    selector = f"--selector={tiny.SELECTOR},!{proofs.PROBES}"
    told = cluster.control_plane.kubectl("get", "pods", f"--namespace={NAMESPACE}", selector, "--output=json")
    pods_ = [each for each in json.loads(told)["items"] if not each["metadata"].get("deletionTimestamp")]
    status = pods_[0]["status"] if len(pods_) == 1 else {}
    gates, engines = status.get("initContainerStatuses", ()), status.get("containerStatuses", ())
    return (next(iter(gates), {}), next((each for each in engines if each["name"] == "engine"), {}))
