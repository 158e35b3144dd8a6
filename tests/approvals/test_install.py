"""The chart installs four eyes in one go with the CRDs, and its roles are enough for those who ask and approve.

The chart is copied with the files that `make crds` writes once these kinds ship, so that this holds before and after.
"""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import needing
from admission.asking import Asker
from approvals.conftest import CRDS, Server, send
from approvals.objects import Manifest, approval, exception, git
from approvals.people import APPROVER, CLERK, HERE, PIPELINE, REQUESTER
from bolwerk.api.crd import crd_yaml
from bolwerk.api.resources import KINDS
from bolwerk.generate import FOUR_EYES, four_eyes
from harness import process
from harness.controlplane import ADMIN, ControlPlane
from harness.operator import CHART, NAMESPACE, helm

pytestmark = pytest.mark.cluster

BOUND = {
    "exception-requester": REQUESTER,
    "exception-approver": APPROVER,
    "exception-view": CLERK,
    "exception-attester": PIPELINE,
}


@pytest.fixture(scope="module")
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    needing.programs(request, "etcd", "kube-apiserver", "kubectl", "helm")
    with ControlPlane(tmp_path_factory.mktemp("installed"), users=dict.fromkeys(BOUND.values(), ())) as running:
        yield running


@pytest.fixture
def applied(plane: ControlPlane) -> Callable[[Manifest], str]:
    """Server-side apply, as the pipeline."""
    kubeconfig = plane.kubeconfig_of(PIPELINE)
    return lambda manifest: plane.kubectl(
        "apply", "--server-side", "--filename=-", stdin=json.dumps(manifest), kubeconfig=kubeconfig
    )


@pytest.fixture(scope="module")
def installed(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An API server with the chart and nobody's operator."""
    chart = tmp_path_factory.mktemp("charts") / "bolwerk"
    shutil.copytree(CHART, chart)
    (chart / "files" / Path(FOUR_EYES).name).write_text(four_eyes(KINDS)[FOUR_EYES], encoding="utf-8")
    for each in CRDS:
        (chart / "files" / "crds" / f"{each.plural}.yaml").write_text(crd_yaml(each), encoding="utf-8")
    with contextlib.ExitStack() as stack:
        attester = "exceptions.gitAttesters[0]"
        values = ("replicas=0", f"{attester}.namespace=argocd", f"{attester}.name=controller")
        where = (f"--namespace={NAMESPACE}", "--create-namespace")
        helm(plane, "install", "bolwerk", str(chart), *where, *(f"--set={value}" for value in values))
        plane.kubectl("create", "namespace", HERE)
        send(plane, "apply", [_bound(role, user) for role, user in BOUND.items()])
        server = Server("stamped", functools.cache(lambda user: stack.enter_context(Asker(plane, user))))
        made = functools.partial(_is_stamped, server)
        process.wait_for(made, what="the API server to stamp who asks", seconds=60)
        yield server


def test_two_people_with_the_roles_of_the_chart_are_enough_and_one_is_not(installed: Server) -> None:
    made = installed.requested(REQUESTER)

    assert installed.approve(APPROVER, made, keep=True).allowed
    for user in (REQUESTER, CLERK):
        answer = installed.approve(user, made)
        assert answer.status == 403, answer  # by RBAC
    asked = installed.ask(APPROVER).create(exception(HERE, installed.name()))
    assert asked.status == 403, asked


def test_whoever_administers_the_cluster_is_one_person_too(installed: Server) -> None:
    made = installed.requested(ADMIN)

    answer = installed.approve(ADMIN, made)

    assert not answer.allowed
    assert "ValidatingAdmissionPolicy" in answer.message


def test_a_pipeline_applies_both_again_and_again_with_its_role(
    installed: Server, applied: Callable[[Manifest], str]
) -> None:
    asked = exception(HERE, installed.name())
    for _ in range(2):
        applied(asked)
    made = installed.stored(asked)
    assert made["spec"]["requestedBy"]["username"] == PIPELINE
    installed.wait_until_known(made)

    by_git = approval(HERE, installed.name(), of=made["metadata"]["name"], uid=made["metadata"]["uid"], git=git())
    for _ in range(2):
        applied(by_git)
    stored = installed.stored(by_git)
    applied(by_git)

    assert stored["spec"]["approvedBy"]["username"] == PIPELINE
    assert installed.stored(by_git)["metadata"]["resourceVersion"] == stored["metadata"]["resourceVersion"]


def _is_stamped(server: Server) -> bool:
    asked = exception(HERE, server.name())
    answer = server.ask(ADMIN).create(asked, keep=True)
    return answer.allowed and "requestedBy" in server.stored(asked)["spec"]


def _bound(role: str, user: str) -> dict[str, object]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": role, "namespace": HERE},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": f"bolwerk-{role}"},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}],
    }
