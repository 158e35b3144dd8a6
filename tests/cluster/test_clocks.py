"""An operator, and a janitor, whose clock is not the API server's: nothing is open unless both say that it may be.

Real processes on a clock of their own; dates, and what is measured, are by this machine's, which is the API server's.
"""

from __future__ import annotations

import itertools
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import needing
from approvals.objects import exception
from cluster.clockwork import Clockwork
from cluster.exceptions import approve, deletions, holes, install, instant, janitor, phase, status
from cluster.operating import get, wait_for, wait_until_led_by
from cluster.test_policies import walled_team
from cluster.test_references import metrics
from harness.controlplane import ControlPlane
from harness.operator import Operator

pytestmark = pytest.mark.cluster

logger = logging.getLogger(__name__)

OFF = 600
SKEWS = pytest.mark.parametrize("ahead", [OFF, -OFF], ids=["ahead", "behind"])
TOLD = timedelta(seconds=1)
"""What the API server's Date does not tell, by which a hole may close early."""
PROMISED = timedelta(seconds=2)
"""A second, and another one on a machine that others use too."""


@pytest.fixture(scope="module")
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    needing.programs(request, "etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "helm")
    needing.faketime()
    with ControlPlane(tmp_path_factory.mktemp("clocks"), controllers=True) as running:
        install(running, tmp_path_factory.mktemp("chart"))
        yield running


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Clockwork:
    return Clockwork(needing.faketime(), tmp_path_factory.mktemp("clock") / "ahead")


@pytest.fixture(scope="module")
def process_of_the_operator(plane: ControlPlane, clock: Clockwork) -> Iterator[Operator]:
    clock.set(ahead=0)
    with Operator(plane, environment=clock.environment) as running:
        yield running


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def team(plane: ControlPlane, running: Operator, clock: Clockwork, numbers: Iterator[int]) -> Iterator[str]:
    """A namespace whose wall stands, while the clocks agree."""
    clock.set(ahead=0)
    wait_for(lambda: abs(skew(running)) < 1, "the clocks to agree")
    with walled_team(plane, next(numbers)) as name:
        yield name


def skew(of: Operator) -> float:
    [value] = re.findall(r"^bolwerk_clock_skew_seconds (\S+)", metrics(of), re.MULTILINE)
    return float(value)


def asked(plane: ControlPlane, team: str, name: str, *, begins: float, ends: float) -> tuple[datetime, datetime]:
    """Have an exception asked for and approved; return when it begins and ends, by this machine's clock."""
    (begin, since), (end, until) = instant(begins), instant(ends)
    wanted = exception(
        team,
        name,
        destinations=[{"network": "203.0.113.10/32", "ports": [{"port": 443}]}],
        validFrom=since,
        validUntil=until,
        requestedBy={"username": "jan"},
    )
    uid = plane.kubectl("create", "--filename=-", "--output=jsonpath={.metadata.uid}", stdin=json.dumps(wanted))
    approve(plane, team, [(name, uid)])
    return begin, end


def ready(plane: ControlPlane, team: str, name: str) -> dict[str, Any]:
    conditions: list[dict[str, Any]] = status(plane, team, name).get("conditions") or []
    return next((each for each in conditions if each["type"] == "Ready"), {})


def made(plane: ControlPlane, team: str) -> datetime:
    """Return when the only hole was made, by the API server's clock, to the second."""
    [hole] = holes(plane, team)
    found = get(plane, "networkpolicy", hole.partition("/")[2], team)
    return datetime.fromisoformat(found["metadata"]["creationTimestamp"])


@SKEWS
def test_it_opens_at_the_later_and_closes_at_the_earlier_of_both(
    plane: ControlPlane, team: str, running: Operator, clock: Clockwork, ahead: int
) -> None:
    clock.set(ahead=ahead)
    wait_for(lambda: abs(skew(running) - ahead) <= 1.5, "the metric to tell of it")
    asked(plane, team, "only-one-says-so", begins=-60 if ahead < 0 else -2 * OFF, ends=3600 if ahead < 0 else OFF / 2)
    asked(plane, team, "both-say-so", begins=-2 * OFF, ends=3600)
    wait_for(lambda: phase(plane, team, "both-say-so") == "Open", "what both allow to be open")
    wait_for(lambda: ready(plane, team, "only-one-says-so").get("reason") == "ClocksDiffer", "the doubt to be told of")
    how = "ahead of" if ahead > 0 else "behind"
    said = ready(plane, team, "only-one-says-so")["message"]
    logger.info(said)
    assert re.search(rf"the operator's clock is (599|600|601) s {how} the API server's", said)
    assert phase(plane, team, "only-one-says-so") == "Approved"
    assert len(holes(plane, team)) == 1
    plane.kubectl("delete", "egressexceptions", "--all", f"--namespace={team}")
    wait_for(lambda: holes(plane, team) == [], "all to be closed")

    # One of its moments by each clock: the API server's is the later to begin where ours is ahead, and ours to end.
    begins, ends = (10, 3600) if ahead > 0 else (-2 * OFF, 15)
    begin, end = asked(plane, team, "timed", begins=begins, ends=ends)
    wait_for(lambda: holes(plane, team), "the hole", seconds=40)
    if ahead > 0:
        assert begin <= made(plane, team) <= begin + PROMISED + TOLD
        logger.info("opened %s after validFrom", made(plane, team) - begin)
        return
    mark = plane.audit.mark()
    wait_for(lambda: deletions(plane, mark, team), "the hole to be closed", seconds=40)
    [(_, when)] = deletions(plane, mark, team)
    logger.info("closed %s after validUntil", when - end)
    assert end - TOLD - timedelta(seconds=0.5) <= when <= end + PROMISED
    wait_for(lambda: phase(plane, team, "timed") == "Approved", "the doubt to be told of")


@SKEWS
def test_a_leader_whose_clock_jumps_closes_at_once_and_opens_again_when_it_is_set_right(
    plane: ControlPlane, team: str, running: Operator, clock: Clockwork, ahead: int
) -> None:
    asked(plane, team, "speech", begins=-OFF / 2, ends=OFF / 2)
    asked(plane, team, "soon", begins=OFF / 2, ends=3600)
    wait_for(lambda: phase(plane, team, "speech") == "Open", "it to be open")
    mark = plane.audit.mark()

    clock.set(ahead=ahead)

    wait_for(lambda: ready(plane, team, "speech").get("reason") == "ClocksDiffer", "the doubt to be told of")
    wait_for(lambda: holes(plane, team) == [], "it to be closed")
    wait_for(lambda: deletions(plane, mark, team), "the API server's own record")
    running.check()
    wait_for(lambda: "closedAt" in status(plane, team, "speech"), "that to be told too")
    assert holes(plane, team) == [], "neither what one calls over or not begun, nor what one calls due"
    clock.set(ahead=0)
    wait_for(lambda: phase(plane, team, "speech") == "Open", "it to be open again")
    assert len(holes(plane, team)) == 1


@SKEWS
def test_the_janitor_closes_what_one_of_the_clocks_calls_over(
    plane: ControlPlane, team: str, running: Operator, clock: Clockwork, ahead: int
) -> None:
    _, end = asked(plane, team, "speech", begins=-2 * OFF, ends=OFF / 2 if ahead > 0 else 30)
    asked(plane, team, "stays", begins=-2 * OFF, ends=3600)
    wait_for(lambda: phase(plane, team, "speech") == phase(plane, team, "stays") == "Open", "both to be told of")
    running.kill()
    its = Clockwork(clock.library, clock.file.with_name("janitor"))
    its.set(ahead=0)
    assert janitor(plane, its.environment).stdout.startswith("nothing to close")
    its.set(ahead=ahead)
    if ahead < 0:
        assert datetime.now(UTC) < end, "the machine is too busy for this test"
        wait_for(lambda: datetime.now(UTC) >= end, "its end", seconds=60)
    mark = plane.audit.mark()

    done = janitor(plane, its.environment)

    told = f"closed 1 hole that outlived its exception: {team}/speech\n"
    assert (done.returncode, done.stdout) == (0, told), done.stderr
    assert "this machine's clock is off the API server's" in done.stderr
    assert len(holes(plane, team)) == 1
    wait_for(lambda: deletions(plane, mark, team), "the API server's own record")
    running.start()
    wait_until_led_by(plane, running)
