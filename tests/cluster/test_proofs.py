"""A node is measured on a real control plane; KWOK plays its kubelet, so that no probe ever says anything."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

import needing
from cluster.operating import apply, get, renewed, wait_for, wait_until_led_by, writes
from harness import operator
from harness.controlplane import ControlPlane
from harness.operator import NAMESPACE, RELEASE, Operator
from harness.simulation import H100, Simulation

pytestmark = pytest.mark.cluster

NODE = "gpu-a"
CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "models", "namespace": "team"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
MODEL = {
    "apiVersion": "bolwerk.dev/v1alpha1",
    "kind": "LocalModel",
    "metadata": {"name": "chat", "namespace": "team"},
    "spec": {
        "model": {"source": {"persistentVolumeClaim": {"claimName": "models"}}},
        "engine": {"vllm": {}},
        "gpu": {"count": 1},
    },
}
PROBES = "--selector=bolwerk.dev/proof-run"


@pytest.fixture(scope="module")
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    needing.programs(
        request, "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "helm", "kwok"
    )
    with ControlPlane(tmp_path_factory.mktemp("proofs"), controllers=True, scheduler=True) as running:
        operator.install(running)
        with Simulation(running) as nodes:
            nodes.add_gpu_node(NODE, H100, count=1)
            running.kubectl("create", "namespace", "team")
            for thing in (CLAIM, MODEL):
                apply(running, thing)
            yield running


def probes(plane: ControlPlane) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(plane.kubectl("get", "pods", "--all-namespaces", PROBES, "--output=json"))[
        "items"
    ]
    return found


def proofs(plane: ControlPlane) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(plane.kubectl("get", "isolationproofs", "--output=json"))["items"]
    return found


def uids(pods: list[dict[str, Any]]) -> set[str]:
    return {each["metadata"]["uid"] for each in pods}


def as_kubelet(plane: ControlPlane, pod: dict[str, Any], status: dict[str, Any]) -> None:
    metadata = pod["metadata"]
    plane.kubectl(
        "patch", "pod", metadata["name"], f"--namespace={metadata['namespace']}", "--subresource=status",
        "--type=merge", f"--patch={json.dumps({'status': status})}",
        f"--as=system:node:{NODE}", "--as-group=system:nodes", "--as-group=system:masters",
    )  # fmt: skip


def test_a_run_ends_in_a_proof_that_only_the_operator_stores_and_deletes(plane: ControlPlane) -> None:
    with Operator(plane) as running:
        wait_until_led_by(plane, running)
        wait_for(lambda: len(probes(plane)) > 1, "the pods of a first run", seconds=90)
        made = probes(plane)
        control, treatment = sorted(made, key=lambda each: each["metadata"]["labels"]["bolwerk.dev/proof-arm"])
        assert treatment["metadata"]["ownerReferences"][0]["kind"] == "LocalModel"
        pod_is_as_it_has_to_be(control, plane)
        nobody_else_has_a_hand_in_it(plane, control)

    with Operator(plane, name="second") as running:
        wait_until_led_by(plane, running)
        assert uids(probes(plane)) == uids(made), "the run goes on"
        for pod in made:
            as_kubelet(plane, pod, {"phase": "Failed", "reason": "DeadlineExceeded"})
        wait_for(lambda: proofs(plane), "a proof", seconds=60)
        wait_for(lambda: not probes(plane), "the pods of the run to be gone", seconds=60)
        (proof,) = proofs(plane)
        assert (proof["spec"]["verdict"], proof["spec"]["node"]) == ("Inconclusive", NODE)
        for arguments in (
            ["delete", "isolationproof", proof["metadata"]["name"]],
            ["label", "isolationproof", proof["metadata"]["name"], "seen=yes"],
        ):
            with pytest.raises(RuntimeError, match="only Bolwerk"):
                plane.kubectl(*arguments)
        forged = {**proof, "metadata": {"name": "forged"}}
        with pytest.raises(RuntimeError, match="only Bolwerk"):
            plane.kubectl("create", "--filename=-", stdin=json.dumps(forged))

        mark = plane.audit.mark()
        wait_for(lambda: renewed(plane, mark, running, times=3), "three renewals", seconds=60)
        assert writes(plane, mark, running) == Counter()


def test_the_operator_itself_writes_its_own_and_nothing_else(plane: ControlPlane) -> None:
    """RBAC cannot bind its rights to names that nobody knows yet, so the API server looks at what it writes."""
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "somebodys"},
        "spec": {"containers": [{"name": "main", "image": "registry.example/main:1"}]},
    }
    labelled = {"name": "bolwerk-proof-x", "labels": {"bolwerk.dev/proof-run": "x"}}
    plane.kubectl("create", "namespace", "elsewhere")
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    plane.kubectl("apply", "--filename=-", "--namespace=elsewhere", stdin=json.dumps(account))
    plane.kubectl("create", "configmap", "somebodys", "--namespace=elsewhere", "--from-literal=a=b")
    plane.kubectl("create", "--filename=-", "--namespace=elsewhere", stdin=json.dumps(pod))
    on_host = {**pod["spec"], "hostNetwork": True}
    tries: list[tuple[list[str], Any]] = [
        (["create", "configmap", "mine", "--from-literal=a=b"], None),
        (["patch", "configmap", "somebodys", '--patch={"data":{"a":"c"}}'], None),
        (["delete", "configmap", "somebodys"], None),
        (["create", "--filename=-"], {**pod, "metadata": {"name": "mine"}}),
        (["create", "--filename=-"], {**pod, "metadata": {"name": "bolwerk-proof-x"}}),
        (["create", "--filename=-"], {**pod, "metadata": labelled, "spec": on_host}),
        (["delete", "pod", "somebodys"], None),
    ]
    for arguments, stdin in tries:
        with pytest.raises(RuntimeError, match="this ServiceAccount is Bolwerk's"):
            plane.kubectl(
                *arguments, "--namespace=elsewhere", f"--as=system:serviceaccount:{NAMESPACE}:{RELEASE}",
                stdin=json.dumps(stdin) if stdin else None,
            )  # fmt: skip


def pod_is_as_it_has_to_be(pod: dict[str, Any], plane: ControlPlane) -> None:
    metadata, spec = pod["metadata"], pod["spec"]
    (owner,) = metadata["ownerReferences"]
    node = get(plane, "node", NODE, "")
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("Node", node["metadata"]["uid"], True)
    assert (metadata["namespace"], spec["nodeName"], spec["automountServiceAccountToken"]) == (NAMESPACE, NODE, False)
    assert metadata["labels"]["bolwerk.dev/proof-arm"] == "control"


def nobody_else_has_a_hand_in_it(plane: ControlPlane, pod: dict[str, Any]) -> None:
    name = pod["metadata"]["name"]
    stolen = {"metadata": {"name": "mine", "labels": {"bolwerk.dev/proof-run": "x"}}, "spec": pod["spec"]}
    tries: list[tuple[list[str], str]] = [
        (["label", "pod", name, "a=b"], ""),
        (["exec", name, "--", "true"], ""),
        (["attach", name], ""),
        (["patch", "pod", name, "--subresource=status", "--type=merge", '--patch={"status":{"phase":"Failed"}}'], ""),
        (["create", "--filename=-"], json.dumps({"apiVersion": "v1", "kind": "Pod", **stolen})),
    ]
    for arguments, stdin in tries:
        with pytest.raises(RuntimeError, match="one of Bolwerk's probes"):
            plane.kubectl(f"--namespace={NAMESPACE}", *arguments, stdin=stdin or None)
