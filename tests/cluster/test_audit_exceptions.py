"""What the audit trail says of an exception: who asked, who approved, when it was opened, and when it was closed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import needing
from cluster.exceptions import approve, ask, holes, install, phase
from cluster.operating import apply, wait_for
from cluster.test_audit import entries, head, verify
from cluster.test_policies import create_namespace, policy, stands
from harness.controlplane import ControlPlane
from harness.operator import Operator

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    needing.programs(request, "etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "helm")
    with ControlPlane(tmp_path_factory.mktemp("audited"), controllers=True) as running:
        install(running, tmp_path_factory.mktemp("chart"))
        yield running


def told(of: Operator) -> list[tuple[str, str, str]]:
    return [
        (entry["action"], entry["result"], entry["actor"])
        for entry in entries(of)
        if entry["object"] == "EgressException team/speech"
    ]


def the(of: Operator, action: str) -> dict[str, Any]:
    return next(entry for entry in entries(of) if entry["action"] == action)


def test_the_life_of_an_exception_is_told_and_outlives_it(plane: ControlPlane, running: Operator) -> None:
    create_namespace(plane, "team", governed_by="team")
    apply(plane, policy("team"))
    wait_for(lambda: stands(plane, "team"), "the wall to stand")
    _, [uid] = ask(plane, "team", "speech")
    wait_for(lambda: ("ExceptionRequested", "Accepted", "jan") in told(running), "the request")
    approve(plane, "team", [("speech", uid)])
    wait_for(lambda: phase(plane, "team", "speech") == "Open", "it to be open")
    plane.kubectl("delete", "egressexception", "speech", "--namespace=team", "--timeout=20s")
    wait_for(lambda: holes(plane, "team") == [], "the hole to be closed")
    wait_for(lambda: ("ExceptionClosed", "Done", running.user) in told(running), "that to be told")
    wait_for(lambda: ("ExceptionDeleted", "Done", "unknown") in told(running), "its end to be told")

    assert sorted(told(running)) == [
        ("ExceptionApproved", "Done", "eva"),
        ("ExceptionClosed", "Done", running.user),
        ("ExceptionDeleted", "Done", "unknown"),
        ("ExceptionOpened", "Done", running.user),
        ("ExceptionRequested", "Accepted", "jan"),
    ]
    digits = uid.replace("-", "")[:12]
    for action in ("HoleApplied", "HoleRemoved"):
        assert the(running, action)["detail"]["names"] == [f"NetworkPolicy team/bolwerk-team-x-{digits}"]
    wait_for(lambda: head(plane).get("hash") == entries(running)[-1]["hash"], "the head to follow")
    assert verify(running.log, known=head(plane)["hash"])["ok"]
