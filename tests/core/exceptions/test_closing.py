"""The safety net's decision: it closes what is over, on every backend, and does nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bolwerk.core.exceptions.closing import CARVED_KINDS, HOLE_KINDS, Closing, closing
from bolwerk.core.kinds import CILIUM_CLUSTERWIDE_NETWORK_POLICY, VALIDATING_ADMISSION_POLICY, Kind, Ref
from bolwerk.core.policy.observed import WALL_KINDS
from core.exceptions.people import approval, exception
from core.policy.world import CILIUM, NOBODY, SETTINGS, SHARED, World

PLUGINS = pytest.mark.parametrize(
    "served", [CILIUM, SHARED, NOBODY], ids=["Cilium", "ClusterNetworkPolicy", "NetworkPolicy"]
)
BEGIN = datetime.fromisoformat("2026-12-01T12:00:00Z")
END = datetime.fromisoformat("2026-12-31T12:00:00Z")
SHORT, LONG = exception(1), exception(2, validUntil="2027-01-31T12:00:00Z")
WALL = Ref(CILIUM_CLUSTERWIDE_NETWORK_POLICY, "", "bolwerk-government")


def world(*asked: dict[str, Any], served: frozenset[Kind]) -> World:
    """Return a cluster in which the operator opened these exceptions, and then died."""
    made = World(served=served, exceptions=asked, approvals=tuple(approval(each) for each in asked), now=BEGIN)
    for _ in range(2):
        made.step()
    assert len(made.policy["status"]["openExceptions"]) == len(asked)
    return made


def look(cluster: World) -> Closing:
    return closing(cluster.observed(), SETTINGS, cluster.now)


def carry_out(cluster: World, found: Closing) -> None:
    for delete in found.plan.delete:
        assert cluster.objects.pop(delete.ref)["metadata"]["uid"] == delete.uid
    for apply in found.plan.apply:
        live = cluster.objects[apply.ref]
        cluster.objects[apply.ref] = {**apply.manifest, "metadata": {**live["metadata"], **apply.manifest["metadata"]}}


def specs(cluster: World) -> dict[Ref, Any]:
    """Return the wall with its holes; of admission and DNS the next operator takes care."""
    return {
        ref: (live.get("spec"), live.get("specs")) for ref, live in cluster.objects.items() if ref.kind in WALL_KINDS
    }


@PLUGINS
def test_what_the_operator_would_close_and_what_this_closes_are_the_same(served: frozenset[Kind]) -> None:
    by_operator, by_this = world(SHORT, LONG, served=served), world(SHORT, LONG, served=served)
    for each in (by_operator, by_this):
        each.now = END

    found = look(by_this)
    carry_out(by_this, found)
    by_operator.step()

    assert found.overdue == ("team/exception-1",)
    assert not found.objection
    assert specs(by_this) == specs(by_operator)
    assert look(by_this).plan.empty, "once is enough, although no operator has told so yet"
    assert {each.kind for each in by_this.decide().apply} == {VALIDATING_ADMISSION_POLICY}


@PLUGINS
@pytest.mark.parametrize("skew", [timedelta(minutes=10), -timedelta(minutes=10)], ids=["ahead", "behind"])
def test_what_one_of_the_clocks_calls_over_is_closed(served: frozenset[Kind], skew: timedelta) -> None:
    """By the operator as by this, and also where the policy means nothing any more."""
    by_operator, by_this = world(SHORT, LONG, served=served), world(SHORT, LONG, served=served)
    for each in (by_operator, by_this):
        each.now, each.skew = (END if skew > timedelta() else END + skew), skew
    nonsense = replace(by_this, policy={**by_this.policy, "spec": {**by_this.policy["spec"], "mode": "Nonsense"}})
    assert look(nonsense).overdue == ("team/exception-1",)
    assert nonsense.decide().delete or nonsense.decide().apply

    found = look(by_this)
    carry_out(by_this, found)
    by_operator.step()

    assert found.overdue == ("team/exception-1",)
    assert specs(by_this) == specs(by_operator)


@PLUGINS
def test_nothing_is_done_while_all_is_in_its_term(served: frozenset[Kind]) -> None:
    cluster = world(SHORT, LONG, served=served)
    cluster.now = END - timedelta(milliseconds=1)

    assert look(cluster) == Closing()


@PLUGINS
def test_nothing_is_opened_and_nothing_else_is_mended(served: frozenset[Kind]) -> None:
    """The next exception is due, an object was tampered with and another one is gone: the operator's business."""
    cluster = world(SHORT, served=served)
    due = exception(3, validFrom="2026-12-31T12:00:00Z", validUntil="2027-01-31T12:00:00Z")
    cluster.exceptions += (due,)
    cluster.approvals += (approval(due),)
    del cluster.objects[next(ref for ref in cluster.objects if ref.kind.name == "ValidatingAdmissionPolicy")]
    cluster.now = END
    before = set(cluster.objects)

    found = look(cluster)

    assert found.overdue == ("team/exception-1",)
    assert {each.ref for each in found.plan.apply} <= before
    assert {each.kind for each in found.plan.apply} <= {*CARVED_KINDS}
    assert {each.ref.kind for each in found.plan.delete} <= {*HOLE_KINDS}
    carry_out(cluster, found)
    assert cluster.decide().apply, "the one that is due is left to the operator"


@PLUGINS
@pytest.mark.parametrize(
    "gone",
    [
        pytest.param({"exceptions": ()}, id="the exception is deleted"),
        pytest.param({"approvals": ()}, id="its approval is deleted"),
        pytest.param({"namespaces": ()}, id="its namespace is governed no more"),
    ],
)
def test_what_is_over_before_its_time_is_closed_too(served: frozenset[Kind], gone: dict[str, Any]) -> None:
    cluster = world(SHORT, served=served)
    for field, value in gone.items():
        setattr(cluster, field, value)

    found = look(cluster)

    assert len(found.overdue) == 1
    assert not found.plan.empty


@pytest.mark.parametrize("served", [SHARED, NOBODY], ids=["ClusterNetworkPolicy", "NetworkPolicy"])
def test_holes_that_are_objects_are_closed_also_after_an_edit_of_the_policy(served: frozenset[Kind]) -> None:
    cluster = world(SHORT, served=served)
    cluster.edit(internal={"networks": ["10.0.0.0/9"]})
    cluster.now = END

    found = look(cluster)

    assert (len(found.plan.delete), found.plan.apply, found.objection) == (1, (), "")


def test_a_wall_is_not_applied_anew_when_its_policy_was_edited_meanwhile() -> None:
    """It would open what the edit opens: that is for the operator, and for whoever reads the job's failure."""
    cluster = world(SHORT, served=CILIUM)
    cluster.edit(internal={"networks": ["10.0.0.0/9"]})
    cluster.now = END

    found = look(cluster)

    assert found.plan.apply == ()
    assert found.overdue == ("team/exception-1",)
    assert "start the operator" in found.objection


def test_an_object_that_the_status_does_not_tell_of_is_found() -> None:
    """The operator died between opening it and telling so."""
    cluster = world(SHORT, served=SHARED)
    del cluster.policy["status"]["openExceptions"]
    cluster.now = END

    assert look(cluster).overdue == ("team/exception-1",)
    assert len(look(cluster).plan.delete) == 1


@PLUGINS
def test_a_policy_that_means_nothing_any_more_keeps_no_hole_open(served: frozenset[Kind]) -> None:
    cluster = world(SHORT, LONG, served=served)
    cluster.policy = {**cluster.policy, "spec": {**cluster.policy["spec"], "mode": "Nonsense"}}
    assert look(cluster) == Closing()
    cluster.now = END

    found = look(cluster)

    assert found.overdue == ("team/exception-1",)
    assert not found.plan.empty
    assert {each.ref for each in found.plan.apply} <= {WALL}
