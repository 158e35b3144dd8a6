"""Exceptions on a real node: what an approved one opens, to whom, and until when; and what opens nothing.

Every table is measured from inside pods. Two controls stand in it: a pod beside the excepted one, alike but for its
name, gets nothing; a pod in a namespace that nobody governs gets everywhere.
"""

import dataclasses
import datetime as dt
import itertools
import json
import time
from typing import Any, TypeAlias

import pytest

from bolwerk.api.resources import EGRESS_APPROVAL, EGRESS_EXCEPTION
from harness import exceptions, network, pods, process, reports, wall
from harness.exceptions import ASKER, BYSTANDER, SECOND, Asked, Desk
from harness.pods import Destination, Pod
from harness.wall import Experiment

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(
        not (EGRESS_EXCEPTION.controlled and EGRESS_APPROVAL.controlled),
        reason="the CRDs of EgressException and EgressApproval do not ship yet",
    ),
]

EXCEPTED, OTHER = wall.GOVERNED, Pod(wall.GOVERNED.namespace, "other")
NEIGHBOUR = Destination("its neighbour", "tcp", network.NEIGHBOUR, network.WORLD_PORT)
NAME = Destination("a name outside", "name", "api.example", network.WORLD_PORT)
HEARING = (EXCEPTED, wall.OUTSIDE_TCP)
GOES_ON = (OTHER, NEIGHBOUR)
"""What is asked for: who, and where."""
OUTSIDE = (
    wall.OUTSIDE_TCP,
    Destination("its other port", "tcp", network.WORLD, network.OTHER_PORT),
    wall.OUTSIDE_UDP,
    NEIGHBOUR,
    wall.OUTSIDE_TCP_IPV6,
    wall.PROXY,
)
INSIDE = tuple(each for each in wall.DESTINATIONS if each.name in {"in cluster", "cluster DNS", "internal"})
TERM = 30.0  # seconds; so long that the table can be measured before it ends, on a busy machine too
LATE = 20.0  # seconds after its end at which a hole may be found open at most; about one is promised


Opening: TypeAlias = tuple[Pod, Destination]


@dataclasses.dataclass(frozen=True)
class Office:
    """The wall's experiment, and where exceptions to it are asked for."""

    experiment: Experiment
    desk: Desk

    def measure(self, title: str, *opened: Opening) -> None:
        """Measure who gets where: with what was asked for open to whom it was asked for, and nothing else."""
        rows = dict.fromkeys((*(pod for pod, _ in opened), EXCEPTED, OTHER, wall.UNGOVERNED))
        wanted = {
            (str(pod), to.name): "blocked"
            if to in OUTSIDE and pod != wall.UNGOVERNED and (pod, to) not in opened
            else "through"
            for pod, to in itertools.product(rows, (*INSIDE, *OUTSIDE))
        }
        self.experiment.measure(title, wanted, destinations=(*INSIDE, *OUTSIDE))

    def open_one(self, name: str, pod: Pod, to: Destination, *beside: Opening, seconds: float) -> Asked:
        """Have an exception asked for, approved and opened, and measure that it is, and what is open beside it."""
        asked = self.desk.ask(name, pod, to, seconds=seconds)
        self.desk.approve(asked)
        self.desk.wait_for(asked, "Open")
        self.measure(f"{name}, open", (pod, to), *beside)
        assert time.time() < asked.until - 1, "this machine is so slow that the exception ended before it was measured"
        return asked

    def wall_objects(self) -> list[Any]:
        """Return what holds the wall, as far as it was asked for."""
        found = (self.experiment.cluster.get(wall.KINDS["Cilium"], f"bolwerk-{wall.POLICY}", "default"),)
        return [{key: each[key] for key in each if key.startswith("spec")} for each in found if each]


@pytest.fixture(scope="module")
def office(experiment: Experiment) -> Office:
    cluster = experiment.cluster
    cluster.apply(pods.prober(OTHER))
    cluster.wait_for_pods(OTHER.namespace, OTHER.name)
    return Office(experiment, exceptions.open_desk(cluster))


def _sleep_until(instant: float) -> None:
    time.sleep(max(0.0, instant - time.time()))


@pytest.mark.parametrize("backend", wall.BACKENDS)
def test_what_is_approved_is_open_until_its_end_and_nothing_else_is(office: Office, backend: str) -> None:
    office.experiment.apply(backend, "Audit")  # quicker: a former wall need not be kept until the next one has settled
    office.experiment.apply(backend, "Enforce")
    desk = office.desk
    unapproved = desk.ask(f"unapproved-{backend.lower()}", *GOES_ON, seconds=3600)
    desk.wait_for(unapproved, "Requested")
    assert "0 of 1 approvals" in desk.message(unapproved)
    office.measure(f"{backend}, asked for and not approved")
    asked = office.open_one(f"hearing-{backend.lower()}", *HEARING, seconds=TERM)
    lived = pods.outlast(office.experiment.cluster, *HEARING, until=asked.until + LATE)
    print(
        f"\n    {backend}, seconds after validUntil: the connection that stood got its last answer at "
        f"{lived.answered - asked.until:+.2f} ({lived.answers} answers; then: {lived.ended}), the last new one was "
        f"made at {lived.opened - asked.until:+.2f}",
        flush=True,
    )
    assert lived.answers > 1
    for last in (lived.answered, lived.opened):
        assert asked.until - 1 < last, "closed before its end"
        assert last < asked.until + LATE - 1, "open long after its end"
    office.measure(f"{backend}, ended")
    desk.wait_for(asked, "Expired")
    assert desk.open_exceptions() == []
    desk.delete("egressexception", unapproved.namespace, unapproved.name, by=ASKER)


def test_the_report_says_who_has_used_it_and_names_nobody_else(office: Office) -> None:
    """From the flows that Cilium exports; the controls: what left under Audit is found, and what was blocked is not."""
    cluster, desk = office.experiment.cluster, office.desk
    office.experiment.apply("Cilium", "Audit")
    audited = dt.datetime.now(dt.UTC).replace(microsecond=0)
    office.experiment.measure("audited", {(str(EXCEPTED), NEIGHBOUR.name): "through"}, destinations=(NEIGHBOUR,))

    def told(since: dt.datetime) -> tuple[dict[str, Any], set[tuple[str, str]]]:
        found = reports.report(cluster, since=since)["flows"]
        return found, {(f"{each['namespace']}/{each['pod']}", each["destination"]) for each in found["uncovered"]}

    def left_under_audit() -> bool:
        return (str(EXCEPTED), f"{network.NEIGHBOUR}, TCP {network.WORLD_PORT}") in told(audited)[1]

    process.wait_for(left_under_audit, what="the flow without an exception", seconds=exceptions.PATIENCE, every=1)
    office.experiment.apply("Cilium", "Enforce")
    office.measure("before")
    since = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(seconds=1)
    _sleep_until(since.timestamp())
    asked = office.open_one("used", *HEARING, seconds=3600)

    def used() -> dict[str, Any] | None:
        of_it = [each for each in told(since)[0]["uses"] if each["uid"] == asked.uid]
        return of_it[0] if of_it else None

    use = process.wait_for(used, what="its use to be in the flows", seconds=exceptions.PATIENCE, every=1)
    flows, uncovered = told(since)
    print(f"\n    of {flows['records']} flow records, {json.dumps(use)}", flush=True)
    assert use["pods"] == [str(EXCEPTED)]
    assert use["connections"] >= 1
    assert all(each.startswith(f"{network.WORLD}, TCP {network.WORLD_PORT}:") for each in use["destinations"])
    assert [each["uid"] for each in flows["uses"]] == [asked.uid]
    assert uncovered == set(), "what was blocked has not left"
    assert (flows["refused"], flows["unjudged"], flows["silentNodes"]) == (0, [], [])
    desk.delete("egressexception", asked.namespace, asked.name, by=ASKER)


def test_a_name_stays_closed_until_the_platform_says_that_it_can_be_checked(office: Office) -> None:
    """This node's Cilium has no Envoy to read the name in a handshake; asked to, it would start no pods any more."""
    desk = office.desk
    office.experiment.apply("Cilium", "Enforce")
    office.measure("before")
    walled = office.wall_objects()
    asked = desk.ask("by-name", EXCEPTED, NAME, seconds=3600)
    desk.approve(asked)
    desk.wait_for(asked, "Approved")
    process.wait_for(
        lambda: "ciliumEnvoy" in desk.message(asked), what="the status to say what to do", seconds=exceptions.PATIENCE
    )
    print(f"\n    {desk.message(asked)}", flush=True)
    assert office.wall_objects() == walled
    # The control: what can be checked is opened beside it.
    opened = office.open_one("by-address", *HEARING, seconds=3600)
    for each in (asked, opened):
        desk.delete("egressexception", each.namespace, each.name, by=ASKER)
    office.measure("taken back")


def test_the_api_server_holds_to_four_eyes_without_the_operator(office: Office) -> None:
    desk, plane = office.desk, office.experiment.cluster.control_plane
    office.experiment.apply("Cilium", "Enforce")
    with office.experiment.operator_down():
        asked = desk.ask("four-eyes", *HEARING, seconds=3600)
        # The control: what is refused below differs from this in one thing each.
        desk.approve(asked)
        attempts: tuple[tuple[str, str, dict[str, Any], str], ...] = (
            ("of what they asked for", ASKER, {}, "yourself|somebody else than you"),
            ("of that, as another", ASKER, {"approvedBy": {"username": SECOND}}, "yourself|somebody else than you"),
            ("without the permission", BYSTANDER, {}, "verb approve"),
        )
        for how, by, spec, words in attempts:
            with pytest.raises(RuntimeError, match=words) as refusal:
                desk.try_to_approve(asked, by=by, **spec)
            print(f"\n    {how}: {refusal.value}", flush=True)
        change = ("--type=merge", "--patch", '{"spec": {"ticket": "CHG-2"}}')
        with pytest.raises(RuntimeError, match="never changes") as refusal:
            plane.kubectl("patch", "egressexception", asked.name, f"--namespace={asked.namespace}", *change)
        print(f"\n    changed: {refusal.value}", flush=True)
        # Asked for anew, for something else, under the name that was read.
        desk.delete("egressexception", asked.namespace, asked.name, by=ASKER)
        other = desk.ask(asked.name, EXCEPTED, NEIGHBOUR, seconds=3600)
        desk.approve(other)
        with pytest.raises(RuntimeError, match="uid") as refusal:
            desk.try_to_approve(asked, by=SECOND)
        print(f"\n    of another uid: {refusal.value}", flush=True)
        office.measure("approved, and nobody there to open it")
    desk.wait_for(other, "Open")
    office.measure("the operator is back", (EXCEPTED, NEIGHBOUR))
    desk.delete("egressexception", other.namespace, other.name, by=ASKER)


def test_who_takes_back_closes(office: Office) -> None:
    desk = office.desk
    office.experiment.apply("Cilium", "Enforce")
    office.measure("before")
    walled = office.wall_objects()
    asked = office.open_one("taken-back", *HEARING, seconds=3600)
    assert office.wall_objects() != walled  # on Cilium, the wall's object has the hole in it
    (approval,) = desk.approvals(asked)
    desk.delete("egressapproval", asked.namespace, approval, by=SECOND)
    office.measure("approval deleted")
    desk.wait_for(asked, "Requested")
    assert office.wall_objects() == walled
    desk.approve(asked)
    office.measure("approved again", HEARING)
    desk.delete("egressexception", asked.namespace, asked.name, by=ASKER)
    office.measure("exception deleted")
    assert office.wall_objects() == walled


def test_a_namespace_goes_with_its_open_exception_and_the_wall_stays(office: Office) -> None:
    office.experiment.apply("Cilium", "Enforce")
    office.measure("before")
    walled, cluster = office.wall_objects(), office.experiment.cluster
    passing = Pod("passing", "app")
    pods.prepare(cluster, pods.namespace(passing.namespace, **wall.LABEL))
    cluster.apply(pods.prober(passing))
    cluster.wait_for_pods(passing.namespace, passing.name)
    office.open_one("passing", passing, wall.OUTSIDE_TCP, seconds=3600)
    assert office.desk.open_exceptions() == [f"{passing.namespace}/passing"]
    started = time.monotonic()
    cluster.control_plane.kubectl("delete", "namespace", passing.namespace, "--timeout=60s")
    print(f"\n    the namespace is gone after {time.monotonic() - started:.1f} s", flush=True)
    process.wait_for(
        lambda: not office.desk.open_exceptions(), what="the policy to know", seconds=exceptions.PATIENCE, every=0.2
    )
    assert office.wall_objects() == walled
    office.measure("namespace deleted")


def test_an_end_that_the_operator_missed_is_made_up_for_when_it_is_back(office: Office) -> None:
    office.experiment.apply("Cilium", "Enforce")
    asked = office.open_one("missed", *HEARING, seconds=TERM)
    with office.experiment.operator_down():
        _sleep_until(asked.until)
        # The control: it is the operator that closes.
        office.measure("ended, and nobody there", HEARING)
        wanted = time.monotonic()
    office.measure("the operator is back")
    print(f"\n    closed within {time.monotonic() - wanted:.1f} s after the operator was wanted back", flush=True)
    office.desk.wait_for(asked, "Expired")


def test_the_safety_net_closes_what_ended_and_nothing_else(office: Office) -> None:
    office.experiment.apply("Cilium", "Enforce")
    staying = office.open_one("staying", *GOES_ON, seconds=3600)
    asked = office.open_one("netted", *HEARING, GOES_ON, seconds=TERM)
    with office.experiment.operator_down():
        _sleep_until(asked.until)
        office.measure("ended, and nobody there", HEARING, GOES_ON)
        started = time.monotonic()
        told = office.desk.run_janitor("after-the-end")
        print(f"\n    the safety net, in {time.monotonic() - started:.1f} s: {told}", flush=True)
        assert f"{asked.namespace}/{asked.name}" in told
        office.measure("the safety net has run", GOES_ON)
    office.desk.delete("egressexception", staying.namespace, staying.name, by=ASKER)
    office.measure("the other one is taken back")
