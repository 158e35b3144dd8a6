"""The main job on a real node: somebody applies a LocalModel, real vLLM answers its client, and nothing gets out.

The tests are one story, told in order. Control: in the same run an unsealed pod on the same node does reach the
outside, and so does the model's own pod while there is neither a policy nor an operator.
"""

import json
import time
from typing import Any

import pytest

from harness import images, network, operator, pods, process, tiny
from harness.cluster import Cluster
from harness.importing import Importing

pytestmark = pytest.mark.node

OUTSIDE = f"https://{network.WORLD}:{network.WORLD_PORT}/"
OUTSIDE_IPV6 = f"https://[{network.WORLD_IPV6}]:{network.WORLD_PORT}/"


def _pod(name: str, namespace: str, **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "main", "image": images.base().reference, "imagePullPolicy": "Never"}],
        },
    }


@pytest.fixture(scope="module")
def prepared(engine: Importing, installed: Cluster) -> Cluster:
    """The engine's image on the node, a claim with the model on it, and three other pods."""
    cluster = installed
    volume = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadOnlyMany"], "storageClassName": ""}
    asked = {"accessModes": ["ReadOnlyMany"], "storageClassName": "", "volumeName": "models"}
    cluster.apply(
        *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in ("models", "clients")),
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": "models"},
            "spec": {**volume, "hostPath": {"path": str(images.model_folder()), "type": "Directory"}},
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "models", "namespace": "models"},
            "spec": {**asked, "resources": {"requests": {"storage": "1Gi"}}},
        },
    )
    for namespace in ("models", "clients"):
        pods.wait_for_account(cluster, namespace)
    cluster.apply(_pod("unsealed", "models"), _pod("chat", "clients", app="chat"), _pod("stranger", "clients"))
    cluster.wait_for_pods("models", "unsealed")
    cluster.wait_for_pods("clients", "chat", "stranger")
    engine.finish()
    return cluster


@pytest.fixture(scope="module")
def serving(prepared: Cluster) -> Cluster:
    """The LocalModel applied and Ready."""
    started = time.monotonic()
    prepared.apply(tiny.local_model("models", tiny.CLAIM, clients="clients"))
    model = prepared.ready("tiny", "models", seconds=tiny.PATIENCE)
    print(f"    Ready {time.monotonic() - started:.0f} s after it was applied", flush=True)
    assert model["status"]["endpoint"] == "http://tiny.models.svc:8000/v1"
    return prepared


def _model_pod(cluster: Cluster) -> str:
    (pod,) = cluster.pods("models", tiny.SELECTOR)
    return pod


def _complete(cluster: Cluster, client: str) -> str | None:
    address = (cluster.get("service", "tiny", "models") or {})["spec"]["clusterIP"]
    body = json.dumps({"model": "tiny", "prompt": "a bulwark", "max_tokens": 4})
    arguments = [f"http://{address}:8000/v1/completions", "--json", body]
    return cluster.curl("clients", client, *arguments, seconds=120 if client == "chat" else 4)


def _answered(cluster: Cluster) -> str:
    """Return what the allowed client is told, which may take its time.

    A first completion on a busy machine can take longer than 20 s, and vLLM logs 200 even for a request that the client
    has given up; and the network learns of a ready pod only after the API server has.
    """
    return process.wait_for(lambda: _complete(cluster, "chat"), what="an answer to the client", seconds=240, every=1)


def test_an_allowed_client_gets_a_completion(serving: Cluster) -> None:
    asked = time.monotonic()
    answer = json.loads(_answered(serving))
    print(f"    answered after {time.monotonic() - asked:.1f} s", flush=True)
    assert answer["choices"][0]["finish_reason"] in {"length", "stop"}, answer
    assert answer["usage"]["completion_tokens"] > 0


def test_a_client_that_is_not_allowed_gets_nothing(serving: Cluster) -> None:
    assert _complete(serving, "stranger") is None


@pytest.mark.parametrize("outside", [OUTSIDE, OUTSIDE_IPV6])
def test_the_model_reaches_nothing_while_an_unsealed_pod_of_its_node_does(serving: Cluster, outside: str) -> None:
    assert serving.curl("models", "unsealed", outside) is not None, "the control arm must get through"
    before = len(serving.world.connections())
    assert serving.curl("models", _model_pod(serving), outside) is None
    assert len(serving.world.connections()) == before, "no connection may reach the outside world"


def test_a_policy_that_is_deleted_stands_again(serving: Cluster) -> None:
    plane = serving.control_plane
    old = (serving.get("networkpolicy", "tiny", "models") or {})["metadata"]["uid"]
    plane.kubectl("delete", "networkpolicy", "tiny", "--namespace=models")
    deleted = time.monotonic()
    process.wait_for(
        lambda: (
            (serving.get("networkpolicy", "tiny", "models") or {"metadata": {"uid": old}})["metadata"]["uid"] != old
        ),
        what="the policy to stand again",
        seconds=30,
        every=0.02,
    )
    print(f"    the policy stood again within {time.monotonic() - deleted:.2f} s", flush=True)
    _closed(serving)
    events = plane.kubectl("get", "events", "--namespace=models", "--output=jsonpath={.items[*].reason}")
    assert "SealRestored" in events.split()


def test_a_policy_that_is_widened_is_narrowed_again(serving: Cluster) -> None:
    patch = [{"op": "replace", "path": "/spec/egress", "value": [{}]}]
    policy = serving.get("networkpolicy", "tiny", "models") or {}
    if "egress" not in policy["spec"]:
        patch[0]["op"] = "add"
    serving.control_plane.kubectl(
        *("patch", "networkpolicy", "tiny", "--namespace=models", "--type=json", f"--patch={json.dumps(patch)}")
    )
    widened = time.monotonic()
    process.wait_for(
        lambda: (
            not (serving.get("networkpolicy", "tiny", "models") or {"spec": {"egress": [{}]}})["spec"].get("egress")
        ),
        what="the policy to be narrowed again",
        seconds=30,
        every=0.02,
    )
    print(f"    the policy was narrowed again within {time.monotonic() - widened:.2f} s", flush=True)
    _closed(serving)


def test_without_policy_and_operator_the_same_packets_get_out(serving: Cluster) -> None:
    """Proves that the tests above can fail: it is the policy that stops the packets, and the operator that keeps it."""
    plane = serving.control_plane
    scale = ("scale", f"deployment/{operator.RELEASE}", f"--namespace={operator.NAMESPACE}")
    plane.kubectl(*scale, "--replicas=0")
    try:
        process.wait_for(
            lambda: not serving.pods(operator.NAMESPACE, operator.SELECTOR),
            what="the operator to be gone",
            seconds=90,
            every=0.5,
        )
        assert serving.curl("models", _model_pod(serving), OUTSIDE) is None, "the wall stands without the operator"
        plane.kubectl("delete", "networkpolicy", "tiny", "--namespace=models")
        process.wait_for(
            lambda: serving.curl("models", _model_pod(serving), OUTSIDE),
            what="the model's pod to reach the outside, now that nothing stops it",
            seconds=60,
        )
    finally:
        plane.kubectl(*scale, "--replicas=2")
    process.wait_for(lambda: serving.get("networkpolicy", "tiny", "models"), what="the policy", seconds=120, every=0.2)
    _closed(serving)


def test_a_model_from_an_image_serves_too(serving: Cluster) -> None:
    """The same model, mounted from an OCI image, after the first one has given its GPU back."""
    serving.control_plane.kubectl("delete", "localmodel", "tiny", "--namespace=models", "--wait=true")
    process.wait_for(
        lambda: not serving.pods("models", tiny.SELECTOR),
        what="the first model's pod to be gone",
        seconds=180,
        every=0.5,
    )
    serving.apply(tiny.local_model("models", tiny.from_image(), clients="clients"))
    serving.ready("tiny", "models", seconds=tiny.PATIENCE)
    assert _answered(serving)
    assert serving.curl("models", _model_pod(serving), OUTSIDE) is None


def _closed(cluster: Cluster) -> None:
    """Wait until the network plugin has taken the policy in: from then on nothing gets out."""
    process.wait_for(
        lambda: cluster.curl("models", _model_pod(cluster), OUTSIDE, seconds=2) is None,
        what="the model's pod to be sealed again",
        seconds=60,
    )
