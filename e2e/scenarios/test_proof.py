"""Enforcement, measured: what the operator's own probes find where Cilium enforces, and where something leaks.

The tests are one story about one model and one wall, told in order; every break is made beside the operator's own
objects, which stay as they are. Each has to be named in a new proof, and the last proof has to be clean again.
"""

import time
from collections.abc import Iterator

import pytest

from harness import network, pods, process, proofs, tiny
from harness.cluster import Cluster
from harness.importing import Importing
from harness.pods import Pod
from harness.proofs import MODEL, NAMESPACE, SUBJECT, Proof

pytestmark = pytest.mark.node

BACKEND = "ClusterNetworkPolicy"
_OTHER = "somebody-elses"
ENFORCED = proofs.policy("Enforce", backend=BACKEND)
_THIEF = Pod(NAMESPACE, "thief")


def _speaks_for_both(proof: Proof) -> bool:
    return proof.subjects() == {SUBJECT, MODEL}


@pytest.fixture(scope="module")
def proven(engine: Importing, installed: Cluster) -> Iterator[Cluster]:
    """The model Ready in a namespace that the policy governs; afterwards others have the GPU."""
    cluster = installed
    pods.prepare(cluster, pods.namespace(NAMESPACE, **proofs.LABEL))
    engine.finish()
    started = time.monotonic()
    cluster.apply(tiny.local_model(NAMESPACE, tiny.from_image()))
    cluster.ready(tiny.NAME, NAMESPACE, seconds=tiny.PATIENCE)
    print(f"    Ready {time.monotonic() - started:.0f} s after it was applied", flush=True)
    yield cluster
    plane = cluster.control_plane
    for broken in (f"sovereigntypolicy/{proofs.POLICY}", f"clusternetworkpolicy/{_OTHER}", f"namespace/{NAMESPACE}"):
        plane.kubectl("delete", broken, "--ignore-not-found", "--timeout=180s")


def test_a_wall_and_a_seal_that_hold_are_proven(proven: Cluster) -> None:
    known, began = proofs.all_of(proven), time.time()
    proven.apply(ENFORCED)
    proof = proofs.newer(
        proven, known, lambda each: _speaks_for_both(each) and each.verdict == "Proven", what="a proof of both"
    )
    assert set(proof.spec["families"]) == {"IPv4", "IPv6"}
    for subject in (SUBJECT, MODEL):
        assert not proof.reached(subject)
        assert proof.ways("Treatment", subject, "Blocked") >= {*proofs.OUTSIDE, proofs.PROXY}, subject
    assert proof.ways("Control", "", "Reached") >= proofs.OUTSIDE
    # The witness: the outside itself was contacted by the control, so it could have been by the others.
    assert [each for each in proven.world.contacts() if each.service == "https" and each.at >= began]
    isolated = proofs.wait_for_condition(proven, "localmodel", tiny.NAME, "Isolated", "True")
    print(f"\n    Isolated: {isolated['reason']}: {isolated['message']}", flush=True)
    told = proofs.wait_for_condition(proven, "sovereigntypolicy", proofs.POLICY, "Proven", "True")
    print(f"    Proven: {told['reason']}: {told['message']}", flush=True)
    process.wait_for(
        lambda: not proven.pods(NAMESPACE, f"{proofs.PROBES}={proof.spec['run']}"),
        what="the pods of the run to be gone",
        seconds=60,
        every=0.5,
    )


def _accepting(*networks: str) -> dict[str, object]:
    """Return a policy of the cluster's that comes before the wall."""
    return {
        "apiVersion": "policy.networking.k8s.io/v1alpha2",
        "kind": "ClusterNetworkPolicy",
        "metadata": {"name": _OTHER},
        "spec": {
            "tier": "Admin",
            "priority": 1,
            "subject": {"namespaces": {"matchLabels": proofs.LABEL}},
            "egress": [{"name": "out", "action": "Accept", "to": [{"networks": list(networks)}]}],
        },
    }


@pytest.mark.parametrize(
    ("network_", "ways"),
    [
        (f"{network.WORLD_IPV6}/128", {proofs.TCP_IPV6, proofs.UDP_IPV6}),
        (f"{network.WORLD}/32", {proofs.TCP, proofs.UDP}),
    ],
    ids=["IPv6 only", "IPv4 only"],
)
def test_a_policy_that_comes_first_and_accepts_is_a_bypass(
    proven: Cluster, network_: str, ways: set[proofs.Way]
) -> None:
    known = proofs.all_of(proven)
    proven.apply(_accepting(network_))
    proof = proofs.newer(proven, known, lambda each: each.verdict == "Bypass", what="a proof that names the bypass")
    assert proof.spec["trigger"] == "Change"
    for subject in (SUBJECT, MODEL):
        assert proof.reached(subject) == ways, subject
    isolated = proofs.wait_for_condition(proven, "localmodel", tiny.NAME, "Isolated", "False")
    print(f"\n    Isolated: {isolated['reason']}: {isolated['message']}", flush=True)
    proofs.wait_until_served(proven, tiny.NAME, served=False)


def test_a_network_policy_of_a_team_opens_a_seal_that_no_wall_backs(proven: Cluster) -> None:
    """In Audit nothing but the model's own NetworkPolicy stands, and NetworkPolicies add up.

    A pod with the model's labels, which only somebody who may override a policy can make, is named beside it.
    """
    known = proofs.all_of(proven)
    proven.control_plane.kubectl("delete", "clusternetworkpolicy", _OTHER)
    thief = pods.prober(_THIEF)
    thief["metadata"]["labels"] |= {"app.kubernetes.io/managed-by": "bolwerk", "bolwerk.dev/model": tiny.NAME}
    proven.apply(
        thief,
        proofs.policy("Audit", backend=BACKEND),
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "team", "namespace": NAMESPACE},
            "spec": {
                "podSelector": {"matchLabels": {"bolwerk.dev/model": tiny.NAME}},
                "policyTypes": ["Egress"],
                "egress": [{"to": [{"ipBlock": {"cidr": "203.0.113.0/24"}}]}],
            },
        },
    )
    proof = proofs.newer(
        proven,
        known,
        lambda each: each.verdict == "Bypass" and each.subjects() == {MODEL},
        what="a proof that names the team's opening",
    )
    assert proof.reached(MODEL) == {proofs.TCP, proofs.UDP, proofs.RESOLVER}
    assert proofs.wait_for_condition(proven, "localmodel", tiny.NAME, "Ready", "False")
    proofs.newer(proven, known, _names_the_thief, what="a proof that names the pod with the stolen labels")
    proven.control_plane.kubectl("delete", "pod", _THIEF.name, f"--namespace={NAMESPACE}", "--wait=false")


def _names_the_thief(proof: Proof) -> bool:
    return any(str(_THIEF) in each for each in proof.spec["notChecked"].get("reasons", ()))


def test_a_proxy_inside_an_allowed_network_is_a_bypass_and_nobody_writes_what_a_probe_saw(proven: Cluster) -> None:
    known = proofs.all_of(proven)
    proven.control_plane.kubectl("delete", "networkpolicy", "team", f"--namespace={NAMESPACE}")
    proven.apply(proofs.policy("Enforce", backend=BACKEND, proxies=()))
    _nobody_has_a_hand_in_it(proven)
    proof = proofs.newer(proven, known, lambda each: each.verdict == "Bypass", what="a proof that names the proxy")
    assert proof.reached(SUBJECT) == {proofs.PROXY}
    assert not proof.reached(MODEL)
    proofs.wait_for_condition(proven, "localmodel", tiny.NAME, "Isolated", "True")
    proofs.wait_until_served(proven, tiny.NAME, served=True)


def _nobody_has_a_hand_in_it(cluster: Cluster) -> None:
    """Wait for a run, and try as somebody with all rights to change or enter the pod that measures."""
    process.wait_for(
        lambda: not cluster.pods(NAMESPACE, proofs.PROBES), what="the last run's pods to be gone", seconds=60, every=0.2
    )
    probe = process.wait_for(
        lambda: cluster.pods(NAMESPACE, proofs.PROBES), what="a probe", seconds=proofs.PATIENCE, every=0.2
    )[0]
    forged = '{"status":{"message":"all is well"}}'
    attempts = (
        ("patch", probe, "--subresource=status", f"--patch={forged}"),
        ("label", probe, "entered=yes"),
        ("exec", probe, "--", "true"),
    )
    for attempt in attempts:
        with pytest.raises(RuntimeError, match="one of Bolwerk's probes"):
            cluster.control_plane.kubectl(attempt[0], f"--namespace={NAMESPACE}", *attempt[1:])


def test_a_proof_and_a_probe_are_nobody_elses_to_make(proven: Cluster) -> None:
    known = proofs.all_of(proven)
    forged = {
        "apiVersion": "bolwerk.dev/v1alpha1",
        "kind": "IsolationProof",
        "metadata": {"name": "forged"},
        "spec": next(iter(known.values())).spec,
    }
    with pytest.raises(RuntimeError, match="only Bolwerk stores one"):
        proven.apply(forged)
    impostor = pods.prober(Pod(NAMESPACE, "impostor"))
    impostor["metadata"]["labels"] = {"bolwerk.dev/proof-run": "0123456789", "bolwerk.dev/proof-arm": "control"}
    with pytest.raises(RuntimeError, match="one of Bolwerk's probes"):
        proven.apply(impostor)
    name = next(iter(known))
    with pytest.raises(RuntimeError, match="only Bolwerk stores one"):
        proven.control_plane.kubectl("delete", "isolationproof", name)
    assert name in proofs.all_of(proven)


def test_without_the_plugins_agent_nothing_is_shown_and_with_it_all_is_well_again(proven: Cluster) -> None:
    known = proofs.all_of(proven)
    proven.cilium.stop_agent()
    try:
        proven.apply(proofs.policy("Enforce", backend=BACKEND, hours=23))
        proof = proofs.newer(
            proven, known, lambda each: each.verdict == "Inconclusive", what="a proof that shows nothing", seconds=360
        )
        assert not proof.reached(SUBJECT)
        assert not proof.reached(MODEL)
        said = [each.get("detail", "") for each in proof.spec["observations"]]
        assert any("was not started" in each for each in said), "the kubelet's reason has to be told"
        # Doubt stops nobody who serves.
        proofs.wait_for_condition(proven, "localmodel", tiny.NAME, "Isolated", "Unknown")
        proofs.wait_until_served(proven, tiny.NAME, served=True)
    finally:
        proven.cilium.start_agent()
    known = proofs.all_of(proven)
    proven.apply(ENFORCED)
    proofs.newer(
        proven, known, lambda each: _speaks_for_both(each) and each.verdict == "Proven", what="a proof of both again"
    )
    proofs.wait_for_condition(proven, "localmodel", tiny.NAME, "Isolated", "True")
