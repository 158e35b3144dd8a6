"""Documents that count and those that do not: only what the very pod of the run wrote, in its life, says anything."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from bolwerk.core.proof.document import Result
from core.proof.cluster import Cluster, pod_of, started, task_in

Pod = dict[str, Any]
Forge = Callable[[Cluster, Pod, Pod], None]
"""What somebody does to a pod that has ended; the third is another pod of the run."""


def rewritten(**changes: Any) -> Forge:
    def forge(cluster: Cluster, pod: Pod, _: Pod) -> None:
        cluster.end(pod, cluster.document(pod, cluster.now, **changes), cluster.now)

    return forge


def said(text: str) -> Forge:
    return lambda cluster, pod, _: cluster.end(pod, text, cluster.now)


def later(seconds: float) -> Forge:
    def forge(cluster: Cluster, pod: Pod, _: Pod) -> None:
        finished = cluster.now + timedelta(seconds=seconds)
        text = cluster.document(pod, cluster.now, started=finished - timedelta(seconds=1), finished=finished)
        cluster.end(pod, text, cluster.now)

    return forge


def of_another(cluster: Cluster, pod: Pod, other: Pod) -> None:
    cluster.end(pod, cluster.document(other, cluster.now), cluster.now)


def changed(change: Callable[[Pod], Any]) -> Forge:
    return lambda _cluster, pod, _other: change(pod)


def container(pod: Pod) -> Any:
    return pod["spec"]["containers"][0]


def status(pod: Pod) -> Any:
    return pod["status"]["containerStatuses"][0]


FORGERIES = [
    ("nothing", said(""), "left no document"),
    ("no JSON", said("all is well"), "the document of pod ai/"),
    ("cut off", lambda c, p, _: c.end(p, c.document(p, c.now)[:-40], c.now), "the document of pod ai/"),
    ("huge", said(json.dumps({"v": 1, "run": "x" * 5000})), "4096"),
    ("more than was asked for", said('{"verdict":"Proven"}'), "the document of pod ai/"),
    ("of another run", rewritten(run="feedbeef00"), "run"),
    ("of another pod", rewritten(pod="made-99"), "pod"),
    ("another pod's, word for word", of_another, "pod"),
    ("of another node", rewritten(node="gpu-2"), "node"),
    ("of other addresses", rewritten(addresses=("10.244.1.99",)), "address"),
    ("of one family only", rewritten(addresses=("10.244.1.2",)), "address"),
    ("with too few results", rewritten(results=(Result(o="TimedOut"),)), "result"),
    ("of yesterday", later(-24 * 3600), ""),
    ("of tomorrow", later(24 * 3600), ""),
    ("from a pod that was started twice", changed(lambda p: status(p).update(restartCount=1)), "more than once"),
    ("by another image", changed(lambda p: container(p).update(image="registry.example/liar:1")), "the image of"),
    ("by another program", changed(lambda p: container(p).update(command=["true"])), "the command of"),
    ("with arguments", changed(lambda p: container(p).update(args=["--fine"])), "the args of"),
    ("with another task", changed(lambda p: container(p)["env"][0].update(value="{}")), "the env of"),
    ("with a variable too many", changed(lambda p: container(p)["env"].append({"name": "LD_PRELOAD"})), "the env of"),
    ("from the node's network", changed(lambda p: p["spec"].update(hostNetwork=True)), "node's own network"),
    ("with a debugger in it", changed(lambda p: p["spec"].update(ephemeralContainers=[{}])), "ephemeral container"),
    ("with another label", changed(lambda p: p["metadata"]["labels"].update({"bolwerk.dev/model": "x"})), "labels"),
    ("on another node", changed(lambda p: p["spec"].update(nodeName="gpu-2")), "another node"),
    ("of another owner", changed(lambda p: p["metadata"]["ownerReferences"][0].update(uid="x")), "somebody else"),
    ("of nobody's", changed(lambda p: p["metadata"].update(ownerReferences=[])), "somebody else"),
    ("as another account", changed(lambda p: p["spec"].update(serviceAccountName="admin")), "ServiceAccount"),
]


@pytest.mark.parametrize(("forge", "words"), [pytest.param(*rest, id=name) for name, *rest in FORGERIES])
def test_a_document_that_is_not_the_pods_own_is_refused(forge: Forge, words: str) -> None:
    """The network lets everything out, and the document says that all is blocked: nothing may come of that."""
    cluster = started()
    victim, other = pod_of(cluster, "LocalModel ai/llama"), pod_of(cluster, "Namespace ai")

    def kubelet(pod: Pod, now: datetime) -> None:
        phase = pod.get("status", {}).get("phase")
        cluster.run(pod, now)
        if pod is victim and phase == "Running" and pod["status"]["phase"] == "Succeeded":
            forge(cluster, pod, other)

    cluster.kubelet = kubelet
    proof = cluster.measure()

    assert proof["verdict"] == "Inconclusive"
    assert "LocalModel ai/llama" in proof["message"]
    assert words in proof["message"]


def test_what_the_api_server_adds_to_a_pod_does_not_matter() -> None:
    cluster = started()
    for pod in cluster.pods():
        assert task_in(pod).targets
        pod["spec"] |= {"dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler", "priority": 0}
        pod["spec"]["serviceAccountName"] = pod["spec"].get("serviceAccountName", "default")
        pod["spec"]["containers"][0] |= {
            "imagePullPolicy": "IfNotPresent",
            "terminationMessagePath": "/dev/termination-log",
        }
        pod["spec"]["containers"].append({"name": "mesh"})
        pod["metadata"]["labels"]["mesh"] = "on"

    assert cluster.measure()["verdict"] == "Proven"
