"""IsolationProofs for the tests of what follows from them, and worlds in which a model was measured."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bolwerk.core.kinds import SERVICE
from bolwerk.core.model.children.gate import GATE
from bolwerk.core.model.observed import Observed
from core.builders import NOW, after, child, decide, hash_of, make_container, make_model, make_pod, serving

HOURS = timedelta(hours=1)
PASSED = make_container(GATE, ended={"exitCode": 0, "reason": "Completed"})
SELECTOR = {"app.kubernetes.io/managed-by": "bolwerk", "bolwerk.dev/model": "llama"}
OUT = {"onBypass": "TakeOutOfService"}
MODEL = "LocalModel ai/llama"
CANARIES = ("198.51.100.10:443", "198.51.100.11:443")

# Of control, treatment and function: what each of two canaries, and then the cluster's DNS, answered.
SEEN = {
    "Proven": (("Reached", "Reached"), ("Blocked", "Blocked"), "Reached"),
    "NotEnforced": (("Reached", "Reached"), ("Reached", "Reached"), "Reached"),
    "Bypass": (("Reached", "Reached"), ("Blocked", "Reached"), "Reached"),
    "OverBlocked": (("Reached", "Reached"), ("Blocked", "Blocked"), "Blocked"),
    "Inconclusive": (("Blocked", "Blocked"), ("Blocked", "Blocked"), "Reached"),
}


def make_proof(
    verdict: str, *, node: str = "node-1", subject: str = MODEL, ago: timedelta = HOURS,
    now: datetime = NOW,
) -> dict[str, Any]:  # fmt: skip
    """Return the proof of a run that ended some time ago."""
    finished = (now - ago).strftime("%Y-%m-%dT%H:%M:%SZ")
    control, treatment, function = SEEN[verdict]
    observations = [
        *(_seen("Control", "", "TCP", where, what) for where, what in zip(CANARIES, control, strict=True)),
        *(_seen("Treatment", subject, "TCP", where, what) for where, what in zip(CANARIES, treatment, strict=True)),
        _seen("Control", "", "DNS", "cluster", "Reached"),
        _seen("Function", subject, "DNS", "cluster", function),
    ]
    run = f"{node}-{verdict}-{finished}".lower()
    return {
        "apiVersion": "bolwerk.dev/v1alpha1",
        "kind": "IsolationProof",
        "metadata": {"name": run, "uid": f"uid-{run}", "creationTimestamp": finished},
        "spec": {
            "run": run,
            "node": node,
            "trigger": "Interval",
            "startedAt": finished,
            "finishedAt": finished,
            "verdict": verdict,
            "message": f"the run showed {verdict}",
            "families": ["IPv4"],
            "observations": observations,
            "provenance": {
                "operatorVersion": "0.1.0",
                "probeImage": "registry.example/bolwerk:0.1.0",
                "networkPluginImages": [],
                "kernelVersion": "6.12",
                "kubeletVersion": "v1.36.0",
                "inputs": f"sha256:{'0' * 64}",
            },
        },
    }


def measured(*proofs: Any, nodes: tuple[str, ...] = ("node-1",), policy: Any = None, **rest: Any) -> Observed:
    """Return a world in which the model answers from each of the nodes, and what probes have shown."""
    model = make_model(replicas=len(nodes))
    governing = () if policy is None else ({"metadata": {"name": "gov"}, "spec": {"mode": "Enforce", "proof": policy}},)
    observed = serving(model, proofs=proofs, governing=governing, **rest)
    pods = tuple(make_pod(hash_of(observed), ready=True, node=node, init_containers=(PASSED,)) for node in nodes)
    return after(replace(observed, pods=pods), decide(replace(observed, pods=pods)))


def out_of_service(*proofs: Any) -> Observed:
    """Return the world after the first proof took the model out of its Service and the others have come."""
    observed = measured(proofs[0], policy=OUT)
    observed = after(observed, decide(observed))
    return replace(observed, proofs=proofs)


def selector(observed: Observed) -> Any:
    """Return what the live Service selects."""
    return child(observed, SERVICE)["spec"]["selector"]


def _seen(arm: str, subject: str, vector: str, target: str, outcome: str) -> dict[str, Any]:
    return {
        "arm": arm, "subject": subject, "vector": vector, "family": "IPv4", "target": target, "outcome": outcome,
        "attempts": 3,
    }  # fmt: skip
