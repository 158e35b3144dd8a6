"""Admission's part in a policy's reconciliation: it lets through what the wall does, later, and never longer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bolwerk.core.kinds import NETWORK_POLICY, VALIDATING_ADMISSION_POLICY, Kind
from core.exceptions.people import UID, approval, exception
from core.policy.exceptional import BEGIN, DOMAIN, END, ENVOY, PLUGINS, let_through, listed, world
from core.policy.world import CILIUM, SHARED, World, network_policy, policy

ONE = {UID.format(1)}
BOTH = [*exception()["spec"]["destinations"], *DOMAIN]


def rules(cluster: World) -> str:
    return str([live for ref, live in cluster.objects.items() if ref.kind == VALIDATING_ADMISSION_POLICY])


@PLUGINS
def test_while_nothing_is_open_the_rules_are_as_if_nobody_had_asked(served: frozenset[Kind]) -> None:
    cluster = world(served=served, at=BEGIN - timedelta(seconds=1))
    nobody = World(policy(exceptions=ENVOY), served=served)
    nobody.step()
    cluster.step()

    def specs(of: World) -> list[Any]:
        return [live["spec"] for ref, live in of.objects.items() if ref.kind == VALIDATING_ADMISSION_POLICY]

    assert specs(cluster) == specs(nobody)
    cluster.now = BEGIN
    cluster.step()
    assert specs(cluster) != specs(nobody)
    cluster.now = END
    cluster.step()
    assert specs(cluster) == specs(nobody)


@PLUGINS
def test_the_wall_opens_first_and_admission_after(served: frozenset[Kind]) -> None:
    cluster = world(served=served, destinations=BOTH)

    kinds = [apply.kind for apply in cluster.decide().apply]

    last = max(at for at, kind in enumerate(kinds) if kind != VALIDATING_ADMISSION_POLICY)
    assert kinds[last + 1 :] == [VALIDATING_ADMISSION_POLICY] * 2
    assert VALIDATING_ADMISSION_POLICY not in kinds[:last]


def test_what_refuses_more_does_not_wait_for_a_hole() -> None:
    """Else a hole that the cluster refuses would keep a name from being refused."""
    cluster = world(served=SHARED)
    cluster.edit(catalogue={"entries": [{"name": "own", "suffixes": ["own.example"]}]})

    plan = cluster.decide()

    kinds = [apply.kind.name for apply in plan.apply if apply.ref.name.endswith("-pods") or "-x-" in apply.ref.name]
    assert kinds == ["ValidatingAdmissionPolicy", "ClusterNetworkPolicy", "ValidatingAdmissionPolicy"]
    first, _, last = (each for each in plan.apply if each.ref.name.endswith("-pods") or "-x-" in each.ref.name)
    assert "own.example" in str(first.manifest)
    assert UID.format(1) not in str(first.manifest)
    assert UID.format(1) in str(last.manifest)


@PLUGINS
def test_names_that_a_backend_keeps_closed_stay_refused(served: frozenset[Kind]) -> None:
    cluster = world(served=served, destinations=BOTH)
    cluster.step()

    assert let_through(cluster) == ONE
    assert ("api.example.com" in rules(cluster)) == (served is CILIUM)
    assert "203.0.113.0/24" in rules(cluster)


def test_names_are_refused_again_when_something_closes_them() -> None:
    cluster = world(destinations=DOMAIN)
    cluster.step()
    assert let_through(cluster) == ONE
    wide = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]}
    cluster.rules = {NETWORK_POLICY: (network_policy("team", "wide", wide),)}

    cluster.step()

    assert let_through(cluster) == set()


@PLUGINS
def test_in_an_audit_nothing_is_open_and_so_all_is_warned_of(served: frozenset[Kind]) -> None:
    cluster = world(served=served)
    cluster.edit(mode="Audit")
    cluster.step()

    assert let_through(cluster) == set()


BROKEN: dict[str, dict[str, Any]] = {
    "a policy that means nothing": {"internal": {"networks": []}},
    "names that are undecided": {"catalogue": {"refuse": ["no-such-group"]}},
}


@PLUGINS
@pytest.mark.parametrize("spec", BROKEN)
def test_what_is_over_is_refused_again_also_while_rules_stay_as_they_are(served: frozenset[Kind], spec: str) -> None:
    cluster = world(served=served)
    cluster.step()
    cluster.edit(**BROKEN[spec])
    cluster.step()
    assert let_through(cluster) == ONE

    cluster.now = END
    cluster.step()

    assert let_through(cluster) == set()
    assert listed(cluster) == []
    assert cluster.decide().empty


def test_what_there_is_no_room_for_is_refused_and_told() -> None:
    subject = {"podSelector": {"matchLabels": {f"example.org/{'x' * 50}-{n}": "y" * 60 for n in range(32)}}}
    many = [
        {**asked, "metadata": {**asked["metadata"], "name": f"e{n}", "uid": f"{n:08x}-0000-4000-8000-000000000000"}}
        for n, asked in enumerate([exception(subject=subject)] * 200)
    ]
    cluster = World(policy(), served=SHARED, exceptions=tuple(many), approvals=tuple(map(approval, many)), now=BEGIN)
    cluster.step()

    (told,) = [each for each in cluster.policy["status"]["limits"] if each.startswith("Admission has no room")]
    room = let_through(cluster)
    assert 0 < len(room) < len(many) == len(listed(cluster))
    assert f"for {len(many) - len(room)} of the open exceptions" in told


def test_what_is_no_word_has_no_place_in_a_rule() -> None:
    """The CRD has no pattern for the key of an expression."""
    expressions = [{"key": "app -> api.openai.com", "operator": "Exists"}]
    cluster = world(subject={"podSelector": {"matchExpressions": expressions}}, destinations=DOMAIN)
    cluster.step()

    assert listed(cluster) == ["team/exception-1"]
    assert let_through(cluster) == set()
    assert any(each.startswith("Admission has no room for 1") for each in cluster.policy["status"]["limits"])
