"""A cluster in memory in which nodes are measured: an API server, kubelets, and a network that does what a test says.

It decides nothing about proofs. What a pod sees depends on its labels and namespace alone, as in a real network.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bolwerk.core.catalogue import parse
from bolwerk.core.kinds import ISOLATION_PROOF, POD, Kind, Ref
from bolwerk.core.plan import Apply, Plan, Refusal
from bolwerk.core.proof.document import Document
from bolwerk.core.proof.inputs import inputs
from bolwerk.core.proof.observed import Inventory, Observed
from bolwerk.core.proof.pods import NODE_LABEL, SUBJECT, node_label
from bolwerk.core.proof.reconcile import reconcile
from bolwerk.core.proof.task import Task
from bolwerk.core.settings import Settings
from bolwerk.data import catalogue_text
from core.builders import make_model
from core.policy.world import namespace, policy
from core.proof.networks import Network, is_control, walled

HOURS = 3600
NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
SETTINGS = Settings(
    namespace="bolwerk",
    image="registry.example/bolwerk:0.1.0",
    image_pull_secrets=("registry",),
    canary_service="bolwerk-canary",
    proof_concurrency=5,
    catalogue=parse(catalogue_text()),
)
OWN = ("10.96.0.99", "fd00:96::99")
OUTSIDE = {"IPv4": "203.0.113.10", "IPv6": "2001:db8:ffff::10"}
CANARY: dict[str, Any] = {
    "metadata": {"name": "bolwerk-canary", "namespace": "bolwerk"},
    "spec": {
        "clusterIP": OWN[0],
        "clusterIPs": list(OWN),
        "ports": [{"port": 8443, "protocol": "TCP"}, {"port": 8443, "protocol": "UDP"}],
    },
}
MODEL = make_model(access={"clients": [{"podSelector": {"matchLabels": {"app": "chat"}}}]})
SERVICE: dict[str, Any] = {
    "metadata": {"name": "llama", "namespace": "ai"},
    "spec": {"clusterIPs": ["10.96.0.7"], "selector": {}, "ports": [{"name": "http", "port": 8000}]},
}
PROOF_SPEC = {
    "canaries": [{"address": address, "port": 443} for address in OUTSIDE.values()],
    "datagramCanaries": [{"address": address, "port": 443} for address in OUTSIDE.values()],
    "resolvers": [{"address": "198.51.100.53", "port": 53}],
    "proxies": [{"address": "10.20.1.3", "port": 3128}],
}
POLICY = policy(proof=PROOF_SPEC)
NAMESPACES = (namespace("ai", sovereignty="enforced"), namespace("team", sovereignty="enforced"), namespace("bolwerk"))


def node(name: str = "gpu-1", **status: Any) -> dict[str, Any]:
    info = {"kernelVersion": "6.12.0", "kubeletVersion": "v1.36.3", "bootID": "boot-1"}
    return {
        "metadata": {"name": name, "uid": f"uid-{name}"},
        "status": {
            "allocatable": {"cpu": "64", "nvidia.com/gpu": "8"},
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": info,
            **status,
        },
    }


@dataclass
class Cluster:
    """What the API server holds, what the kubelets do, and the clock."""

    nodes: list[dict[str, Any]] = field(default_factory=lambda: [node()])
    models: tuple[Mapping[str, Any], ...] = (MODEL,)
    services: tuple[Mapping[str, Any], ...] = (SERVICE,)
    policies: tuple[Mapping[str, Any], ...] = (POLICY,)
    namespaces: tuple[Mapping[str, Any], ...] = NAMESPACES
    strangers: tuple[str, ...] = ()
    canary: Mapping[str, Any] | None = field(default_factory=lambda: CANARY)
    enforcing: Mapping[Ref, str] = field(default_factory=dict)
    overlay: Mapping[str, Any] | None = None
    network: Network = walled
    families: tuple[str, ...] = ("10.244.1.{}", "fd00:244::{}")
    settings: Settings = SETTINGS
    admission: Callable[[Apply], str] = lambda _: ""
    kubelet: Callable[[dict[str, Any], datetime], None] | None = None
    now: datetime = NOW
    objects: dict[Ref, dict[str, Any]] = field(default_factory=dict)
    refusals: dict[str, dict[Ref, Refusal]] = field(default_factory=dict)
    since: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    wake: dict[str, datetime] = field(default_factory=dict)
    begun: dict[str, datetime] = field(default_factory=dict)
    writes: int = 0
    most_at_once: int = 0
    number: int = 0

    def of(self, kind: Kind) -> list[dict[str, Any]]:
        return [each for ref, each in sorted(self.objects.items()) if ref.kind == kind]

    def proofs(self, node: str = "gpu-1") -> list[dict[str, Any]]:
        found = [each for each in self.of(ISOLATION_PROOF) if each["spec"]["node"] == node]
        return sorted(found, key=lambda each: str(each["spec"]["finishedAt"]))

    def pods(self, node: str = "gpu-1") -> list[dict[str, Any]]:
        return [each for each in self.of(POD) if each["metadata"]["labels"][NODE_LABEL] == node_label(node)]

    def measured(self) -> set[str]:
        """The labels of the nodes that are being measured."""
        return {each["metadata"]["labels"][NODE_LABEL] for each in self.of(POD) if is_control(each)}

    def observed(self, node: str = "gpu-1") -> Observed:
        [live] = [each for each in self.nodes if each["metadata"]["name"] == node]
        observed = Observed(
            node=live,
            models=self.models,
            services=self.services,
            policies=self.policies,
            namespaces=self.namespaces,
            overlay=self.overlay,
            canary=self.canary,
            enforcing=self.enforcing,
            inventory=Inventory(("registry.example/cilium:v1.20.2",), 4),
            strangers=self.strangers,
            pods=tuple(self.pods(node)),
            proofs=tuple(self.proofs(node)),
            running=len(self.measured() - {node_label(node)}),
            refusals=tuple(self.refusals.get(node, {}).values()),
        )
        digest = inputs(observed, self.settings)
        if self.since.get(node, ("", None))[0] != digest:
            self.since[node] = (digest, self.now)
        return Observed(**{**_fields(observed), "changed": self.since[node][1]})

    def decide(self, node: str = "gpu-1") -> Plan:
        return reconcile(self.observed(node), self.settings, self.now)

    def look(self, node: str = "gpu-1") -> Plan:
        """Decide and carry out, as the shell does; then decide once more for when to look again."""
        plan = self.decide(node)
        refused = self._carry_out(plan, node)
        again = self.decide(node)
        seconds = 1.0 if refused else again.requeue_after
        self.wake[node] = (
            self.now + timedelta(seconds=seconds) if seconds is not None else datetime.max.replace(tzinfo=UTC)
        )
        self.most_at_once = max(self.most_at_once, len(self.measured()))
        return plan

    def _carry_out(self, plan: Plan, node: str) -> bool:
        for apply in plan.apply:
            if why := self.admission(apply):
                refusal = Refusal(apply.ref, "RefusedByCluster", f"{apply.ref} was refused: {why}")
                self.refusals.setdefault(node, {})[apply.ref] = refusal
                return True
            assert apply.ref not in self.objects, f"{apply.ref} is applied twice"
            self.number += 1
            self.writes += 1
            metadata = {"uid": f"made-{self.number}", "creationTimestamp": moment(self.now)}
            stored = copy.deepcopy(apply.manifest)
            self.objects[apply.ref] = {**stored, "metadata": {**stored["metadata"], **metadata}}
            if apply.kind == POD and is_control(apply.manifest):
                self.begun[node] = self.now
            if apply.kind == ISOLATION_PROOF:
                self.refusals.pop(node, None)
        for delete in plan.delete:
            assert self.objects[delete.ref]["metadata"]["uid"] == delete.uid
            del self.objects[delete.ref]
            self.writes += 1
        return False

    def tick(self, seconds: float = 1) -> None:
        """Let time pass; the kubelets work, and whoever has something to do does it."""
        self.now += timedelta(seconds=seconds)
        changed = set()
        for pod in self.of(POD):
            before = json.dumps(pod.get("status"))
            (self.kubelet or self.run)(pod, self.now)
            if json.dumps(pod.get("status")) != before:
                changed.add(pod["spec"]["nodeName"])
        for each in [each["metadata"]["name"] for each in self.nodes]:
            if each in changed or self.wake.get(each, self.now) <= self.now:
                self.look(each)

    def until(self, is_so: Callable[[], bool], *, seconds: int = 600, step: float = 1) -> None:
        for _ in range(int(seconds / step)):
            if is_so():
                return
            self.tick(step)
        raise AssertionError(f"not so after {seconds} s")

    def measure(self, node: str = "gpu-1") -> dict[str, Any]:
        """Have a node measured, and return the spec of the proof."""
        before = len(self.proofs(node))
        self.until(lambda: len(self.proofs(node)) > before and not self.pods(node))
        spec: dict[str, Any] = self.proofs(node)[-1]["spec"]
        return spec

    def run(self, pod: dict[str, Any], now: datetime) -> None:
        """Do what a kubelet does: start it after two seconds, and end it after six."""
        created = datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
        age = (now - created).total_seconds()
        if age >= 2 and "status" not in pod:
            number = pod["metadata"]["uid"].removeprefix("made-")
            addresses = [{"ip": each.format(number)} for each in self.families]
            pod["status"] = {"phase": "Running", "startTime": moment(now), "podIPs": addresses}
            pod["status"]["containerStatuses"] = [
                {"name": "probe", "state": {"running": {}}, "imageID": f"x@sha256:{'7' * 64}"}
            ]
        if age >= 6 and pod["status"]["phase"] == "Running":
            self.end(pod, self.document(pod, now), now)

    def end(self, pod: dict[str, Any], message: str, now: datetime) -> None:
        [container] = pod["status"]["containerStatuses"]
        ended = {"exitCode": 0, "reason": "Completed", "finishedAt": moment(now), "message": message}
        pod["status"] |= {"phase": "Succeeded", "containerStatuses": [{**container, "state": {"terminated": ended}}]}

    def document(self, pod: Mapping[str, Any], now: datetime, /, **changes: Any) -> str:
        task = task_in(pod)
        document = Document(
            run=task.run,
            pod=pod["metadata"]["uid"],
            node=pod["spec"]["nodeName"],
            addresses=tuple(each["ip"] for each in pod["status"]["podIPs"]),
            started=now - timedelta(seconds=2),
            finished=now,
            results=tuple(self.network(target, pod) for target in task.targets),
        )
        return document.model_copy(update=changes).model_dump_json(exclude_defaults=True)


def task_in(pod: Mapping[str, Any]) -> Task:
    container = pod["spec"]["containers"][0]
    return Task.model_validate_json(next(each["value"] for each in container["env"] if each["name"] == "BOLWERK_TASK"))


def many_models(count: int) -> tuple[dict[str, Any], ...]:
    """Return models with other names and nothing else that differs."""
    plain = [make_model(name=f"model-{number:02}") for number in range(count)]
    return tuple({**each, "metadata": {**each["metadata"], "uid": f"uid-{each['metadata']['name']}"}} for each in plain)


def no_pods(apply: Apply) -> str:
    """Refuse all pods, as admission may."""
    return "no pods today" if apply.kind == POD else ""


def moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _fields(observed: Observed) -> dict[str, Any]:
    return {name: getattr(observed, name) for name in observed.__dataclass_fields__}


def started(**changes: Any) -> Cluster:
    """Return a cluster in which a run has just begun."""
    cluster = Cluster(**changes)
    cluster.until(lambda: bool(cluster.pods()))
    return cluster


def pod_of(cluster: Cluster, subject: str) -> dict[str, Any]:
    """Return the pod that tries what a subject must not reach; the control's by an empty string."""
    [found] = [each for each in cluster.pods() if each["metadata"]["annotations"][SUBJECT] == subject]
    return found
