"""Who may change and delete what Bolwerk made, and by what else somebody could get out from under it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from admission.asking import Asker, Manifest
from admission.conftest import AUDITED, COLLECTOR, DEVELOPER, ENFORCED, FREE, OPERATOR, OVERRIDER, REPLICASETS
from admission.judging import cases, moved
from admission.objects import network_policy, pod, service, workload
from admission.policies import MODE_LABEL
from harness.controlplane import ADMIN

pytestmark = pytest.mark.cluster

Askers = Callable[[str], Asker]

OF_WALL = {
    "app.kubernetes.io/managed-by": "bolwerk",
    "app.kubernetes.io/component": "wall",
    "bolwerk.dev/policy": ENFORCED,
}
OF_MODEL = {"app.kubernetes.io/managed-by": "bolwerk", "bolwerk.dev/model": "llama"}
OUT: Manifest = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}
OTHER_PODS: Manifest = {"to": [{"podSelector": {"matchLabels": {"app": "mine"}}}]}
"""Nothing that the rule against widening would refuse before the one that is meant."""


def labelled(manifest: Manifest, name: str, labels: dict[str, str]) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "name": name, "labels": labels}}


def config_map(namespace: str, name: str, labels: dict[str, str], data: dict[str, str]) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


@pytest.fixture(scope="module")
def kept(asker: Askers) -> dict[str, Manifest]:
    """What Bolwerk would have made, as the operator makes it; by name."""
    operator = asker(OPERATOR)
    made = {
        "wall": labelled(network_policy(ENFORCED), "bolwerk-wall", OF_WALL),
        "dns": config_map(FREE, "bolwerk-dns", OF_WALL, {"bolwerk.override": "template"}),
        "policy of a model": labelled(network_policy(ENFORCED), "llama", OF_MODEL),
        "service of a model": labelled(service(ENFORCED), "llama", OF_MODEL),
        "deployment of a model": labelled(
            workload("Deployment", ENFORCED, pod(ENFORCED, labels=OF_MODEL)), "llama", OF_MODEL
        ),
        "canary of a model": config_map(ENFORCED, "llama-gate", OF_MODEL, {"canaries": "192.0.2.1:8443"}),
        "pod of a model": pod(ENFORCED, name="llama-0", labels=OF_MODEL),
        "policy of an ungoverned model": labelled(network_policy(FREE), "llama", OF_MODEL),
    }
    for manifest in made.values():
        answer = operator.create(manifest, keep=True)
        assert answer.allowed, answer
    return made


DAMAGE: list[tuple[str, str, Manifest, str]] = [
    ("opening the wall", "wall", {"spec": {"egress": [OTHER_PODS]}}, "change the policy instead"),
    ("taking a label from the wall", "wall", {"metadata": {"labels": {"bolwerk.dev/policy": None}}}, "the policy"),
    ("emptying what DNS refuses", "dns", {"data": {"bolwerk.override": ""}}, "change the policy instead"),
    ("opening a model's policy", "policy of a model", {"spec": {"egress": [OTHER_PODS]}}, "or delete the LocalModel"),
    ("bending a model's Service", "service of a model", {"spec": {"selector": {"app": "mine"}}}, "the LocalModel"),
    ("another canary for a model's gate", "canary of a model", {"data": {"canaries": "192.0.2.9:1"}}, "the LocalModel"),
    ("another image for a model", "deployment of a model",
     {"spec": {"template": {"spec": {"priorityClassName": "x"}}}}, "the LocalModel instead"),
    ("taking a label from a model's pod", "pod of a model",
     {"metadata": {"labels": {"bolwerk.dev/model": None}}}, "are Bolwerk's own"),
]  # fmt: skip

HARMLESS: list[tuple[str, str, Manifest, str]] = [
    ("annotating the wall", "wall", {"metadata": {"annotations": {"a": "b"}}}, ""),
    ("labelling a model's Service", "service of a model", {"metadata": {"labels": {"team": "ai"}}}, ""),
    ("restarting a model", "deployment of a model",
     {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}}}, ""),
    ("scaling a model", "deployment of a model", {"spec": {"replicas": 3}}, "/scale"),
    ("scaling a model by hand", "deployment of a model", {"spec": {"replicas": 3}}, ""),
    ("labelling what a model's gate is told", "canary of a model", {"metadata": {"labels": {"team": "ai"}}}, ""),
    ("labelling a model's pod", "pod of a model", {"metadata": {"labels": {"team": "ai"}}}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("what", "change", "want"), cases(DAMAGE))
def test_only_the_operator_and_who_may_override_change_it(
    asker: Askers, kept: dict[str, Manifest], what: str, change: Manifest, want: str
) -> None:
    answer = asker(DEVELOPER).patch(kept[what], change)

    assert answer.refused, answer
    assert want in answer.message
    for user in (OPERATOR, OVERRIDER, ADMIN):
        allowed = asker(user).patch(kept[what], change)
        assert not allowed.refused, allowed


@pytest.mark.parametrize(("what", "change", "subresource"), cases(HARMLESS))
def test_harmless_changes_are_anybodys(
    asker: Askers, kept: dict[str, Manifest], what: str, change: Manifest, subresource: str
) -> None:
    answer = asker(DEVELOPER).patch(kept[what], change, subresource=subresource)

    assert answer.allowed, answer


@pytest.mark.parametrize(
    "what",
    ["wall", "dns", "policy of a model", "service of a model", "canary of a model", "deployment of a model"],
)
def test_only_the_operator_the_collector_and_who_may_override_delete_it(
    asker: Askers, kept: dict[str, Manifest], what: str
) -> None:
    assert asker(DEVELOPER).delete(kept[what]).refused
    for user in (OPERATOR, COLLECTOR, OVERRIDER, ADMIN):
        assert asker(user).delete(kept[what]).allowed


def test_the_pod_of_a_model_can_be_deleted_and_evicted(asker: Askers, kept: dict[str, Manifest]) -> None:
    name = kept["pod of a model"]["metadata"]["name"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": ENFORCED}}

    assert asker(DEVELOPER).delete(kept["pod of a model"]).allowed
    evicted = asker(DEVELOPER).post(kept["pod of a model"], "/eviction", eviction)
    assert evicted.allowed, evicted


def test_what_is_of_no_governed_namespace_is_not_protected(asker: Askers, kept: dict[str, Manifest]) -> None:
    model = kept["policy of an ungoverned model"]

    assert asker(DEVELOPER).patch(model, {"spec": {"egress": [OUT]}}).allowed
    assert asker(DEVELOPER).delete(model).allowed


def test_the_labels_are_for_the_operator_and_the_controllers(asker: Askers) -> None:
    mine = pod(ENFORCED, labels=OF_MODEL)
    template = workload("ReplicaSet", ENFORCED, mine)

    for user in (OPERATOR, REPLICASETS, OVERRIDER):
        assert asker(user).create(mine).allowed
        assert asker(user).create(template).allowed
    assert asker(DEVELOPER).create(template).refused
    assert asker(DEVELOPER).create(moved(mine, AUDITED)).warnings


LEAVING: list[tuple[str, Any]] = [
    ("without the label", {MODE_LABEL: None}),
    ("with another value", {MODE_LABEL: "free"}),
    ("without any label", None),
]


@pytest.mark.parametrize("subresource", ["", "/status", "/finalize"])
@pytest.mark.parametrize("labels", cases(LEAVING))
def test_a_namespace_does_not_leave_by_its_labels(asker: Askers, labels: Any, subresource: str) -> None:
    namespace: Manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ENFORCED}}
    change = {"metadata": {"labels": labels}}

    def ask(user: str, name: str) -> Any:
        subject = {**namespace, "metadata": {"name": name}}
        if subresource != "/finalize":
            return asker(user).patch(subject, change, subresource=subresource)
        live = asker(user).get(subject)  # finalize takes whole objects only
        kept = {key: value for key, value in live["metadata"]["labels"].items() if key != MODE_LABEL}
        return asker(user).put({**live, "metadata": {**live["metadata"], "labels": kept}}, subresource)

    answer = ask(DEVELOPER, ENFORCED)
    assert answer.refused, answer
    assert f"'bolwerk-{ENFORCED}-namespaces'" in answer.message
    assert "would no longer govern the namespace" in answer.message
    assert ask(OVERRIDER, ENFORCED).allowed
    assert ask(DEVELOPER, AUDITED).warnings
    assert ask(DEVELOPER, FREE).allowed


def test_a_namespace_can_be_labelled_otherwise(asker: Askers) -> None:
    for name in (ENFORCED, AUDITED, FREE):
        namespace: Manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        answer = asker(DEVELOPER).patch(namespace, {"metadata": {"labels": {"team": "ai"}}})

        assert answer.allowed
        assert not answer.warnings


def block(cidr: str, *spared: str) -> Manifest:
    return {"to": [{"ipBlock": {"cidr": cidr} | ({"except": list(spared)} if spared else {})}]}


WIDENING = [
    ("everything", {}),
    ("everything, by no peers", {"to": []}),
    ("a port everywhere", {"ports": [{"port": 443}]}),
    ("the world", block("0.0.0.0/0")),
    ("the world over IPv6", block("::/0")),
    ("more than a declared network", block("10.20.0.0/15")),
    ("another network", block("10.21.0.0/16")),
    ("a declared network with the proxies in it", block("10.20.0.0/16")),
    ("a declared network less half of the proxies", block("10.20.0.0/16", "10.20.9.0/25", "10.20.8.0/28")),
    ("the proxies", block("10.20.9.0/24")),
    ("one proxy", block("10.20.9.1/32")),
    ("a private endpoint over IPv6", block("2001:db8:8::1/128")),
    ("a pod and the world", {"to": [{"podSelector": {}}, {"ipBlock": {"cidr": "0.0.0.0/0"}}]}),
]

NARROW: list[tuple[str, Manifest | None]] = [
    ("nothing", None),
    ("pods", {"to": [{"podSelector": {}}]}),
    ("namespaces", {"to": [{"namespaceSelector": {}, "podSelector": {}}]}),
    ("a part of a declared network", block("10.20.1.0/24")),
    ("a declared network less what leads out", block("10.20.0.0/16", "10.20.9.0/24", "10.20.8.0/24")),
    ("a declared IPv6 network", block("2001:db8:1::/48")),
]


@pytest.mark.parametrize("rule", cases(WIDENING))
def test_a_network_policy_lets_nobody_out(asker: Askers, rule: Manifest) -> None:
    policy = network_policy(ENFORCED, {"to": [{"podSelector": {}}]}, rule)
    answer = asker(DEVELOPER).create(policy)

    assert answer.refused, answer
    assert "NetworkPolicies add up; under egress.to name" in answer.message
    assert asker(DEVELOPER).create(moved(policy, AUDITED)).warnings
    assert asker(DEVELOPER).create(moved(policy, FREE)).allowed
    assert asker(OPERATOR).create(policy).allowed
    assert asker(OVERRIDER).create(policy).allowed


@pytest.mark.parametrize("rule", cases(NARROW))
def test_a_network_policy_may_name_what_is_inside(asker: Askers, rule: Manifest | None) -> None:
    answer = asker(DEVELOPER).create(network_policy(ENFORCED, *([rule] if rule else [])))

    assert answer.allowed, answer


def test_a_network_policy_about_ingress_is_not_judged(asker: Askers) -> None:
    policy = network_policy(ENFORCED, types=("Ingress",))

    assert asker(DEVELOPER).create(policy).allowed
