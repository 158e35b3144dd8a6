"""The operator's process against a real API server, with the rights of the chart: what it does and what it leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.operating import apply, get, last_run, renewed, wait_for, wait_until_led_by, writes
from harness import process
from harness.controlplane import ControlPlane
from harness.operator import NAMESPACE, Operator

pytestmark = pytest.mark.cluster

CRDS = Path(__file__).resolve().parents[2] / "crds"
CHILDREN = ("serviceaccount", "networkpolicy", "service", "deployment")
MOUNT = "automountServiceAccountToken"
Model = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def _numbers() -> Iterator[int]:
    return iter(range(1, 1000))


@pytest.fixture
def namespace(plane: ControlPlane, _numbers: Iterator[int]) -> str:
    name = f"team-{next(_numbers)}"
    plane.kubectl("create", "namespace", name)
    return name


@pytest.fixture
def model(plane: ControlPlane, namespace: str, running: Operator) -> Model:
    """Create a LocalModel and wait until all that it owns is there and told of."""
    running.check()

    def create(name: str = "chat") -> dict[str, Any]:
        apply(plane, manifest(namespace, name))
        wait_for(lambda: settled(plane, namespace, name), f"{name} to have its children and its status")
        return get(plane, "localmodel", name, namespace)

    return create


def manifest(namespace: str, name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "bolwerk.dev/v1alpha1",
        "kind": "LocalModel",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "model": {"source": {"persistentVolumeClaim": {"claimName": "weights", "path": "llama"}}},
            "engine": {"vllm": {"image": "registry.example/vllm@sha256:" + "0" * 64}},
            "gpu": {"count": 1},
            **spec,
        },
    }


def condition(plane: ControlPlane, name: str, namespace: str, kind: str) -> dict[str, Any]:
    status = get(plane, "localmodel", name, namespace).get("status", {})
    return next((found for found in status.get("conditions", ()) if found["type"] == kind), {})


def settled(plane: ControlPlane, namespace: str, name: str) -> bool:
    """Tell whether the children are there, and the status tells of the pod that the Deployment made."""
    status = get(plane, "localmodel", name, namespace).get("status", {})
    there = all(get(plane, kind, name, namespace) for kind in CHILDREN)
    return there and "observedGeneration" in status and status.get("replicas") == 1


def test_every_child_is_written_once_and_owned_and_the_model_itself_is_left_alone(
    plane: ControlPlane, namespace: str, running: Operator, model: Model
) -> None:
    mark = plane.audit.mark()

    created = model()

    for kind in CHILDREN:
        child = get(plane, kind, "chat", namespace)
        [owner] = child["metadata"]["ownerReferences"]
        assert owner["uid"] == created["metadata"]["uid"]
        assert owner["controller"] is True
    assert "finalizers" not in created["metadata"]
    assert "annotations" not in created["metadata"]
    wait_for(lambda: renewed(plane, mark, running, times=2), "a quiet moment")
    counted = writes(plane, mark, running)
    for resource in ("serviceaccounts", "networkpolicies", "services", "deployments"):
        assert counted[("patch", resource)] == 1
    assert counted[("patch", "localmodels/status")] <= 2, "once when it is made, once when its pod is"


def test_a_quiet_operator_writes_nothing_and_is_silent(plane: ControlPlane, running: Operator, model: Model) -> None:
    model()
    mark = plane.audit.mark()
    wait_for(lambda: renewed(plane, mark, running, times=2), "the last of the start to pass")
    mark, logged = plane.audit.mark(), running.log.stat().st_size

    wait_for(lambda: renewed(plane, mark, running, times=4), "eight quiet seconds")

    assert writes(plane, mark, running) == Counter()
    assert running.log.stat().st_size == logged


def test_a_restart_writes_nothing(plane: ControlPlane, running: Operator, model: Model) -> None:
    model("chat")
    model("code")
    mark = plane.audit.mark()
    wait_for(lambda: renewed(plane, mark, running, times=2), "the last of the start to pass")
    running.stop()
    mark = plane.audit.mark()

    running.start()
    wait_until_led_by(plane, running)
    wait_for(lambda: renewed(plane, mark, running, times=4), "eight seconds after the restart")

    assert writes(plane, mark, running) == Counter()


def test_an_edit_reaches_the_deployment(plane: ControlPlane, namespace: str, model: Model) -> None:
    model()

    plane.kubectl("scale", "localmodel/chat", "--replicas=3", f"--namespace={namespace}")

    wait_for(lambda: get(plane, "deployment", "chat", namespace)["spec"]["replicas"] == 3, "three replicas")
    wait_for(lambda: get(plane, "poddisruptionbudget", "chat", namespace), "a budget for them")
    wait_for(lambda: get(plane, "localmodel", "chat", namespace)["status"]["observedGeneration"] == 2, "the status")

    plane.kubectl("scale", "localmodel/chat", "--replicas=1", f"--namespace={namespace}")
    wait_for(lambda: not get(plane, "poddisruptionbudget", "chat", namespace), "the budget to go")


@pytest.mark.parametrize("kind", CHILDREN)
def test_a_child_that_is_deleted_comes_back(plane: ControlPlane, namespace: str, model: Model, kind: str) -> None:
    model()
    before = get(plane, kind, "chat", namespace)["metadata"]["uid"]

    plane.kubectl("delete", kind, "chat", f"--namespace={namespace}", "--wait=false")

    def is_back() -> bool:
        child = get(plane, kind, "chat", namespace)
        return bool(child) and child["metadata"]["uid"] != before

    wait_for(is_back, f"the {kind} to come back")


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        pytest.param("networkpolicy", ({"spec": {"egress": [{}]}}, ("spec", "egress")), id="egress opened"),
        pytest.param("networkpolicy", ({"spec": {"policyTypes": ["Ingress"]}}, ("spec", "policyTypes")), id="unsealed"),
        pytest.param("deployment", ({"spec": {"replicas": 0}}, ("spec", "replicas")), id="scaled by hand"),
        pytest.param("service", ({"spec": {"selector": {"x": "y"}}}, ("spec", "selector")), id="another selector"),
        pytest.param(
            "serviceaccount", ({MOUNT: True}, (MOUNT,)), id="a token given"
        ),
        pytest.param(
            "deployment", ({"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}, ("metadata", "labels")),
            id="its label taken away, so that no watch shows it any more",
        ),
    ],
)  # fmt: skip
def test_what_is_changed_by_hand_is_healed(
    plane: ControlPlane, running: Operator, model: Model, kind: str, change: tuple[dict[str, Any], tuple[str, ...]]
) -> None:
    patch, path = change
    namespace = model()["metadata"]["namespace"]

    def value() -> Any:
        found: Any = get(plane, kind, "chat", namespace)
        for part in path:
            found = found.get(part, {})
        return found

    want, mark = value(), plane.audit.mark()
    changed = ("patch", kind, "chat", f"--namespace={namespace}", "--type=merge", f"--patch={json.dumps(patch)}")
    assert "patched" in plane.kubectl(*changed)

    wait_for(lambda: value() == want, f"{'.'.join(path)} of the {kind} to be as before")
    healed = plane.audit.mark()
    wait_for(lambda: renewed(plane, healed, running, times=1), "time for a fight")
    counted = plane.audit.writes(mark, user=running.user, namespace=namespace)
    assert sum(number for (_, resource), number in counted.items() if "/" not in resource and resource != "events") == 1


def test_what_others_add_stays_and_is_not_fought_over(
    plane: ControlPlane, namespace: str, running: Operator, model: Model
) -> None:
    model()
    mark = plane.audit.mark()
    wait_for(lambda: renewed(plane, mark, running, times=2), "the last of the start to pass")
    mark = plane.audit.mark()

    plane.kubectl("annotate", "deployment", "chat", "team.example/note=ours", f"--namespace={namespace}")
    plane.kubectl("annotate", "localmodel", "chat", "argocd.argoproj.io/tracking-id=x", f"--namespace={namespace}")
    wait_for(lambda: renewed(plane, mark, running, times=2), "time to react")

    assert writes(plane, mark, running) == Counter()
    assert get(plane, "deployment", "chat", namespace)["metadata"]["annotations"]["team.example/note"] == "ours"


def test_a_foreign_object_of_the_same_name_is_left_alone_and_said(
    plane: ControlPlane, namespace: str, running: Operator
) -> None:
    plane.kubectl("create", "service", "clusterip", "chat", "--tcp=80", f"--namespace={namespace}")
    before = get(plane, "service", "chat", namespace)

    apply(plane, manifest(namespace, "chat"))

    wait_for(lambda: condition(plane, "chat", namespace, "Stalled").get("reason") == "NameTaken", "a refusal")
    assert "Service" in condition(plane, "chat", namespace, "Stalled")["message"]
    assert get(plane, "service", "chat", namespace) == before
    assert get(plane, "networkpolicy", "chat", namespace), "the wall comes first"
    assert not get(plane, "deployment", "chat", namespace), "nothing after the refusal"
    mark = plane.audit.mark()
    wait_for(lambda: renewed(plane, mark, running, times=2), "the head of the audit trail to be kept")
    mark = plane.audit.mark()
    wait_for(lambda: renewed(plane, mark, running, times=2), "some retries")
    assert writes(plane, mark, running) == Counter(), "a retry that changes nothing writes nothing"

    plane.kubectl("delete", "service", "chat", f"--namespace={namespace}")
    wait_for(lambda: settled(plane, namespace, "chat"), "the model to recover by itself", seconds=60)
    assert not condition(plane, "chat", namespace, "Stalled")


@pytest.mark.usefixtures("running")
def test_what_the_cluster_refuses_is_said_in_its_own_words(plane: ControlPlane, namespace: str) -> None:
    plane.kubectl("create", "quota", "none", "--hard=count/services=0", f"--namespace={namespace}")
    wait_for(lambda: "hard" in get(plane, "quota", "none", namespace).get("status", {}), "the quota to count")

    apply(plane, manifest(namespace, "chat"))

    wait_for(lambda: "exceeded quota" in condition(plane, "chat", namespace, "Stalled").get("message", ""), "the words")
    assert not get(plane, "deployment", "chat", namespace)


def test_a_deleted_model_takes_its_children_along(plane: ControlPlane, namespace: str, model: Model) -> None:
    model()

    plane.kubectl("delete", "localmodel", "chat", f"--namespace={namespace}", "--timeout=20s")

    for kind in CHILDREN:
        wait_for(lambda kind=kind: not get(plane, kind, "chat", namespace), f"the {kind} to go", seconds=60)  # type: ignore[misc]


def test_what_happened_while_it_was_down_is_caught_up_with(
    plane: ControlPlane, namespace: str, running: Operator, model: Model
) -> None:
    model("kept")
    running.stop()
    plane.kubectl("delete", "networkpolicy", "kept", f"--namespace={namespace}")
    apply(plane, manifest(namespace, "newcomer"))

    running.start()

    wait_for(lambda: get(plane, "networkpolicy", "kept", namespace), "the wall to stand again", seconds=40)
    wait_for(lambda: settled(plane, namespace, "newcomer"), "the newcomer")


def test_an_api_server_that_restarts_is_found_again(
    plane: ControlPlane, namespace: str, running: Operator, model: Model
) -> None:
    model()
    plane.stop_apiserver()
    plane.start_apiserver()
    try:
        running.check()
    except process.ChildEndedError:
        # It was away for longer than the Lease may go without a renewal: a kubelet would start it again.
        assert "could not be renewed in time" in last_run(running)
        running.start()
    plane.kubectl("delete", "networkpolicy", "chat", f"--namespace={namespace}")

    wait_for(lambda: get(plane, "networkpolicy", "chat", namespace), "the wall to stand again", seconds=60)


def test_of_two_replicas_one_leads_and_the_other_takes_over_when_it_is_killed(
    plane: ControlPlane, namespace: str, running: Operator, model: Model
) -> None:
    model()
    with Operator(plane, name="second") as second:
        assert second.is_ready()
        mark = plane.audit.mark()
        wait_for(lambda: renewed(plane, mark, running, times=2), "the leader to go on")
        assert "msg=leading" not in last_run(second)

        running.kill()  # as kill -9
        plane.kubectl("delete", "networkpolicy", "chat", f"--namespace={namespace}")

        wait_for(lambda: get(plane, "networkpolicy", "chat", namespace), "the second to heal the wall", seconds=60)
        wait_until_led_by(plane, second)
        second.stop()


def test_a_leader_that_is_asked_to_end_hands_over_at_once(plane: ControlPlane, running: Operator) -> None:
    with Operator(plane, name="second") as second:
        running.stop()

        wait_for(lambda: "msg=leading" in last_run(second), "the second to lead long before a Lease expires", seconds=8)
        second.stop()


def test_a_leader_whose_lease_is_taken_ends_at_once(plane: ControlPlane, running: Operator) -> None:
    stolen = json.dumps({"spec": {"holderIdentity": "thief"}})

    plane.kubectl("patch", "lease", "bolwerk", f"--namespace={NAMESPACE}", "--type=merge", f"--patch={stolen}")

    def has_ended() -> bool:
        try:
            running.check()
        except process.ChildEndedError:
            return True
        return False

    wait_for(has_ended, "the leader to end", seconds=10)
    assert "the Lease was lost" in last_run(running)
    released = json.dumps({"spec": {"holderIdentity": None}})
    plane.kubectl("patch", "lease", "bolwerk", f"--namespace={NAMESPACE}", "--type=merge", f"--patch={released}")


@pytest.mark.usefixtures("plane")  # which skips where there are no binaries
@pytest.mark.parametrize(
    ("installed", "missing"),
    [
        pytest.param((), "localmodels", id="none"),
        pytest.param(("localmodels",), "sovereigntypolicies", id="that of LocalModels alone"),
    ],
)
def test_without_a_crd_it_says_what_to_install(tmp_path: Path, installed: tuple[str, ...], missing: str) -> None:
    with ControlPlane(tmp_path) as bare:
        for plural in installed:
            bare.kubectl("apply", "--server-side", f"--filename={CRDS / plural}.yaml")
            bare.kubectl("wait", f"crd/{plural}.bolwerk.dev", "--for=condition=Established", "--timeout=60s")
        done = subprocess.run(
            [
                Path(sys.executable).with_name("bolwerk"),
                "run",
                "--namespace=default",
                f"--health-port={process.free_port()}",
                f"--metrics-port={process.free_port()}",
            ],
            env=bare.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert f"does not serve {missing}.bolwerk.dev/v1alpha1: install Bolwerk's CRDs" in done.stderr


def test_a_standby_ends_when_it_is_asked_to_and_leaves_the_lease_alone(plane: ControlPlane, running: Operator) -> None:
    with Operator(plane, name="second") as second:
        wait_for(lambda: "msg=campaigning" in second.log.read_text(encoding="utf-8"), "the second to campaign")
        second.stop()

    wait_until_led_by(plane, running)
