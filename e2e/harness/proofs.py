"""What a node's proofs say, and the SovereigntyPolicy that they are measured against.

Used by the scenarios about proofs. Nothing here measures: it waits for what the operator's own probes have found, and
tells every proof on its way, so that whoever reads the output sees how the operator came to its last word.
"""

import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from harness import network, process
from harness.cluster import Cluster

POLICY = "measured"
NAMESPACE = "measured"
LABEL = {"sovereignty": "measured"}
SUBJECT = f"Namespace {NAMESPACE}"
MODEL = f"LocalModel {NAMESPACE}/tiny"
PROBES = "bolwerk.dev/proof-run"
"""Selects the pods of runs, and with a value those of one."""
PATIENCE = 240.0  # seconds: a change settles for 30, then pods are made, which wait for what never answers

TCP = ("TCP", f"{network.WORLD}:{network.WORLD_PORT}")
UDP = ("UDP", f"{network.WORLD}:{network.WORLD_PORT}")
TCP_IPV6 = ("TCP", f"[{network.WORLD_IPV6}]:{network.WORLD_PORT}")
UDP_IPV6 = ("UDP", f"[{network.WORLD_IPV6}]:{network.WORLD_PORT}")
RESOLVER = ("DNS", f"{network.RESOLVER}:53")
PROXY = ("Proxy", f"{network.PROXY}:{network.PROXY_PORT} to {network.WORLD}:{network.WORLD_PORT}")
OUTSIDE = frozenset({TCP, UDP, TCP_IPV6, UDP_IPV6, RESOLVER})

Way = tuple[str, str]
"""A vector and a target, as they stand in a proof."""


@dataclasses.dataclass(frozen=True)
class Proof:
    """An IsolationProof."""

    name: str
    spec: dict[str, Any]

    @property
    def verdict(self) -> str:
        """What it comes to."""
        return str(self.spec["verdict"])

    def subjects(self) -> set[str]:
        """Return whom it speaks for."""
        return {each.get("subject", "") for each in self.spec["observations"] if each["arm"] == "Treatment"}

    def ways(self, arm: str, subject: str, *outcomes: str) -> set[Way]:
        """Return what a subject tried that came to one of these outcomes."""
        return {
            (each["vector"], each["target"])
            for each in self.spec["observations"]
            if (each["arm"], each.get("subject", "")) == (arm, subject) and each["outcome"] in outcomes
        }

    def reached(self, subject: str) -> set[Way]:
        """Return what a subject reached that it must not."""
        return self.ways("Treatment", subject, "Reached")

    def __str__(self) -> str:
        spec = self.spec
        rows = [
            f"      {each['arm']:<9} {each.get('subject', ''):<25} {each['vector']:<8} {each['target']:<42} "
            f"{each['outcome']:<8} {each.get('detail', '')}"
            for each in spec["observations"]
            if each["vector"] != "Name"
        ]
        reasons = [f"      not checked: {each}" for each in spec.get("notChecked", {}).get("reasons", ())]
        head = f"    {self.name} ({spec['trigger']}) {spec['verdict']}: {spec['message']}"
        return "\n".join([head, *rows, *reasons])


def policy(mode: str, *, backend: str, proxies: Sequence[str] = (f"{network.PROXY}/32",), hours: int = 24) -> Any:
    """Return the policy; the proxy stands inside a declared network and is known as one, unless it is left out."""
    outside = [{"address": each, "port": network.WORLD_PORT} for each in (network.WORLD, network.WORLD_IPV6)]
    return {
        "apiVersion": "bolwerk.dev/v1alpha1",
        "kind": "SovereigntyPolicy",
        "metadata": {"name": POLICY},
        "spec": {
            "namespaceSelector": {"matchLabels": LABEL},
            "mode": mode,
            "internal": {"networks": ["10.201.0.0/24", "2001:db8:201::/64"], "forwardProxies": list(proxies)},
            "enforcement": {"backend": backend},
            "proof": {
                "intervalHours": hours,
                "canaries": outside,
                "datagramCanaries": outside,
                "resolvers": [{"address": network.RESOLVER, "port": 53}],
                "proxies": [{"address": network.PROXY, "port": network.PROXY_PORT}],
                "onBypass": "TakeOutOfService",
            },
        },
    }


def all_of(cluster: Cluster) -> dict[str, Proof]:
    """Return all proofs by name."""
    told = json.loads(cluster.control_plane.kubectl("get", "isolationproofs", "--output=json"))
    return {each["metadata"]["name"]: Proof(each["metadata"]["name"], each["spec"]) for each in told["items"]}


def newer(
    cluster: Cluster, known: dict[str, Proof], wanted: Callable[[Proof], bool], *, what: str, seconds: float = PATIENCE
) -> Proof:
    """Wait for a proof that was not there before and is as wanted.

    Raises
    ------
    TimeoutError
        None came; those that did have been printed.
    """
    started = time.monotonic()
    told = set(known)

    def look() -> Proof | None:
        fresh = [each for name, each in all_of(cluster).items() if name not in told]
        for each in fresh:
            print(f"\n    after {time.monotonic() - started:.0f} s\n{each}", flush=True)
            told.add(each.name)
        return next(filter(wanted, fresh), None)

    return process.wait_for(look, what=what, seconds=seconds, every=1)


def wait_until_served(cluster: Cluster, model: str, *, served: bool) -> None:
    """Wait until the model's Service sends requests to somebody, or to nobody."""
    asked = (
        "get",
        "endpointslices",
        f"--namespace={NAMESPACE}",
        f"-lkubernetes.io/service-name={model}",
        "--output=json",
    )

    def look() -> bool:
        slices = json.loads(cluster.control_plane.kubectl(*asked))["items"]
        ready = [each["conditions"]["ready"] for one in slices for each in one.get("endpoints") or ()]
        return any(ready) is served

    process.wait_for(look, what=f"{model} to be {'in' if served else 'out of'} service", seconds=60, every=0.5)


def condition(cluster: Cluster, kind: str, name: str, type_: str) -> dict[str, Any]:
    """Return a condition of an object of the scenario, or an empty one."""
    found = cluster.get(kind, name, NAMESPACE) or {}
    conditions = found.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == type_), {})


def wait_for_condition(cluster: Cluster, kind: str, name: str, type_: str, status: str) -> dict[str, Any]:
    """Wait until a condition has this status, and return it."""

    def look() -> dict[str, Any] | None:
        found = condition(cluster, kind, name, type_)
        return found if found.get("status") == status else None

    return process.wait_for(look, what=f"{type_} of {kind} {name} to be {status}", seconds=60, every=0.5)
