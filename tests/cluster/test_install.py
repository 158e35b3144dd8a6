"""The chart on a real control plane: installed, upgraded, and the rights that it gives to people and the operator."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import needing
from harness import operator, process
from harness.controlplane import ControlPlane
from harness.operator import CHART, NAMESPACE, RELEASE, helm

pytestmark = pytest.mark.cluster

ROOT = CHART.parents[1]
SAMPLES = ROOT / "manifests" / "samples"
CRD = "localmodels.bolwerk.dev"
PEOPLE = {"reader": "view", "developer": "edit", "owner": "admin"}


@pytest.fixture(scope="module")
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane with controllers, which fold ClusterRoles together, and with people of each role."""
    needing.programs(request, "etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "helm")
    directory = tmp_path_factory.mktemp("install")
    with ControlPlane(directory, controllers=True, users=dict.fromkeys(PEOPLE, ())) as running:
        for name, role in PEOPLE.items():
            running.kubectl(
                "create", "rolebinding", name, f"--clusterrole={role}", f"--user={name}", "--namespace=default"
            )
        yield running


@pytest.fixture(scope="module")
def notes(plane: ControlPlane) -> str:
    """What the user reads after `helm install`; the chart stays installed."""
    return operator.install(plane)


def get(plane: ControlPlane, kind: str, name: str, *, namespace: str = NAMESPACE) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(plane.kubectl("get", kind, name, f"--namespace={namespace}", "--output=json"))
    return found


def can(plane: ControlPlane, user: str, verb: str, resource: str) -> bool:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": user,
            "resourceAttributes": {
                "namespace": "default",
                "verb": verb,
                "group": "bolwerk.dev",
                "resource": resource.partition("/")[0],
                "subresource": resource.partition("/")[2],
            },
        },
    }
    answer = plane.kubectl("create", "--filename=-", "--output=json", stdin=json.dumps(review))
    return bool(json.loads(answer)["status"]["allowed"])


def test_the_notes_say_what_to_do_next_with_this_clusters_addresses(plane: ControlPlane, notes: str) -> None:
    address = get(plane, "service", "kubernetes", namespace="default")["spec"]["clusterIP"]

    assert "kubectl -n bolwerk-system rollout status deployment/bolwerk" in notes
    assert f"networkPolicy.apiServer.cidrs={{{address}/32" in notes


@pytest.mark.usefixtures("notes")
@pytest.mark.parametrize(
    ("user", "verb", "resource", "allowed"),
    [
        pytest.param("reader", "get", "localmodels", True, id="view reads LocalModels"),
        pytest.param("reader", "watch", "localmodels", True, id="view watches LocalModels"),
        pytest.param("reader", "create", "localmodels", False, id="view makes none"),
        pytest.param("reader", "patch", "localmodels/scale", False, id="view scales none"),
        pytest.param("developer", "create", "localmodels", True, id="edit makes LocalModels"),
        pytest.param("developer", "delete", "localmodels", True, id="edit deletes LocalModels"),
        pytest.param("developer", "patch", "localmodels/scale", True, id="edit scales LocalModels"),
        pytest.param("developer", "patch", "localmodels/status", False, id="edit writes no status"),
        pytest.param("owner", "create", "localmodels", True, id="admin makes LocalModels"),
        pytest.param("owner", "update", "localmodels/status", False, id="admin writes no status"),
        pytest.param("nobody", "get", "localmodels", False, id="a stranger reads nothing"),
    ],
)
def test_the_clusters_own_roles_cover_localmodels(
    plane: ControlPlane, user: str, verb: str, resource: str, allowed: bool
) -> None:
    # The aggregating controller needs a moment after the installation.
    process.wait_for(lambda: can(plane, "owner", "create", "localmodels"), what="aggregation", seconds=30)

    assert can(plane, user, verb, resource) is allowed


@pytest.mark.usefixtures("notes")
def test_an_upgrade_upgrades_the_crd_and_keeps_the_models(plane: ControlPlane, tmp_path: Path) -> None:
    plane.kubectl("apply", f"--filename={SAMPLES / '00-namespaces.yaml'}")
    plane.kubectl("apply", f"--filename={SAMPLES / 'vllm-on-mig.yaml'}")
    uid = get(plane, "localmodel", "embedding", namespace="language-models")["metadata"]["uid"]
    newer = shutil.copytree(CHART, tmp_path / "bolwerk")
    path = newer / "files" / "crds" / "localmodels.yaml"
    crd = yaml.safe_load(path.read_text(encoding="utf-8"))
    properties = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    properties["later"] = {"type": "string", "description": "A field of a later version, in {{ braces }}."}
    path.write_text(yaml.safe_dump(crd), encoding="utf-8")

    helm(plane, "upgrade", RELEASE, str(newer), f"--namespace={NAMESPACE}", "--reuse-values")

    assert "in {{ braces }}" in json.dumps(get(plane, "crd", CRD))
    plane.kubectl(
        "patch", "localmodel", "embedding", "-n=language-models", "--type=merge", '-p={"spec":{"later":"yes"}}'
    )
    assert get(plane, "localmodel", "embedding", namespace="language-models")["metadata"]["uid"] == uid

    helm(plane, "rollback", RELEASE, "1", f"--namespace={NAMESPACE}")
    assert "in {{ braces }}" not in json.dumps(get(plane, "crd", CRD))


@pytest.mark.usefixtures("notes")
def test_the_operator_needs_no_right_that_the_chart_does_not_give(plane: ControlPlane) -> None:
    plane.kubectl("apply", f"--filename={SAMPLES}")
    user = f"system:serviceaccount:{NAMESPACE}:{RELEASE}"
    mark = plane.audit.mark()

    def events() -> list[dict[str, Any]]:
        return [event for event in plane.audit.events(mark) if event["user"].get("username") == user]

    with operator.Operator(plane) as running:
        model = ("localmodel", "llama-8b")
        process.wait_for(
            lambda: get(plane, *model, namespace="language-models").get("status"), what="a status", seconds=60
        )
        # Everything that it ever does: apply, heal, delete what is no longer desired, tell.
        plane.kubectl("delete", "networkpolicy", "llama-8b", "--namespace=language-models")
        plane.kubectl("scale", "/".join(model), "--replicas=1", "--namespace=language-models")
        process.wait_for(
            lambda: {"create", "patch", "delete"} <= {event["verb"] for event in events()},
            what="the operator to apply, to delete and to tell",
            seconds=60,
        )
        running.stop()

    seen = events()
    refused = [(event["verb"], event["requestURI"]) for event in seen if event["responseStatus"]["code"] == 403]
    assert refused == []
    # The samples hold policies too; which of their objects are written by now is a matter of time.
    assert {event["objectRef"]["resource"] for event in seen if event["verb"] == "patch"} >= {
        "serviceaccounts", "networkpolicies", "services", "poddisruptionbudgets", "deployments", "localmodels",
    }  # fmt: skip


@pytest.mark.usefixtures("notes")
def test_uninstalling_keeps_the_models_unless_told_otherwise(plane: ControlPlane) -> None:
    plane.kubectl("apply", f"--filename={SAMPLES / '00-namespaces.yaml'}", f"--filename={SAMPLES / 'vllm-on-mig.yaml'}")

    helm(plane, "uninstall", RELEASE, f"--namespace={NAMESPACE}")

    assert get(plane, "localmodel", "embedding", namespace="language-models")
    assert "NotFound" in refusal(plane, "clusterrole", "bolwerk")
    # A new installation takes the kept CRD over.
    operator.install(plane)
    assert get(plane, "localmodel", "embedding", namespace="language-models")


def refusal(plane: ControlPlane, kind: str, name: str) -> str:
    with pytest.raises(RuntimeError) as error:
        get(plane, kind, name)
    return str(error.value)


@pytest.mark.usefixtures("notes")
def test_the_plain_manifests_are_taken_by_a_cluster_without_helm(plane: ControlPlane) -> None:
    helm(plane, "uninstall", RELEASE, f"--namespace={NAMESPACE}", "--ignore-not-found")
    plane.kubectl("delete", "crd", CRD, "--ignore-not-found")

    plane.kubectl("apply", "--server-side", f"--kustomize={ROOT / 'manifests' / 'install'}")

    assert get(plane, "deployment", "bolwerk")["spec"]["replicas"] == 2
    assert get(plane, "crd", CRD)["spec"]["group"] == "bolwerk.dev"
    assert get(plane, "networkpolicy", "bolwerk")["spec"]["policyTypes"] == ["Ingress", "Egress"]
