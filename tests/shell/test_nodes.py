"""Which nodes a change asks to be looked at, and what they are measured by."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bolwerk.core.kinds import (
    ISOLATION_PROOF,
    LOCAL_MODEL,
    NAMESPACE,
    NETWORK_POLICY,
    NODE,
    POD,
    SERVICE,
    SOVEREIGNTY_POLICY,
    Ref,
)
from bolwerk.core.plan import Manifest, Refusal
from bolwerk.core.proof.pods import node_label
from bolwerk.core.settings import Settings
from bolwerk.shell.cache import Cache
from bolwerk.shell.models import LocalModels
from bolwerk.shell.nodes import Nodes

from .objects import make, make_model, make_pod, make_policy

GPU, PLAIN = Ref(NODE, "", "gpu"), Ref(NODE, "", "plain")
SETTINGS = Settings(namespace="bolwerk-system", canary_service="bolwerk-canary", image="bolwerk:1")
START = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def make_node(name: str, *, gpus: str = "0", version: int = 1, beat: str = "12:00", boot: str = "b1") -> Manifest:
    status = {
        "allocatable": {"cpu": "8", "nvidia.com/gpu": gpus},
        "conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": beat}],
        "nodeInfo": {"bootID": boot, "kernelVersion": "6.1", "kubeletVersion": "v1.36.2"},
        "images": [{"names": [f"seen-at-{beat}"]}],
    }
    return make(NODE, name, namespace="", version=version, status=status, spec={"podCIDRs": ["10.0.0.0/24"]})


def on(node: str, pod: Manifest, **status: Any) -> Manifest:
    return {**pod, "spec": {**pod.get("spec", {}), "nodeName": node}, "status": {**pod.get("status", {}), **status}}


def make_probe(node: str, *, arm: str = "control", namespace: str = "bolwerk-system", model: str = "") -> Manifest:
    pod = make(POD, f"bolwerk-proof-{node}-{arm}", namespace=namespace)
    labels = {
        "app.kubernetes.io/managed-by": "bolwerk",
        "bolwerk.dev/proof-run": "r1",
        "bolwerk.dev/proof-node": node_label(node),
        "bolwerk.dev/proof-arm": arm,
        **({"bolwerk.dev/model": model} if model else {}),
    }
    return {**pod, "metadata": {**pod["metadata"], "labels": labels}, "spec": {"nodeName": node, "containers": []}}


def make_proof(node: str, *, verdict: str = "Proven", finished: str = "2026-11-24T11:00:00Z") -> Manifest:
    spec = {
        "node": node, "verdict": verdict, "finishedAt": finished, "run": "r0", "families": ["IPv4"],
        "observations": [], "provenance": {"inputs": "sha256:0"}, "trigger": "Onboarding",
    }  # fmt: skip
    return make(ISOLATION_PROOF, f"{node}-{finished[11:16].replace(':', '')}", namespace="", spec=spec)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def nodes(cache: Cache, clock: Clock) -> Nodes:
    """A node with a GPU, one without, a policy, and a LocalModel that runs nowhere yet."""
    LocalModels(cache, settings=SETTINGS)
    nodes = Nodes(cache, served=frozenset(), settings=SETTINGS, now=clock)
    cache.put(NODE, make_node("gpu", gpus="1"))
    cache.put(NODE, make_node("plain"))
    cache.put(SOVEREIGNTY_POLICY, make_policy("state", uid="u-state"))
    cache.put(LOCAL_MODEL, make_model("chat", uid="u-chat"))
    return nodes


def concerned(refs: frozenset[Ref]) -> set[Ref]:
    return {ref for ref in refs if ref.kind == NODE}


@pytest.mark.usefixtures("nodes")
def test_a_sign_of_life_is_no_news(cache: Cache) -> None:
    assert cache.put(NODE, make_node("gpu", gpus="1", version=2, beat="12:05")) == set()
    assert concerned(cache.put(NODE, make_node("gpu", gpus="1", version=3, boot="b2"))) == {GPU}


@pytest.mark.usefixtures("nodes")
@pytest.mark.parametrize(
    ("kind", "manifest", "want"),
    [
        pytest.param(NAMESPACE, make(NAMESPACE, "team", namespace=""), {GPU}, id="a namespace: what is measured"),
        pytest.param(NETWORK_POLICY, make(NETWORK_POLICY, "own"), {GPU}, id="a policy"),
        pytest.param(
            NETWORK_POLICY, make(NETWORK_POLICY, "chat", owner="u-chat"), set(), id="the seal of a model elsewhere"
        ),
        pytest.param(POD, on("plain", make_pod("chat-1", model="chat")), {PLAIN}, id="a model comes to a node"),
        pytest.param(
            POD, on("plain", make_pod("chat-1", model="chat"), phase="Succeeded"), set(), id="a pod that is over"
        ),
        pytest.param(POD, make_probe("gpu"), {GPU}, id="a probe"),
        pytest.param(ISOLATION_PROOF, make_proof("gpu"), {GPU}, id="a proof"),
        pytest.param(SERVICE, make(SERVICE, "bolwerk-canary", namespace="bolwerk-system"), {GPU}, id="the canary"),
        pytest.param(SERVICE, make(SERVICE, "chat", owner="u-chat"), set(), id="the Service of a model elsewhere"),
    ],
)
def test_a_change_concerns(cache: Cache, kind: Any, manifest: Manifest, want: set[Ref]) -> None:
    assert concerned(cache.put(kind, manifest)) == want
    assert cache.put(kind, manifest) == set()


def test_only_nodes_that_have_to_be_measured_are(cache: Cache, nodes: Nodes) -> None:
    assert nodes.observe(GPU.key) is not None
    assert nodes.observe(PLAIN.key) is None

    cache.put(POD, on("plain", make_pod("chat-1", model="chat")))
    cache.put(NETWORK_POLICY, make(NETWORK_POLICY, "chat", owner="u-chat", spec={"podSelector": {}}))
    observed = nodes.observe(PLAIN.key)

    assert observed is not None
    assert [each["metadata"]["name"] for each in observed.models] == ["chat"]
    assert [ref.name for ref in observed.enforcing] == ["chat"]
    seen = nodes.observe(GPU.key)
    assert seen is not None
    assert not seen.models
    assert not seen.enforcing, "the seal of a model that runs elsewhere"


def test_a_probe_is_kept_whole_and_is_no_pod_of_the_model_whose_labels_it_bears(cache: Cache, nodes: Nodes) -> None:
    probe = make_probe("gpu", arm="treatment", namespace="team", model="chat")
    refs = cache.put(POD, probe)

    observed = nodes.observe(GPU.key)
    assert observed is not None
    assert observed.pods[0]["spec"] == probe["spec"]
    assert Ref(LOCAL_MODEL, "team", "chat") not in refs
    assert not observed.models


def test_other_nodes_that_are_being_measured_are_counted(cache: Cache, nodes: Nodes) -> None:
    for name, namespace in (("gpu", "bolwerk-system"), ("plain", "bolwerk-system"), ("third", "team")):
        cache.put(POD, make_probe(name, namespace=namespace))

    observed = nodes.observe(GPU.key)
    assert observed is not None
    assert observed.running == 1, "not itself, and not what only says so elsewhere"


def test_pods_that_only_bear_a_models_label_are_told_apart(cache: Cache, nodes: Nodes) -> None:
    made = on("gpu", make_pod("chat-1", model="chat"))
    made["metadata"] |= {
        "labels": {**made["metadata"]["labels"], "pod-template-hash": "5d9"},
        "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "chat-5d9", "uid": "r", "controller": True}
        ],
    }
    thief = on("gpu", make_pod("thief", model="chat"))
    cache.put(POD, made)
    cache.put(POD, thief)
    observed = nodes.observe(GPU.key)
    assert observed is not None
    assert observed.strangers == ("team/thief",)

    cache.put(POD, {**thief, "metadata": {**thief["metadata"], "resourceVersion": "2"}, "status": {"phase": "Failed"}})
    observed = nodes.observe(GPU.key)
    assert observed is not None
    assert not observed.strangers


def test_a_node_that_cannot_end_its_probe_takes_no_others_turn(cache: Cache, nodes: Nodes) -> None:
    probe = make_probe("plain")
    deleted = {"deletionTimestamp": "2026-11-24T11:00:00Z", "resourceVersion": "2"}
    going = {**probe, "metadata": {**probe["metadata"], **deleted}}
    for manifest, running in ((probe, 1), (going, 0)):
        cache.put(POD, manifest)
        observed = nodes.observe(GPU.key)
        assert observed is not None
        assert observed.running == running


def test_since_when_the_world_is_as_it_is(cache: Cache, nodes: Nodes, clock: Clock) -> None:
    def changed() -> datetime | None:
        observed = nodes.observe(GPU.key)
        assert observed is not None
        return observed.changed

    clock.now += timedelta(minutes=1)
    assert changed() == START, "as far as this process has seen"
    cache.put(NODE, make_node("gpu", gpus="1", version=2, boot="b2"))
    assert changed() == clock.now
    clock.now += timedelta(minutes=1)
    assert changed() == START + timedelta(minutes=1)


def test_refusals_gather_until_a_new_proof_comes(cache: Cache, nodes: Nodes) -> None:
    one, two = (Refusal(Ref(POD, "team", name), "Refused", "no") for name in ("a", "b"))
    nodes.observe(GPU.key, refusals=(one,))
    observed = nodes.observe(GPU.key, refusals=(two,))
    assert observed is not None
    assert set(observed.refusals) == {one, two}

    cache.put(ISOLATION_PROOF, make_proof("gpu"))
    observed = nodes.observe(GPU.key)
    assert observed is not None
    assert observed.refusals == ()


def test_verdicts_and_ages_are_those_of_the_newest_proofs(cache: Cache, nodes: Nodes) -> None:
    assert nodes.verdicts(START)["None"] == 1
    cache.put(ISOLATION_PROOF, make_proof("gpu"))
    assert nodes.verdicts(START)["Proven"] == 1
    assert nodes.verdicts(START + timedelta(hours=80))["Stale"] == 1
    cache.put(ISOLATION_PROOF, make_proof("gpu", verdict="Bypass", finished="2026-11-24T11:30:00Z"))
    assert nodes.verdicts(START)["Bypass"] == 1
    assert nodes.ages(START) == {"gpu": 3600}


def test_another_network_plugin_concerns_all_and_one_that_cannot_be_read_nobody(nodes: Nodes) -> None:
    assert nodes.put_inventory(images=("cni:1",), on_host={"gpu": 2}, remarks=()) == {GPU}
    assert nodes.put_inventory(images=None, on_host={}, remarks=("not read",)) == set()
    observed = nodes.observe(GPU.key)
    assert observed is not None
    assert observed.inventory.plugin_images == ("cni:1",)
    assert observed.inventory.remarks == ("not read",)
