"""Exceptions on a real API server: opened when approved, closed when over, with and without the operator."""

from __future__ import annotations

import itertools
import logging
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import needing
from cluster.exceptions import (
    JANITOR,
    NAME,
    approve,
    ask,
    deletions,
    holes,
    install,
    janitor,
    phase,
    status,
)
from cluster.operating import get, renewed, wait_for, wait_until_led_by, writes
from cluster.test_policies import quiet, wall, walled_team
from harness.controlplane import ControlPlane
from harness.operator import Operator

pytestmark = pytest.mark.cluster

logger = logging.getLogger(__name__)

FEW, MANY = 200, 1000
MANY_SECONDS = 300
"""On a machine of two cores that others use too; alone it takes a fraction of that."""


@pytest.fixture(scope="module")
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    needing.programs(request, "etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "helm")
    with ControlPlane(tmp_path_factory.mktemp("exceptions"), controllers=True) as running:
        install(running, tmp_path_factory.mktemp("chart"))
        yield running


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def team(plane: ControlPlane, running: Operator, numbers: Iterator[int]) -> Iterator[str]:
    """A namespace that a policy of the same name governs, whose wall stands."""
    running.check()
    with walled_team(plane, next(numbers)) as name:
        yield name


def opened(plane: ControlPlane, team: str, name: str = "speech", *, seconds: float = 3600) -> datetime:
    """Have one exception opened; return when it ends."""
    ends, [uid] = ask(plane, team, name, seconds=seconds)
    approve(plane, team, [(name, uid)])
    wait_for(lambda: holes(plane, team), "the hole")
    return ends


def told(plane: ControlPlane, team: str) -> dict[str, Any]:
    found: dict[str, Any] = get(plane, "sovereigntypolicy", team, "")["status"]
    return found


def test_nothing_is_open_without_an_approval_and_closed_when_one_is_taken_back(plane: ControlPlane, team: str) -> None:
    _, [uid] = ask(plane, team, "speech")
    wait_for(lambda: phase(plane, team, "speech") == "Requested", "the request to be told of")
    assert holes(plane, team) == []

    approve(plane, team, [("speech", uid)])
    wait_for(lambda: phase(plane, team, "speech") == "Open", "it to be open")
    [hole] = holes(plane, team)
    spec = get(plane, "networkpolicy", hole.partition("/")[2], team)["spec"]
    assert [rule["to"] for rule in spec["egress"]] == [[{"ipBlock": {"cidr": "203.0.113.10/32"}}]]
    before = wall(plane, team)["spec"]

    plane.kubectl("delete", "egressapproval", "speech", f"--namespace={team}")
    wait_for(lambda: holes(plane, team) == [], "the hole to be closed")
    wait_for(lambda: phase(plane, team, "speech") == "Requested", "that to be told")
    wait_for(lambda: "closedAt" in status(plane, team, "speech"), "when it was closed to be told")
    assert wall(plane, team)["spec"] == before


def test_it_is_closed_to_the_second(plane: ControlPlane, team: str) -> None:
    mark = plane.audit.mark()
    ends = opened(plane, team, seconds=15)

    wait_for(lambda: deletions(plane, mark, team), "the hole to be closed", seconds=40)
    [(_, when)] = deletions(plane, mark, team)

    assert 0 <= (when - ends).total_seconds() < 1
    wait_for(lambda: phase(plane, team, "speech") == "Expired", "that to be told")
    wait_for(lambda: "closedAt" in status(plane, team, "speech"), "when it was closed to be told")


def test_it_is_closed_to_the_second_also_while_many_others_are_being_opened(plane: ControlPlane, team: str) -> None:
    ends = opened(plane, team, seconds=15)
    [first] = holes(plane, team)
    names = [f"other-{number:03}" for number in range(FEW)]
    mark, (_, uids) = plane.audit.mark(), ask(plane, team, *names)

    wait_for(lambda: (ends - datetime.now(UTC)).total_seconds() < 3, "its end to come near", seconds=40)
    approve(plane, team, zip(names, uids, strict=True))
    wait_for(lambda: len(holes(plane, team)) == FEW, "all others to be open", seconds=120)

    [(_, when)] = deletions(plane, mark, team)
    assert f"networkpolicy.networking.k8s.io/{first.partition('/')[2]}" not in holes(plane, team)
    assert 0 <= (when - ends).total_seconds() < 2, "other processes have the machine too"


def test_who_deletes_an_exception_closes_it(plane: ControlPlane, team: str) -> None:
    opened(plane, team)

    plane.kubectl("delete", "egressexception", "speech", f"--namespace={team}", "--timeout=20s")

    wait_for(lambda: holes(plane, team) == [], "the hole to be closed")


def test_a_namespace_that_is_deleted_takes_its_open_exception_along(plane: ControlPlane, team: str) -> None:
    opened(plane, team)
    assert "finalizers" not in get(plane, "egressexception", "speech", team)["metadata"]

    plane.kubectl("delete", "namespace", team, "--timeout=60s")

    assert not get(plane, "namespace", team, "")
    wait_for(lambda: not told(plane, team).get("openExceptions"), "the policy to tell of none that is open")
    wait_for(lambda: told(plane, team)["governedNamespaces"] == 0, "the policy to govern none")


def test_without_the_operator_the_janitor_closes_what_is_over_and_touches_nothing_else(
    plane: ControlPlane, team: str, running: Operator
) -> None:
    opened(plane, team, "stays")
    before = plane.audit.mark()
    wait_for(lambda: phase(plane, team, "stays") == "Open", "the first to be told of")
    ends, [uid] = ask(plane, team, "speech", seconds=60)
    approve(plane, team, [("speech", uid)])
    wait_for(lambda: phase(plane, team, "speech") == "Open", "the second to be told of")
    running.kill()
    mark = plane.audit.mark()

    early = janitor(plane)
    assert (early.returncode, early.stdout) == (0, f"nothing to close: looked at {looked_at(plane)}\n"), early.stderr
    assert datetime.now(UTC) < ends, "the machine is too busy for this test"
    wait_for(lambda: datetime.now(UTC) >= ends, "its end", seconds=90)
    assert len(holes(plane, team)) == 2, "nobody is there to close it"

    done = janitor(plane)

    assert (done.returncode, done.stdout) == (0, f"closed 1 hole that outlived its exception: {team}/speech\n"), (
        done.stderr
    )
    assert len(holes(plane, team)) == 1
    wait_for(lambda: deletions(plane, mark, team), "the API server's own record")
    assert plane.audit.writes(mark, user=JANITOR) == Counter({("delete", "networkpolicies"): 1})
    assert janitor(plane).stdout.startswith("nothing to close"), "once is enough"
    assert phase(plane, team, "speech") == "Open", "telling is left to the operator"

    running.start()
    wait_until_led_by(plane, running)
    wait_for(lambda: phase(plane, team, "speech") == "Expired", "it to be told of")
    assert phase(plane, team, "stays") == "Open"
    assert [who for who, _ in deletions(plane, before, team)] == [JANITOR]


def looked_at(plane: ControlPlane) -> str:
    def number(kind: str) -> int:
        return len(plane.kubectl("get", kind, "--all-namespaces", "--output=name").split())

    policies, exceptions = number("sovereigntypolicies"), number("egressexceptions")
    return (
        f"{policies} {'policy' if policies == 1 else 'policies'} and "
        f"{exceptions} {'exception' if exceptions == 1 else 'exceptions'}"
    )


def test_while_the_operator_runs_the_janitor_has_nothing_to_do(
    plane: ControlPlane, team: str, running: Operator
) -> None:
    ends, mark = opened(plane, team, seconds=5), plane.audit.mark()
    while (datetime.now(UTC) - ends).total_seconds() < 5:
        done = janitor(plane)  # around the very instant, too
        assert done.returncode == 0, done.stderr

    running.check()
    assert holes(plane, team) == []
    wait_for(lambda: phase(plane, team, "speech") == "Expired", "it to be told of")
    assert len(deletions(plane, mark, team)) >= 1


def test_what_ended_while_the_operator_was_down_is_closed_first_thing(
    plane: ControlPlane, team: str, running: Operator
) -> None:
    ends = opened(plane, team, seconds=25)
    wait_for(lambda: phase(plane, team, "speech") == "Open", "it to be told of")
    running.stop()
    assert datetime.now(UTC) < ends, "the machine is too slow for this term"
    wait_for(lambda: datetime.now(UTC) >= ends, "its end", seconds=40)
    assert holes(plane, team)
    mark = plane.audit.mark()

    running.start()

    wait_for(lambda: holes(plane, team) == [], "the hole to be closed")
    wait_for(lambda: writes(plane, mark, running)["delete", "networkpolicies"], "the API server's own record")
    mine = [
        (event["verb"], event["objectRef"]["resource"])
        for event in plane.audit.events(mark)
        if event["user"]["username"] == running.user
        and event["verb"] in {"create", "update", "patch", "delete"}
        and event["objectRef"]["resource"] not in {"leases", "configmaps", "events"}
        # What is told of an exception meanwhile changes nothing.
        and event["objectRef"].get("subresource") != "status"
    ]
    assert mine[0] == ("delete", "networkpolicies")


def test_each_of_a_thousand_that_open_nothing_says_why(plane: ControlPlane, team: str, running: Operator) -> None:
    names = [f"named-{number:04}" for number in range(MANY)]
    _, uids = ask(plane, team, *names, to=NAME)
    approve(plane, team, zip(names, uids, strict=True))

    def reasons() -> Counter[str]:
        path = "jsonpath={range .items[*]}{.status.conditions[?(@.type=='Ready')].reason}{' '}{end}"
        return Counter(plane.kubectl("get", "egressexceptions", f"--namespace={team}", f"--output={path}").split())

    started = time.monotonic()
    wait_for(lambda: reasons() == {"CannotBeOpened": MANY}, "all to say why", seconds=MANY_SECONDS)
    logger.info("%d told that they open nothing after %.0f s", MANY, time.monotonic() - started)
    assert len(told(plane, team)["unopenedExceptions"]) == MANY
    assert holes(plane, team) == []
    mark = quiet(plane, running)
    wait_for(lambda: renewed(plane, mark, running, times=4), "eight quiet seconds")
    assert writes(plane, mark, running) == Counter(), "no hot loop"


def test_a_thousand_in_one_namespace(plane: ControlPlane, team: str, running: Operator) -> None:
    names = [f"speech-{number:04}" for number in range(MANY)]
    ends, uids = ask(plane, team, *names, seconds=2 * MANY_SECONDS)
    started = time.monotonic()
    approve(plane, team, zip(names, uids, strict=True))

    def phases() -> Counter[str]:
        path = "jsonpath={range .items[*]}{.status.phase}{' '}{end}"
        return Counter(plane.kubectl("get", "egressexceptions", f"--namespace={team}", f"--output={path}").split())

    wait_for(lambda: phases() == {"Open": MANY}, "all to be open", seconds=MANY_SECONDS)
    logger.info("%d approved and told to be open after %.0f s", MANY, time.monotonic() - started)
    assert len(holes(plane, team)) == MANY
    assert datetime.now(UTC) < ends

    mark = quiet(plane, running)
    wait_for(lambda: renewed(plane, mark, running, times=4), "eight quiet seconds")
    assert writes(plane, mark, running) == Counter(), "no hot loop"

    started = time.monotonic()
    plane.kubectl("delete", "egressapprovals", "--all", f"--namespace={team}", "--wait=false")
    wait_for(lambda: holes(plane, team) == [], "all to be closed", seconds=MANY_SECONDS)
    logger.info("%d closed %.0f s after the approvals began to go", MANY, time.monotonic() - started)
