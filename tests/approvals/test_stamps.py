"""The stamps by themselves, without the rule that compares each approval with its exception.

That rule has a memory of its own, which may be behind that of the stamps: for such a moment the stamps have to do.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator

import pytest

import needing
from admission.asking import Asker
from approvals.conftest import INSTALLATION, Server, in_force, prepare, send
from approvals.objects import NO_UID, exception
from approvals.people import APPROVER, HERE, MIGHTY, REQUESTER
from bolwerk.core.approvals import refusals, stamping
from harness import process
from harness.controlplane import ADMIN, ControlPlane

pytestmark = pytest.mark.cluster

MISSING = "spec.approvedBy is missing"
TYPED = {"username": MIGHTY}


@pytest.fixture(scope="module")
def alone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    needing.programs(request, "etcd", "kube-apiserver", "kubectl")
    rules = [each for each in refusals(INSTALLATION) if not each["metadata"]["name"].endswith("second-person")]
    with ControlPlane(
        tmp_path_factory.mktemp("alone"), users=dict.fromkeys((MIGHTY, APPROVER, REQUESTER), ())
    ) as plane:
        prepare(plane)
        with contextlib.ExitStack() as stack:
            server = Server("stamped", functools.cache(lambda user: stack.enter_context(Asker(plane, user))))
            before = server.stands(ADMIN, exception(HERE, server.name(), requestedBy={"username": "somebody"}))
            send(plane, "apply", [*rules, *stamping(INSTALLATION)])
            process.wait_for(lambda: in_force(server, before), what="the stamps to be in force", seconds=60)
            yield server


def test_nobody_is_stamped_beside_their_own_request(alone: Server) -> None:
    own = alone.requested(MIGHTY)

    for answer in (alone.approve(MIGHTY, own), alone.approve(MIGHTY, own, approvedBy=TYPED)):
        assert answer.refused, answer
        assert MISSING in answer.message
    assert alone.approve(MIGHTY, alone.requested(REQUESTER), approvedBy=TYPED).allowed


@pytest.mark.parametrize("changed", [{"uid": NO_UID}, {"name": "absent"}], ids=["another uid", "another name"])
def test_nobody_is_stamped_beside_another_exception(alone: Server, changed: dict[str, str]) -> None:
    made = alone.requested(REQUESTER)
    other = {**made, "metadata": {**made["metadata"], **changed}}

    answer = alone.approve(MIGHTY, other, approvedBy=TYPED)

    assert answer.refused, answer
    assert MISSING in answer.message
