"""What people do not wait for: the API server's own memory; and what they do often: apply the same again."""

from __future__ import annotations

import json

import pytest

from approvals.conftest import Server, send
from approvals.objects import approval, exception
from approvals.people import APPROVER, EVERYTHING, HERE, MIGHTY, bindings
from harness.controlplane import ControlPlane

pytestmark = pytest.mark.cluster

TRIES = 100
MANY = 1000


def test_nobody_is_faster_than_the_rule(server: Server) -> None:
    """Approve one's own request before admission has heard of it.

    Where people write who they are, that can be let through: it never counts, because the operator compares too.
    """
    asker = server.ask(MIGHTY)
    through = 0
    for _ in range(TRIES):
        wanted = exception(HERE, server.name(), **server.by("requestedBy", MIGHTY))
        assert asker.create(wanted, keep=True).allowed
        through += server.approve(MIGHTY, asker.get(wanted), approvedBy={"username": MIGHTY}).allowed

    if server.mode == "stamped":
        assert through == 0
    elif server.mode == "open":
        assert through == TRIES


def test_who_applies_the_same_again_changes_nothing(server: Server, plane: ControlPlane) -> None:
    """As a pipeline does every few minutes, from a file in which nobody wrote who asks."""
    asked = exception(HERE, server.name(), **server.by("requestedBy", "admin"))
    of = server.name()
    for _ in range(2):
        send(plane, "apply", [asked])
    first = server.stored(asked)
    send(plane, "apply", [asked])

    assert server.stored(asked)["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    server.wait_until_known(first)
    approved = approval(
        HERE, of, of=asked["metadata"]["name"], uid=first["metadata"]["uid"], **server.by("approvedBy", APPROVER)
    )
    for _ in range(2):
        text = json.dumps(approved)
        plane.kubectl("apply", "--filename=-", stdin=text, kubeconfig=plane.kubeconfig_of(APPROVER))


def test_a_namespace_full_of_exceptions(server: Server, plane: ControlPlane) -> None:
    """Each approval is held beside every one of them, and there is a limit to what an expression may cost."""
    namespace = f"full-{server.mode}"
    plane.kubectl("create", "namespace", namespace)
    send(plane, "apply", bindings({namespace: {EVERYTHING: (MIGHTY, APPROVER)}}))
    asker = server.ask(MIGHTY)
    for _ in range(MANY):
        asked = exception(namespace, server.name(), **server.by("requestedBy", MIGHTY))
        assert asker.create(asked, keep=True).allowed
    own = server.stored(asked)
    server.wait_until_known(own)

    assert server.approve(APPROVER, own).allowed
    server.judged(server.approve(MIGHTY, own), "somebody else has to approve it", "spec.approvedBy is missing")
