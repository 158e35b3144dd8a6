"""IsolationProofs that a real API server takes or refuses: no verdict may contradict its own observations."""

from __future__ import annotations

from typing import Any

import pytest

from api.asking import Api, changed
from core.proof.cluster import Cluster, many_models, no_pods
from core.proof.networks import but, is_canary, open_to_all, walled

pytestmark = pytest.mark.cluster


def seen(arm: str, outcome: str, family: str = "IPv4") -> dict[str, Any]:
    target = "203.0.113.10:443" if family == "IPv4" else "[2001:db8::10]:443"
    return {"arm": arm, "vector": "TCP", "family": family, "target": target, "outcome": outcome, "attempts": 3}


CONTROL, TREATMENT = seen("Control", "Reached"), seen("Treatment", "Blocked")
PROOF: dict[str, Any] = {
    "apiVersion": "bolwerk.dev/v1alpha1",
    "kind": "IsolationProof",
    "metadata": {"name": "gpu-1.20261201"},
    "spec": {
        "run": "20261201-0300",
        "node": "gpu-1",
        "trigger": "Interval",
        "startedAt": "2026-12-01T03:00:00Z",
        "finishedAt": "2026-12-01T03:00:20Z",
        "verdict": "Proven",
        "message": "blocked where it had to be, over TCP",
        "families": ["IPv4"],
        "observations": [CONTROL, TREATMENT, seen("Function", "Reached")],
        "provenance": {
            "operatorVersion": "0.1.0",
            "probeImage": "registry.example.nl/bolwerk/bolwerk:0.1.0",
            "networkPluginImages": ["registry.example.nl/cilium/cilium:v1.20.2"],
            "kernelVersion": "6.12.0",
            "kubeletVersion": "v1.36.3",
            "inputs": f"sha256:{'0' * 64}",
        },
    },
}
OBSERVATIONS = "spec.observations"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="proven over IPv4"),
        pytest.param(
            {
                "spec.families": ["IPv4", "IPv6"],
                OBSERVATIONS: [
                    CONTROL,
                    TREATMENT,
                    seen("Control", "Reached", "IPv6"),
                    seen("Treatment", "Blocked", "IPv6"),
                ],
            },
            id="proven over both families",
        ),
        pytest.param(
            {"spec.verdict": "NotEnforced", OBSERVATIONS: [CONTROL, seen("Treatment", "Reached")]}, id="not enforced"
        ),
        pytest.param(
            {"spec.verdict": "Inconclusive", OBSERVATIONS: [seen("Control", "Failed"), TREATMENT]}, id="inconclusive"
        ),
        pytest.param({OBSERVATIONS: [CONTROL] * 128 + [TREATMENT] * 128}, id="as many observations as fit"),
    ],
)
def test_taken(api: Api, changes: dict[str, Any]) -> None:
    assert api.refusal(changed(PROOF, changes)) == ""


@pytest.mark.parametrize(
    ("changes", "want"),
    [
        pytest.param(
            {OBSERVATIONS: [TREATMENT]}, "Proven needs a control that got through", id="proven without a control"
        ),
        pytest.param(
            {OBSERVATIONS: [seen("Control", "Blocked"), TREATMENT]},
            "Proven needs a control that got through",
            id="proven with a control that was blocked too",
        ),
        pytest.param(
            {OBSERVATIONS: [CONTROL, TREATMENT, seen("Treatment", "Reached")]},
            "Proven, although a probe that had to be blocked was not",
            id="proven with a bypass",
        ),
        pytest.param(
            {OBSERVATIONS: [CONTROL, seen("Treatment", "Failed")]},
            "Proven, although a probe that had to be blocked was not",
            id="proven with a probe that failed",
        ),
        pytest.param(
            {"spec.families": ["IPv4", "IPv6"]},
            "Proven needs a control that got through for every address family",
            id="proven for a family that was not tried",
        ),
        pytest.param(
            {"spec.families": ["IPv4", "IPv6"], OBSERVATIONS: [CONTROL, TREATMENT, seen("Control", "Reached", "IPv6")]},
            "no probe tried one of the address families",
            id="proven for a family whose block was not tried",
        ),
        pytest.param({"spec.verdict": "Fine"}, "supported values", id="a verdict that is none"),
        pytest.param({"spec.finishedAt": "2026-12-01T02:00:00Z"}, "finishedAt has to be later", id="back in time"),
        pytest.param({OBSERVATIONS: [CONTROL] * 257}, "must have at most 256 items", id="a huge document"),
    ],
)
def test_refused_with_a_sentence(api: Api, changes: dict[str, Any], want: str) -> None:
    assert want in api.refusal(changed(PROOF, changes))


def test_a_proof_never_changes(api: Api) -> None:
    assert "a proof never changes" in api.refusal_of_change(PROOF, {"spec.message": "all is well"})


@pytest.mark.parametrize(
    "cluster",
    [
        pytest.param(Cluster(), id="proven"),
        pytest.param(Cluster(families=("10.244.1.{}",), policies=()), id="proven, air-gapped, IPv4 only"),
        pytest.param(Cluster(network=open_to_all), id="not enforced"),
        pytest.param(Cluster(network=but(walled, "Refused", when=lambda t, _: t.vector == "Proxy")), id="a bypass"),
        pytest.param(Cluster(network=but(walled, "TimedOut", when=lambda t, _: is_canary(t))), id="without a control"),
        pytest.param(Cluster(kubelet=lambda *_: None), id="no pod was ever started"),
        pytest.param(Cluster(admission=no_pods), id="no pod was ever made"),
        pytest.param(Cluster(models=many_models(40), network=open_to_all), id="more than fits"),
    ],
)
def test_what_the_operator_writes_is_taken(api: Api, cluster: Cluster) -> None:
    proof = cluster.measure()
    [written] = cluster.proofs()
    metadata = {name: written["metadata"][name] for name in ("name", "labels")}

    stored = api.stored({**written, "metadata": metadata})

    assert api.refusal({**written, "metadata": metadata}) == ""
    assert stored["spec"] == proof, "with all its defaults written out, so that its digest stays what it is"
