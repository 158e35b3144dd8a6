"""The operator's process and SovereigntyPolicies: walls come, stay and go, and new kinds of walls are noticed."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.operating import apply, get, last_run, renewed, wait_for, wait_until_led_by, writes
from harness import process
from harness.controlplane import ControlPlane
from harness.operator import NAMESPACE, Operator

pytestmark = pytest.mark.cluster

# A ConfigMap is looked at every half minute, what is served too.
POLLED_SECONDS = 60
GROUP = "policy.networking.k8s.io"
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {
        "name": f"clusternetworkpolicies.{GROUP}",
        "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"},
    },
    "spec": {
        "group": GROUP,
        "scope": "Cluster",
        "names": {"kind": "ClusterNetworkPolicy", "plural": "clusternetworkpolicies"},
        "versions": [
            {
                "name": "v1alpha2",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}


def policy(name: str, **spec: Any) -> dict[str, Any]:
    """Return a policy that governs the namespaces with its own name as a label."""
    return {
        "apiVersion": "bolwerk.dev/v1alpha1",
        "kind": "SovereigntyPolicy",
        "metadata": {"name": name},
        "spec": {
            "namespaceSelector": {"matchLabels": {"governed-by": name}},
            "mode": "Enforce",
            "internal": {"networks": ["10.20.0.0/16"]},
            **spec,
        },
    }


@pytest.fixture
def name(plane: ControlPlane, running: Operator, request: pytest.FixtureRequest) -> Iterator[str]:
    """A policy that stands, with one governed namespace of the same name; gone after the test."""
    running.check()
    chosen = f"p{abs(hash(request.node.nodeid)) % 10**8}"
    create_namespace(plane, chosen, governed_by=chosen)
    apply(plane, policy(chosen))
    wait_for(lambda: stands(plane, chosen), "the wall to stand")
    yield chosen
    plane.kubectl("delete", "sovereigntypolicy", chosen, "--ignore-not-found")


def create_namespace(plane: ControlPlane, name: str, **labels: str) -> None:
    labels = {key.replace("_", "-"): value for key, value in labels.items()}
    apply(plane, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})


def condition(plane: ControlPlane, name: str, kind: str) -> dict[str, Any]:
    status = get(plane, "sovereigntypolicy", name, "").get("status", {})
    return next((found for found in status.get("conditions", ()) if found["type"] == kind), {})


def stands(plane: ControlPlane, name: str) -> bool:
    return condition(plane, name, "WallStands").get("status") == "True"


@contextlib.contextmanager
def walled_team(plane: ControlPlane, number: int) -> Iterator[str]:
    """Have, within the block, a namespace that a policy of the same name governs, whose wall stands."""
    name = f"team-{number}"
    create_namespace(plane, name, governed_by=name)
    apply(plane, policy(name))
    wait_for(lambda: stands(plane, name), "the wall to stand")
    yield name
    plane.kubectl("delete", "sovereigntypolicy", name, "--ignore-not-found")


def wall(plane: ControlPlane, name: str, namespace: str = "") -> dict[str, Any]:
    return get(plane, "networkpolicy", f"bolwerk-{name}", namespace or name)


def owned(plane: ControlPlane, kind: str, name: str) -> list[str]:
    """Return the names of the objects of a kind that carry a policy's label."""
    found = plane.kubectl("get", kind, "--all-namespaces", f"--selector=bolwerk.dev/policy={name}", "--output=name")
    return found.split()


def quiet(plane: ControlPlane, running: Operator) -> int:
    """Wait until the operator has reacted to all that was before (a first scan takes its time), and mark the place."""
    looked_from = plane.audit.mark()

    def nothing_more() -> bool:
        nonlocal looked_from
        if not renewed(plane, looked_from, running, times=2):
            return False
        still = writes(plane, looked_from, running)
        looked_from = plane.audit.mark()
        return not still

    wait_for(nothing_more, "the last of it to pass", seconds=60)
    return looked_from


def test_a_policy_is_carried_out_and_itself_left_alone(plane: ControlPlane, name: str) -> None:
    created = get(plane, "sovereigntypolicy", name, "")

    assert "finalizers" not in created["metadata"]
    assert "annotations" not in created["metadata"]
    assert created["metadata"]["generation"] == created["status"]["observedGeneration"] == 1
    assert created["status"]["backend"] == "NetworkPolicy"
    [owner] = wall(plane, name)["metadata"]["ownerReferences"]
    assert (owner["uid"], owner["controller"]) == (created["metadata"]["uid"], True)
    assert owned(plane, "validatingadmissionpolicies", name)
    assert len(owned(plane, "validatingadmissionpolicies", name)) == len(
        owned(plane, "validatingadmissionpolicybindings", name)
    )
    assert owned(plane, "configmap", name) == [f"configmap/bolwerk-{name}-dns"]


def test_its_events_are_found_where_those_without_a_namespace_are(plane: ControlPlane, name: str) -> None:
    def told() -> list[dict[str, Any]]:
        answer = json.loads(plane.kubectl("get", "events.events.k8s.io", "--namespace=default", "--output=json"))
        return [event for event in answer["items"] if event["regarding"].get("name") == name]

    wait_for(told, "an event about the policy")
    for event in told():
        assert event["regarding"]["kind"] == "SovereigntyPolicy"
        assert "namespace" not in event["regarding"]


def test_a_namespace_is_walled_when_its_label_comes_and_freed_when_it_goes(plane: ControlPlane, name: str) -> None:
    late = f"{name}-late"
    create_namespace(plane, late)

    plane.kubectl("label", "namespace", late, f"governed-by={name}")
    wait_for(lambda: wall(plane, name, late), "the wall around the newcomer")
    wait_for(lambda: get(plane, "sovereigntypolicy", name, "")["status"]["governedNamespaces"] == 2, "the count")

    plane.kubectl("label", "namespace", late, "governed-by-")
    wait_for(lambda: not wall(plane, name, late), "the wall to go", seconds=40)
    assert wall(plane, name)


def test_a_quiet_operator_writes_nothing_and_neither_does_a_restart(
    plane: ControlPlane, name: str, running: Operator
) -> None:
    mark, logged = quiet(plane, running), running.log.stat().st_size
    wait_for(lambda: renewed(plane, mark, running, times=4), "eight quiet seconds")
    assert writes(plane, mark, running) == Counter()
    assert running.log.read_text(encoding="utf-8")[logged:] == ""

    running.stop()
    mark = plane.audit.mark()
    running.start()
    wait_until_led_by(plane, running)
    wait_for(lambda: renewed(plane, mark, running, times=4), "eight seconds after the restart")
    assert writes(plane, mark, running) == Counter()
    assert stands(plane, name)


@pytest.mark.parametrize(
    ("kind", "seconds"),
    [
        pytest.param("networkpolicy", 5, id="the wall"),
        pytest.param("validatingadmissionpolicies", 5, id="the rules of admission"),
        pytest.param("configmap", POLLED_SECONDS, id="the snippet for CoreDNS, which is not watched"),
    ],
)
def test_what_is_deleted_comes_back(plane: ControlPlane, name: str, kind: str, seconds: int) -> None:
    before = owned(plane, kind, name)
    scope = {"networkpolicy": [f"--namespace={name}"], "configmap": [f"--namespace={NAMESPACE}"]}

    plane.kubectl("delete", before[0], *scope.get(kind, []))

    wait_for(lambda: owned(plane, kind, name) == before, f"the {kind} to come back", seconds=seconds)


def test_what_is_changed_by_hand_is_healed_with_one_write(plane: ControlPlane, name: str, running: Operator) -> None:
    want, mark = wall(plane, name)["spec"], quiet(plane, running)
    opened = json.dumps({"spec": {"egress": [{}]}})

    plane.kubectl("patch", "networkpolicy", f"bolwerk-{name}", "-n", name, "--type=merge", f"--patch={opened}")

    wait_for(lambda: wall(plane, name)["spec"] == want, "the wall to be as before")
    quiet(plane, running)
    counted = writes(plane, mark, running)
    assert counted[("patch", "networkpolicies")] == 1
    assert counted.keys() <= {
        ("patch", "networkpolicies"),
        ("patch", "sovereigntypolicies/status"),
        ("create", "events"),
        ("update", "configmaps"),  # the head of the audit trail
    }


def test_what_others_do_beside_it_causes_no_write(plane: ControlPlane, name: str, running: Operator) -> None:
    mark = quiet(plane, running)

    plane.kubectl("annotate", "namespace", name, "team.example/note=ours")
    plane.kubectl("annotate", "sovereigntypolicy", name, "argocd.argoproj.io/tracking-id=x")
    plane.kubectl("create", "configmap", "settings", "--from-literal=a=b", f"--namespace={NAMESPACE}")
    quiet(plane, running)

    assert writes(plane, mark, running) == Counter()


def test_an_edit_is_followed(plane: ControlPlane, name: str) -> None:
    apply(plane, policy(name, mode="Audit"))
    wait_for(lambda: not wall(plane, name), "a wall that only watches to be gone", seconds=40)
    wait_for(lambda: get(plane, "sovereigntypolicy", name, "")["status"]["observedGeneration"] == 2, "the status")

    apply(plane, policy(name))
    wait_for(lambda: wall(plane, name), "the wall to be back")


def test_an_overlay_of_the_catalogue_is_noticed(plane: ControlPlane, name: str) -> None:
    def version() -> str:
        found: str = get(plane, "sovereigntypolicy", name, "")["status"]["catalogue"]["version"]
        return found

    shipped = version()
    broken = "--from-literal=catalogue.yaml=no: catalogue"
    plane.kubectl("create", "configmap", "bolwerk-catalogue", broken, f"--namespace={NAMESPACE}")
    try:
        wait_for(
            lambda: condition(plane, name, "Stalled").get("reason") == "OverlayRefused",
            "the overlay to be refused",
            seconds=POLLED_SECONDS,
        )
        assert wall(plane, name), "whatever is wrong with a catalogue, the wall stands"
    finally:
        plane.kubectl("delete", "configmap", "bolwerk-catalogue", f"--namespace={NAMESPACE}")
    wait_for(lambda: not condition(plane, name, "Stalled"), "the refusal to be forgotten", seconds=POLLED_SECONDS)
    assert version() == shipped


def test_a_deleted_policy_takes_along_what_it_made(plane: ControlPlane, name: str) -> None:
    plane.kubectl("delete", "sovereigntypolicy", name, "--timeout=20s")

    for kind in ("networkpolicy", "validatingadmissionpolicies", "validatingadmissionpolicybindings", "configmap"):
        wait_for(lambda kind=kind: not owned(plane, kind, name), f"its {kind} to go", seconds=60)  # type: ignore[misc]


def test_a_leader_that_is_killed_leaves_the_walls_to_the_next(
    plane: ControlPlane, name: str, running: Operator
) -> None:
    with Operator(plane, name="second") as second:
        running.kill()  # as kill -9
        plane.kubectl("delete", "networkpolicy", f"bolwerk-{name}", f"--namespace={name}")

        wait_for(lambda: wall(plane, name), "the second to heal the wall", seconds=60)
        wait_until_led_by(plane, second)
        second.stop()


def end(operator: Operator) -> str:
    """Return how the process has ended; nothing while it runs."""
    try:
        operator.check()
    except process.ChildEndedError as ended:
        return str(ended)
    return ""


@contextlib.contextmanager
def served(plane: ControlPlane) -> Iterator[None]:
    """Have ClusterNetworkPolicies served for a while."""
    crd = f"crd/clusternetworkpolicies.{GROUP}"
    apply(plane, CRD)
    plane.kubectl("wait", crd, "--for=condition=Established", "--timeout=60s")
    try:
        yield
    finally:
        plane.kubectl("delete", crd)


def test_a_kind_that_comes_ends_the_process_and_is_watched_by_the_next(
    plane: ControlPlane, name: str, running: Operator
) -> None:
    with served(plane):
        wait_for(lambda: end(running), "the leader to notice", seconds=POLLED_SECONDS)
        assert "ended with 0" in end(running)
        assert f"clusternetworkpolicies.{GROUP}/v1alpha2 came" in last_run(running)
        assert "msg=released" in last_run(running), "the next one need not wait"

        running.start()
        wait_until_led_by(plane, running)
        assert wall(plane, name), "a CRD alone moves no wall"
        apply(plane, policy(name, enforcement={"backend": "ClusterNetworkPolicy"}))
        wait_for(lambda: get(plane, "clusternetworkpolicy", f"bolwerk-{name}", ""), "the wall of the new kind")
        wait_for(lambda: not wall(plane, name), "the wall of the old kind to go after it", seconds=60)
        wait_for(lambda: stands(plane, name), "the new wall to be told of")
        plane.kubectl("delete", "clusternetworkpolicy", f"bolwerk-{name}", "--wait=false")
        wait_for(lambda: get(plane, "clusternetworkpolicy", f"bolwerk-{name}", ""), "it to be watched", seconds=5)

    wait_for(lambda: end(running), "the leader to notice by its watch that the kind went", seconds=10)
    assert f"clusternetworkpolicies.{GROUP}/v1alpha2 went" in last_run(running)
    assert "msg=released" in last_run(running), "although kopf takes its time"
    running.start()
    wait_until_led_by(plane, running)
    wait_for(lambda: condition(plane, name, "Stalled").get("reason") == "BackendNotServed", "the lack to be told")
    apply(plane, policy(name))
    wait_for(lambda: wall(plane, name), "the wall of the old kind to be back")
