"""Exceptions in a policy's reconciliation: opened when due, closed at once, and the status tells what is open."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bolwerk.core.kinds import VALIDATING_ADMISSION_POLICY, Kind
from bolwerk.core.policy.reconcile import SETTLING
from core.exceptions.people import approval, exception
from core.policy.exceptional import BEGIN, DOMAIN, END, ENVOY, PLUGINS, WALL, let_through, listed, unopened, world
from core.policy.world import CILIUM, SHARED, World


@PLUGINS
def test_it_is_opened_at_its_first_instant_and_closed_at_its_last(served: frozenset[Kind]) -> None:
    cluster = world(served=served, at=BEGIN - timedelta(seconds=1))
    closed = dict(cluster.objects)
    early = cluster.step()
    assert early.requeue_after == 1
    assert (early.apply, listed(cluster)) == ((), [])

    cluster.now = BEGIN
    assert cluster.step().apply
    assert listed(cluster) == ["team/exception-1"]
    assert cluster.decide().empty

    cluster.now = END - timedelta(milliseconds=1)
    late = cluster.decide()
    assert (late.apply, late.delete, late.requeue_after) == ((), (), 0.001)
    cluster.now = END
    cluster.step()
    assert listed(cluster) == []
    assert {ref: live.get("spec") for ref, live in cluster.objects.items()} == {
        ref: live.get("spec") for ref, live in closed.items()
    }
    assert "specs" not in cluster.objects.get(WALL, {})


@PLUGINS
def test_closing_comes_before_anything_else_and_waits_for_nothing(served: frozenset[Kind]) -> None:
    cluster = world(served=served)
    cluster.step()
    cluster.now = END

    plan = cluster.decide()

    assert all(delete.first for delete in plan.delete)
    first, *rest = [apply.ref for apply in plan.apply]
    if served is CILIUM:
        assert (first, *{each.kind for each in rest}) == (WALL, VALIDATING_ADMISSION_POLICY)
    else:
        assert {first.kind, *(each.kind for each in rest)} == {VALIDATING_ADMISSION_POLICY}
        assert [delete.ref.name for delete in plan.delete] == ["bolwerk-government-x-0123abc10000"]


GONE: dict[str, Any] = {
    "the exception is deleted": {"exceptions": ()},
    "its approval is deleted": {"approvals": ()},
    "another exception has its name": {"exceptions": (exception(2),)},
    "it is being deleted": {
        "exceptions": (
            {**exception(), "metadata": {**exception()["metadata"], "deletionTimestamp": "2026-12-02T00:00:00Z"}},
        )
    },
}


@PLUGINS
@pytest.mark.parametrize("change", GONE)
def test_whatever_takes_it_away_closes_it(served: frozenset[Kind], change: str) -> None:
    cluster = world(served=served)
    cluster.step()
    for field, value in GONE[change].items():
        setattr(cluster, field, value)

    cluster.step()

    assert listed(cluster) == []
    assert not any("-x-" in ref.name for ref in cluster.objects)
    assert "specs" not in cluster.objects.get(WALL, {})


@PLUGINS
def test_what_the_policy_no_longer_allows_is_closed(served: frozenset[Kind]) -> None:
    cluster = world(served=served)
    cluster.step()
    cluster.edit(exceptions={**ENVOY, "longestDays": 7})

    cluster.step()

    assert listed(cluster) == []


@PLUGINS
@pytest.mark.parametrize("spec", [{"internal": {"networks": []}}, {"enforcement": {"backend": "Calico"}}])
def test_a_policy_that_means_nothing_keeps_its_wall_and_closes_what_is_over(
    served: frozenset[Kind], spec: dict[str, Any]
) -> None:
    cluster = world(served=served)
    cluster.step()
    cluster.edit(**spec)
    cluster.step()
    assert listed(cluster) == ["team/exception-1"]
    cluster.now = END - timedelta(seconds=2)
    assert cluster.decide().requeue_after == 2

    cluster.now = END
    cluster.step()

    assert listed(cluster) == []
    assert not any("-x-" in ref.name for ref in cluster.objects)
    assert cluster.walls()
    if served is CILIUM:
        (last,) = cluster.objects[WALL]["spec"]["endpointSelector"]["matchExpressions"][-1:]
        assert last["values"] != ["team"]
    assert cluster.decide().empty


def test_exceptions_of_namespaces_that_are_not_governed_open_nothing() -> None:
    cluster = world(namespace="other")

    assert not cluster.step().apply
    assert listed(cluster) == []


def test_nothing_is_opened_where_nothing_is_blocked() -> None:
    cluster = world()
    cluster.edit(mode="Audit")
    cluster.step()

    assert listed(cluster) == []
    assert unopened(cluster) == []


def test_opening_and_closing_is_no_damage_that_was_restored() -> None:
    cluster = world()

    assert {apply.event for apply in cluster.step().apply} == {None}
    cluster.now = END
    assert {apply.event for apply in cluster.step().apply} == {None}
    cluster.objects[WALL] = {**cluster.objects[WALL], "specs": [{"endpointSelector": {}, "egress": [{}]}]}
    (healed,) = cluster.decide().apply
    assert healed.event


def test_a_rule_too_many_among_the_regions_is_damage() -> None:
    cluster = world()
    cluster.step()
    cluster.objects[WALL] = {**cluster.objects[WALL], "specs": [*cluster.objects[WALL]["specs"], {"egress": [{}]}]}

    assert [apply.ref for apply in cluster.decide().apply] == [WALL]


def test_while_the_wall_moves_a_hole_stays_in_the_former_one_and_is_in_the_new() -> None:
    cluster = world(served=CILIUM | SHARED, destinations=DOMAIN + exception()["spec"]["destinations"])
    cluster.step()
    cluster.edit(enforcement={"backend": "ClusterNetworkPolicy"})
    cluster.step()
    holes = {ref.kind.name for ref in cluster.objects if "-x-" in ref.name}
    assert holes == {"CiliumClusterwideNetworkPolicy", "ClusterNetworkPolicy"}

    cluster.wait(SETTLING.total_seconds())
    cluster.step()

    assert {ref.kind.name for ref in cluster.objects if "-x-" in ref.name} == {"ClusterNetworkPolicy"}
    assert cluster.walls() == {"ClusterNetworkPolicy"}


@PLUGINS
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_no_sequence_opens_more_than_is_due_or_leaves_what_is_not(served: frozenset[Kind], data: st.DataObject) -> None:
    asked = [exception(number, validUntil=f"2026-12-0{number + 1}T12:00:00Z") for number in (1, 2, 3)]
    cluster = World(served=served, now=BEGIN - timedelta(minutes=1))
    cluster.step()

    for _ in range(data.draw(st.integers(1, 6))):
        cluster.exceptions = tuple(data.draw(st.lists(st.sampled_from(asked), unique_by=id)))
        approved = data.draw(st.lists(st.sampled_from(asked), unique_by=id))
        cluster.approvals = tuple(map(approval, approved))
        cluster.wait(data.draw(st.sampled_from([0, 59, 60, 3600, 86400])))
        cluster.step()

        day = (cluster.now - BEGIN) // timedelta(days=1)
        due = {
            each["metadata"]["name"]
            for number, each in enumerate(asked, start=1)
            if each in cluster.exceptions and each in approved and 0 <= day < number
        }
        assert {name.removeprefix("team/") for name in listed(cluster)} == due
        assert let_through(cluster) == {each["metadata"]["uid"] for each in asked if each["metadata"]["name"] in due}
        assert cluster.decide().empty
