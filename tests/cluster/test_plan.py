"""`bolwerk plan` against a real API server, as somebody who may only read, and what the operator then really does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import needing
from cluster.operating import ask
from harness import operator, process
from harness.controlplane import ControlPlane
from harness.operator import NAMESPACE, Operator

pytestmark = pytest.mark.cluster

READER, STRANGER = "reader", "stranger"
MADE = "networkpolicies,validatingadmissionpolicies,validatingadmissionpolicybindings,configmaps"
Plan = Callable[..., subprocess.CompletedProcess[str]]

POLICY: dict[str, Any] = {
    "apiVersion": "bolwerk.dev/v1alpha1",
    "kind": "SovereigntyPolicy",
    "metadata": {"name": "baseline"},
    "spec": {
        "namespaceSelector": {"matchLabels": {"governed": "yes"}},
        "mode": "Enforce",
        "internal": {"networks": ["10.20.0.0/16"]},
    },
}
MODEL: dict[str, Any] = {
    "apiVersion": "bolwerk.dev/v1alpha1",
    "kind": "LocalModel",
    "metadata": {"name": "chat", "namespace": "team"},
    "spec": {
        "model": {"source": {"persistentVolumeClaim": {"claimName": "weights", "path": "llama"}}},
        "engine": {"vllm": {}},
        "gpu": {"count": 1},
    },
}


@pytest.fixture(scope="module")
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane with the chart, a governed namespace, and somebody who was given the role for `plan`."""
    needing.programs(request, "etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "helm")
    users = {READER: ["readers"], STRANGER: ["nobodies"]}
    with ControlPlane(tmp_path_factory.mktemp("plan"), controllers=True, users=users) as running:
        operator.install(running)
        running.kubectl("create", "clusterrolebinding", READER, "--clusterrole=bolwerk-plan", f"--user={READER}")
        where = f"--namespace={NAMESPACE}"
        running.kubectl("create", "rolebinding", READER, "--role=bolwerk-plan", f"--user={READER}", where)
        running.kubectl("create", "namespace", "team")
        running.kubectl("label", "namespace", "team", "governed=yes")
        yield running


@pytest.fixture
def plan(plane: ControlPlane, tmp_path: Path) -> Plan:
    """Run the command as somebody; nothing that it is asked may ever write."""

    def run(*options: str, given: Any = None, user: str = READER) -> subprocess.CompletedProcess[str]:
        if given is not None:
            file = tmp_path / "given.json"
            file.write_text(json.dumps({"kind": "List", "items": given}), encoding="utf-8")
            options = (*options, "--filename", str(file))
        return ask(plane, user, "plan", *options)

    return run


@pytest.fixture(scope="module")
def settled(plane: ControlPlane) -> ControlPlane:
    """The policy and the model applied, the operator through with them, and gone again."""
    for manifest in (POLICY, MODEL):
        plane.kubectl("apply", "--server-side", "--filename=-", stdin=json.dumps(manifest))
    with Operator(plane) as running:

        def is_through() -> bool:
            running.check()
            return all(ready(plane, kind, *where) for kind, *where in (
                ("sovereigntypolicy", "baseline"), ("localmodel", "chat", "--namespace=team")
            ))  # fmt: skip

        process.wait_for(is_through, what="the operator to have told about both", seconds=60)
        process.wait_for(lambda: len(walls(plane)) > 1, what="the wall to stand", seconds=30)
        running.stop()
    return plane


def ready(plane: ControlPlane, *what: str) -> dict[str, Any]:
    status = json.loads(plane.kubectl("get", *what, "--output=json")).get("status", {})
    return next((each for each in status.get("conditions", ()) if each["type"] == "Ready"), {})


def walls(plane: ControlPlane) -> list[str]:
    selector = "--selector=app.kubernetes.io/component=wall"
    return plane.kubectl("get", "networkpolicies", "--namespace=team", selector, "--output=name").split()


def test_an_empty_cluster_has_no_difference(plan: Plan) -> None:
    done = plan("--exit-code")

    assert (done.returncode, done.stdout) == (0, "No difference: nothing looked at, nothing to write.\n"), done.stderr


def test_what_is_planned_for_a_file_is_what_the_operator_then_makes(plan: Plan, request: pytest.FixtureRequest) -> None:
    planned = json.loads(plan("--output=json", given=[POLICY, MODEL]).stdout)

    plane: ControlPlane = request.getfixturevalue("settled")
    selector = "--selector=bolwerk.dev/policy=baseline"
    made = json.loads(plane.kubectl("get", MADE, "--all-namespaces", selector, "--output=json"))["items"]
    of_the_policy, of_the_model = planned["objects"]
    want = sorted((each["kind"], each.get("namespace", ""), each["name"]) for each in of_the_policy["changes"])
    got = [(each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]) for each in made]
    assert sorted(got) == want
    assert {each["action"] for each in of_the_policy["changes"]} == {"create"}
    assert "Deployment" in {each["kind"] for each in of_the_model["changes"]}
    told = {each["type"]: each["reason"] for each in of_the_policy["status"]["conditions"]}
    assert told["Ready"] == ready(plane, "sovereigntypolicy", "baseline")["reason"]


def test_what_the_operator_is_through_with_has_no_difference(plan: Plan, settled: ControlPlane) -> None:
    settled.check()

    done = plan("--exit-code")

    assert done.stdout == "No difference: 1 LocalModel and 1 SovereigntyPolicy looked at, nothing to write.\n"
    assert done.returncode == 0


def test_the_very_file_that_was_applied_has_no_difference(plan: Plan, settled: ControlPlane) -> None:
    settled.check()

    assert plan("--exit-code", given=[POLICY, MODEL]).returncode == 0


def test_an_edit_is_planned_on_what_is_there(plan: Plan, settled: ControlPlane) -> None:
    settled.check()
    edited = {**POLICY, "spec": {**POLICY["spec"], "internal": {"networks": ["10.20.0.0/16", "10.30.0.0/16"]}}}

    done = plan("--exit-code", given=[edited])

    assert done.returncode == 2
    assert "~ change NetworkPolicy team/bolwerk-baseline-1: spec.egress[0].to" in done.stdout
    assert "+        cidr: 10.30.0.0/16" in done.stdout
    # The policy says also how old a proof of the model in its namespace may be.
    assert done.stdout.endswith("for 1 LocalModel and 1 SovereigntyPolicy. Nothing has been written.\n")


def test_a_label_taken_from_a_namespace_is_planned_as_the_end_of_its_wall(plan: Plan, settled: ControlPlane) -> None:
    settled.check()
    loose = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team", "labels": {"governed": "no"}}}

    done = plan(given=[loose])

    assert done.returncode == 0
    assert "- delete NetworkPolicy team/bolwerk-baseline: no longer desired" in done.stdout


def test_an_edit_that_would_be_refused_changes_nothing_and_says_why(plan: Plan, settled: ControlPlane) -> None:
    settled.check()
    named = {**POLICY, "spec": {**POLICY["spec"], "enforcement": {"backend": "Cilium"}}}

    done = plan("--exit-code", given=[named])

    assert done.returncode == 0
    assert "then Ready is False (BackendNotServed): spec.enforcement.backend names Cilium" in done.stdout


def test_a_foreign_object_in_the_way_is_found(plan: Plan, settled: ControlPlane) -> None:
    settled.kubectl("create", "serviceaccount", "taken", "--namespace=team")
    second = {**MODEL, "metadata": {"name": "taken", "namespace": "team"}}

    done = plan(given=[second])

    assert "then Ready is False (NameTaken): ServiceAccount taken: ServiceAccount team/taken exists" in done.stdout
    assert done.stdout.endswith("No difference but another status: 1 LocalModel looked at, nothing to write.\n")


def test_drift_is_planned_to_be_healed(plan: Plan, settled: ControlPlane) -> None:
    opened = json.dumps({"spec": {"egress": [{}]}})
    patch = ("patch", "networkpolicy", "bolwerk-baseline", "--namespace=team", "--type=merge", f"--patch={opened}")
    settled.kubectl(*patch)
    settled.kubectl("delete", "networkpolicy", "bolwerk-baseline-1", "--namespace=team")

    done = plan("--exit-code")

    assert done.returncode == 2
    assert "+ create NetworkPolicy team/bolwerk-baseline-1" in done.stdout
    assert "~ change NetworkPolicy team/bolwerk-baseline: spec.egress" in done.stdout
    assert "1 to create, 1 to change, 0 to delete" in done.stdout


@pytest.mark.parametrize(
    ("options", "user", "want"),
    [
        pytest.param((), STRANGER, "ask for the ClusterRole that the chart makes for this", id="no rights"),
        pytest.param(("--namespace=team",), STRANGER, "is forbidden", id="no rights there"),
        pytest.param(("--namespace=default",), "admin", "by --namespace, or a file", id="another namespace"),
    ],
)
def test_refusals_are_sentences(plan: Plan, options: tuple[str, ...], user: str, want: str) -> None:
    done = plan(*options, user=user)

    assert done.returncode == 1
    assert want in done.stderr
    assert not done.stdout


def test_without_a_cluster_the_reader_is_told_how_to_name_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("bolwerk"), "plan"],
        env={"KUBECONFIG": str(tmp_path / "none"), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "set KUBECONFIG" in done.stderr
    assert "Traceback" not in done.stderr
