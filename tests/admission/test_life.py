"""What has to go on in a governed namespace: Kubernetes' own controllers delete, scale and tell, rules or no rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from admission.asking import Asker, Manifest
from admission.conftest import DEVELOPER, ENFORCED, OPERATOR, add_namespace, apply, install, wait_until_in_force
from admission.objects import container, network_policy, pod, service, variable, workload
from admission.policies import MODE_LABEL, sovereignty_policy
from admission.test_tampering import OF_MODEL, OF_WALL, labelled
from harness import process
from harness.controlplane import ControlPlane

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("asker")]


def names(plane: ControlPlane, kind: str, *flags: str) -> list[str]:
    return plane.kubectl("get", kind, *flags, "--output=name").split()


def owned(manifest: Manifest, kind: str, owner: dict[str, Any]) -> Manifest:
    reference = {
        "apiVersion": "bolwerk.dev/v1alpha1",
        "kind": kind,
        "name": owner["name"],
        "uid": owner["uid"],
        "controller": True,
    }
    return {**manifest, "metadata": {**manifest["metadata"], "ownerReferences": [reference]}}


def test_what_a_deleted_localmodel_was_made_of_goes_with_it(plane: ControlPlane, asker: Callable[[str], Asker]) -> None:
    model = {
        "apiVersion": "bolwerk.dev/v1alpha1",
        "kind": "LocalModel",
        "metadata": {"name": "leaving", "namespace": ENFORCED},
        "spec": {"model": {"source": {"persistentVolumeClaim": {"claimName": "c"}}}, "engine": {"vllm": {}}},
    }
    apply(plane, model)
    stored = json.loads(plane.kubectl("get", "localmodel", "leaving", f"--namespace={ENFORCED}", "--output=json"))
    labels = {**OF_MODEL, "bolwerk.dev/model": "leaving"}
    template = workload("Deployment", ENFORCED, pod(ENFORCED, labels=labels))
    for child in (template, service(ENFORCED, selector=labels), network_policy(ENFORCED)):
        answer = asker(OPERATOR).create(
            owned(labelled(child, "leaving", labels), "LocalModel", stored["metadata"]), keep=True
        )
        assert answer.allowed, answer
    chosen = (f"--namespace={ENFORCED}", "--selector=bolwerk.dev/model=leaving")

    assert len(names(plane, "deployments,services,networkpolicies", *chosen)) == len(("one", "of", "each"))
    plane.kubectl("delete", "localmodel", "leaving", f"--namespace={ENFORCED}")
    process.wait_for(
        lambda: not names(plane, "deployments,services,networkpolicies", *chosen), what="the children to go", seconds=90
    )


def test_a_governed_namespace_can_be_deleted_with_the_wall_in_it(
    plane: ControlPlane, asker: Callable[[str], Asker]
) -> None:
    add_namespace(plane, "doomed", governed_by=ENFORCED)
    wall = labelled(network_policy("doomed"), "bolwerk-wall", OF_WALL)
    assert asker(OPERATOR).create(wall, keep=True).allowed
    assert asker(DEVELOPER).delete(wall).refused

    plane.kubectl("delete", "namespace", "doomed", "--wait=false")

    process.wait_for(
        lambda: "namespace/doomed" not in names(plane, "namespaces"), what="the namespace to go", seconds=90
    )


def test_what_ran_before_goes_on_and_its_successors_are_refused_aloud(
    plane: ControlPlane, asker: Callable[[str], Asker]
) -> None:
    """A namespace is labelled only once people work in it."""
    add_namespace(plane, "newly", governed_by=None)
    bad = pod("newly", containers=[container(variable("CHAT_BASE_URL", "https://api.chat.example"))])
    deployment = workload("Deployment", "newly", bad)
    deployment["spec"]["replicas"] = 1
    assert asker(DEVELOPER).create(deployment, keep=True).allowed
    process.wait_for(lambda: bool(names(plane, "pods", "--namespace=newly")), what="the first pod", seconds=60)
    plane.kubectl("label", "namespace", "newly", f"{MODE_LABEL}={ENFORCED}")
    wait_until_in_force(asker(DEVELOPER), "newly")
    [old] = names(plane, "pods", "--namespace=newly")

    # Whoever labels or scales what was there is not stopped ...
    plane.kubectl("label", old, "team=ai", "--namespace=newly")
    plane.kubectl("scale", "deployment/web", "--replicas=2", "--namespace=newly")

    # ... but no further pod comes, and the event says why.
    def refusals() -> list[str]:
        events = json.loads(plane.kubectl("get", "events", "--namespace=newly", "--output=json"))["items"]
        return [event["message"] for event in events if event["reason"] == "FailedCreate"]

    process.wait_for(lambda: bool(refusals()), what="the event", seconds=60)
    assert any("CHAT_BASE_URL names api.chat.example" in message for message in refusals())
    assert names(plane, "pods", "--namespace=newly") == [old]
    plane.kubectl("delete", old, "--namespace=newly", "--wait=false")


def test_the_rules_go_with_their_policy(plane: ControlPlane, asker: Callable[[str], Asker]) -> None:
    add_namespace(plane, "brief", governed_by="brief")
    install(plane, sovereignty_policy("brief", "Enforce"))
    wait_until_in_force(asker(DEVELOPER), "brief")
    kinds = "validatingadmissionpolicies,validatingadmissionpolicybindings"
    bad = pod("brief", hostNetwork=True)
    assert asker(DEVELOPER).create(bad).refused

    plane.kubectl("delete", "sovereigntypolicy", "brief")

    process.wait_for(
        lambda: not names(plane, kinds, "--selector=bolwerk.dev/policy=brief"), what="the rules to go", seconds=90
    )
    process.wait_for(lambda: asker(DEVELOPER).create(bad).allowed, what="the rules to be out of force", seconds=60)
