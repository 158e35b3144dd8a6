"""Pods that try to get somewhere, and what they say of it: `harness.probe`, run inside the cluster.

Used by the scenarios. A destination is tried from inside a pod's own network, through whatever resolver and wall that
pod has; many pods try many destinations at once.
"""

import concurrent.futures
import contextlib
import dataclasses
import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import images, process
from harness.cluster import Cluster

SERVICE_PORT = 8080
_PROBE = Path(__file__).with_name("probe.py")
_SCRIPT = "/probe/probe.py"
_STOP = "/tmp/stop"  # noqa: S108 - in the pod


@dataclasses.dataclass(frozen=True, order=True)
class Pod:
    """A pod by name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclasses.dataclass(frozen=True)
class Destination:
    """Where a pod may try to get, and how."""

    name: str
    kind: str
    host: str
    port: int
    onward: str = ""
    """What a proxy is asked for."""

    def words(self) -> list[str | int]:
        """Return it as the probe wants it."""
        return [self.kind, self.host, self.port, self.onward]


@dataclasses.dataclass(frozen=True)
class Outlasted:
    """How long a pod got through; instants in seconds since 1970."""

    answers: int
    """On the connection that stood."""
    answered: float
    """When the last of them came."""
    ended: str
    """How that connection ended."""
    opened: float
    """When the last new connection was made, or 0."""


def namespace(name: str, **labels: str) -> dict[str, Any]:
    """Return a namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def prober(pod: Pod, *command: str, **spec: Any) -> dict[str, Any]:
    """Return a pod that can be asked to try destinations, or runs another command of the probe."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": pod.name, "namespace": pod.namespace, "labels": {"app": pod.name}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            # A resolver that does not answer is given up soon.
            "dnsConfig": {"options": [{"name": "timeout", "value": "1"}, {"name": "attempts", "value": "2"}]},
            "containers": [
                {
                    "name": "main",
                    "image": images.base().reference,
                    "imagePullPolicy": "Never",
                    "command": ["python3", _SCRIPT, *command] if command else ["sleep", "infinity"],
                    "volumeMounts": [{"name": "probe", "mountPath": "/probe"}],
                }
            ],
            "volumes": [{"name": "probe", "configMap": {"name": "probe"}}],
            **spec,
        },
    }


def hammerer(pod: Pod, destinations: Sequence[Destination]) -> dict[str, Any]:
    """Return a pod that tries destinations from its very first instruction on; see `hammered`."""
    return prober(pod, "hammer", _STOP, _words(destinations), restartPolicy="Never")


def hammered(cluster: Cluster, pod: Pod) -> dict[str, dict[str, int]]:
    """End such a pod's work and return what became of its attempts: destination -> outcome -> how often."""
    plane = cluster.control_plane
    _run(cluster, pod, "touch", _STOP)
    where = (f"--namespace={pod.namespace}", f"pod/{pod.name}")
    plane.kubectl("wait", *where, "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    counts: dict[str, dict[str, int]] = json.loads(plane.kubectl("logs", *where))
    return counts


def script(namespace: str) -> dict[str, Any]:
    """Return the ConfigMap that carries the probe into a namespace."""
    data = {_PROBE.name: _PROBE.read_text(encoding="utf-8")}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "probe", "namespace": namespace},
        "data": data,
    }


def prepare(cluster: Cluster, *namespaces: Mapping[str, Any]) -> None:
    """Make namespaces in which probers can run."""
    cluster.apply(*map(dict, namespaces), *(script(each["metadata"]["name"]) for each in namespaces))
    for each in namespaces:
        wait_for_account(cluster, each["metadata"]["name"])


def wait_for_account(cluster: Cluster, namespace: str) -> None:
    """Wait until pods may be made in a new namespace."""
    look = functools.partial(cluster.get, "serviceaccount", "default", namespace)
    process.wait_for(look, what="the default ServiceAccount", seconds=60, every=0.2)


def service(pod: Pod) -> dict[str, Any]:
    """Return a Service in front of a pod."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": pod.name, "namespace": pod.namespace},
        "spec": {"selector": {"app": pod.name}, "ports": [{"port": SERVICE_PORT}]},
    }


def observe(
    cluster: Cluster, probers: Sequence[Pod], destinations: Sequence[Destination]
) -> dict[tuple[str, str], str]:
    """Let every pod try every destination, all at once, and return (pod, destination) -> what became of it."""
    asked = _words(destinations)
    names = [destination.name for destination in destinations]
    with concurrent.futures.ThreadPoolExecutor() as threads:
        told = threads.map(lambda pod: json.loads(_ask(cluster, pod, "try", asked)), probers)
        return {
            (str(pod), name): verdict
            for pod, verdicts in zip(probers, told, strict=True)
            for name, verdict in zip(names, verdicts, strict=True)
        }


def resolve(cluster: Cluster, pod: Pod, names: Sequence[str]) -> dict[str, str]:
    """Return what a pod's resolver says of each name."""
    answers: dict[str, str] = json.loads(_ask(cluster, pod, "resolve", stdin="\n".join(names)))
    return answers


@contextlib.contextmanager
def hammering(cluster: Cluster, pod: Pod, destinations: Sequence[Destination]) -> Iterator[dict[str, dict[str, int]]]:
    """Let a pod try destinations all the time; what is given is filled with the counts when the block has ended."""
    counts: dict[str, dict[str, int]] = {}
    asked = _words(destinations)
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as thread:
        _run(cluster, pod, "rm", "-f", _STOP)
        running = thread.submit(_ask, cluster, pod, "hammer", _STOP, asked)
        try:
            yield counts
        finally:
            _run(cluster, pod, "touch", _STOP)
        counts.update(json.loads(running.result()))


def outlast(cluster: Cluster, pod: Pod, destination: Destination, *, until: float) -> Outlasted:
    """Keep a TLS connection of a pod busy, and let it knock with new ones, until neither works or `until` has come."""
    where = (str(until), destination.host, str(destination.port))
    return Outlasted(**json.loads(_ask(cluster, pod, "outlast", *where)))


def _words(destinations: Sequence[Destination]) -> str:
    return json.dumps([destination.words() for destination in destinations])


def _ask(cluster: Cluster, pod: Pod, *arguments: str, stdin: str | None = None) -> str:
    return _run(cluster, pod, "python3", _SCRIPT, *arguments, stdin=stdin)


def _run(cluster: Cluster, pod: Pod, *command: str, stdin: str | None = None) -> str:
    flags = ["--stdin"] if stdin is not None else []
    return cluster.control_plane.kubectl(
        "exec", *flags, f"--namespace={pod.namespace}", pod.name, "--", *command, stdin=stdin
    )
