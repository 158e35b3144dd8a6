"""What is worth an entry: every decision that was carried out, once, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bolwerk.core.audit.action import Action
from bolwerk.core.audit.record import Done, changed, governed
from bolwerk.core.kinds import (
    CILIUM_CLUSTERWIDE_NETWORK_POLICY,
    CONFIG_MAP,
    DEPLOYMENT,
    NETWORK_POLICY,
    VALIDATING_ADMISSION_POLICY,
    Kind,
)
from bolwerk.core.model.observed import CHILD_KINDS
from bolwerk.core.plan import Apply, Delete, Refusal
from bolwerk.core.policy.observed import OWNED_KINDS

from .audited import RESTORED, apply, condition, delete, exception, model, policy, short, tell


@pytest.mark.parametrize(
    ("resource", "change", "want"),
    [
        (policy(), apply(NETWORK_POLICY, "bolwerk-baseline"), Action.WALL_APPLIED),
        (policy(), apply(NETWORK_POLICY, "bolwerk-baseline", because="spec.egress"), Action.WALL_CHANGED),
        (policy(), apply(NETWORK_POLICY, "bolwerk-baseline", event=RESTORED), Action.WALL_RESTORED),
        (policy(), delete(NETWORK_POLICY, "bolwerk-baseline"), Action.WALL_REMOVED),
        (policy(), apply(NETWORK_POLICY, "bolwerk-baseline-x-0123456789ab"), Action.HOLE_APPLIED),
        (policy(), apply(NETWORK_POLICY, "bolwerk-other-x-0123456789ab"), Action.WALL_APPLIED),
        (
            policy(),
            apply(NETWORK_POLICY, "bolwerk-baseline-x-0123456789ab", because="spec.egress"),
            Action.HOLE_CHANGED,
        ),
        (policy(), delete(CILIUM_CLUSTERWIDE_NETWORK_POLICY, "bolwerk-baseline-x-0123456789ab"), Action.HOLE_REMOVED),
        (policy(), apply(VALIDATING_ADMISSION_POLICY, "bolwerk-baseline-host"), Action.ADMISSION_APPLIED),
        (
            policy(),
            apply(VALIDATING_ADMISSION_POLICY, "bolwerk-baseline-host", because="spec"),
            Action.ADMISSION_CHANGED,
        ),
        (policy(), delete(VALIDATING_ADMISSION_POLICY, "bolwerk-baseline-host"), Action.ADMISSION_REMOVED),
        (policy(), apply(CONFIG_MAP, "bolwerk-baseline-dns"), Action.NAMES_APPLIED),
        (policy(), apply(CONFIG_MAP, "bolwerk-baseline-dns", because="data"), Action.NAMES_CHANGED),
        (policy(), delete(CONFIG_MAP, "bolwerk-baseline-dns"), Action.NAMES_REMOVED),
        (model(), apply(NETWORK_POLICY, "chat"), Action.SEAL_APPLIED),
        (model(), apply(NETWORK_POLICY, "chat", because="spec"), Action.SEAL_CHANGED),
        (model(), apply(NETWORK_POLICY, "chat", event=RESTORED), Action.SEAL_RESTORED),
        (model(), delete(NETWORK_POLICY, "chat"), Action.SEAL_REMOVED),
        (model(), apply(DEPLOYMENT, "chat"), Action.WORKLOAD_APPLIED),
        (model(), apply(DEPLOYMENT, "chat", because="spec"), Action.WORKLOAD_CHANGED),
        (model(), delete(DEPLOYMENT, "chat"), Action.WORKLOAD_REMOVED),
    ],
    ids=lambda value: str(value) if isinstance(value, Action) else "",
)
def test_what_is_done_is_told_by_what_it_is_to_the_reconciled_object(
    resource: dict[str, Any], change: Apply | Delete, want: Action
) -> None:
    [fact] = changed(resource, Done(changes=(change,)))

    assert (fact.action, fact.result) == (want, "Done")
    assert fact.object.startswith(resource["kind"])
    assert fact.detail["names"] == (str(change.ref),)


@pytest.mark.parametrize("kind", [*OWNED_KINDS, *CHILD_KINDS], ids=lambda kind: kind.name)
def test_whatever_is_done_to_whatever_there_is_a_word_for_it(kind: Kind) -> None:
    changes: list[Apply | Delete] = [
        apply(kind, "x"),
        apply(kind, "x", because="spec"),
        apply(kind, "x", event=RESTORED),
        delete(kind, "x"),
    ]

    for resource in (policy(), model(), exception()):
        for change in changes:
            [fact] = changed(resource, Done(changes=(change,)))
            assert fact.action in Action


def test_a_thousand_objects_of_one_wall_are_one_entry_with_a_digest_of_all() -> None:
    walls = tuple(apply(NETWORK_POLICY, f"wall-{number}") for number in range(1000))

    [fact] = changed(policy(), Done(changes=walls))
    [other] = changed(policy(), Done(changes=walls[:-1]))

    assert fact.detail["count"] == 1000
    assert fact.detail["digest"] != other.detail["digest"]


def test_nothing_of_what_an_object_holds_is_told() -> None:
    facts = changed(policy(), Done(changes=(apply(CONFIG_MAP, "bolwerk-baseline-dns"),)))

    assert "canary" not in json.dumps([dict(fact.detail) for fact in facts])


def test_what_was_never_answered_is_told_as_not_known() -> None:
    lost = Done(changes=(apply(NETWORK_POLICY, "a"),), unknown=(apply(NETWORK_POLICY, "b"),))

    assert short(changed(policy(), lost)) == [("WallApplied", "Done"), ("WallApplied", "Unknown")]


def test_a_refusal_is_told_until_the_status_says_so() -> None:
    wall = apply(NETWORK_POLICY, "bolwerk-baseline")
    refusal = Refusal(wall.ref, "RefusedByCluster", "a message that may quote anything")
    refused = Done(refused=((wall, refusal),))

    [fact] = changed(policy(), refused)
    assert (fact.action, fact.result, fact.detail["reason"]) == (Action.WALL_APPLIED, "Refused", "RefusedByCluster")
    assert refusal.message not in fact.detail.values()
    assert not changed(policy(conditions=[condition("Stalled", "True", "RefusedByCluster")]), refused)


def test_nothing_done_is_nothing_told() -> None:
    status = {
        "observedGeneration": 3,
        "backend": "Cilium",
        "governedNamespaces": 1,
        "catalogue": {"version": "1", "digest": "sha256:1", "ageDays": 1},
        "conditions": [condition("WallStands", "True"), condition("Proven", "Unknown")],
    }
    tomorrow = {**status, "catalogue": {"version": "1", "digest": "sha256:1", "ageDays": 2}}

    assert not changed(policy(), Done())
    assert not tell(policy(**status), tomorrow)
    assert not governed(policy(**status), before=("team",), after=("team",))


@pytest.mark.parametrize(
    ("before", "after", "want"),
    [
        ((), ("a", "b"), [("NamespacesGoverned", ("a", "b"))]),
        (("a",), ("a", "b"), [("NamespacesGoverned", ("b",))]),
        (("a", "b"), ("b",), [("NamespacesReleased", ("a",))]),
        (("a",), ("b",), [("NamespacesGoverned", ("b",)), ("NamespacesReleased", ("a",))]),
    ],
)
def test_which_namespaces_are_governed_newly_or_no_more(
    before: tuple[str, ...], after: tuple[str, ...], want: list[tuple[str, tuple[str, ...]]]
) -> None:
    facts = governed(policy(), before=before, after=after)

    assert [(str(fact.action), fact.detail["names"]) for fact in facts] == want


def test_namespaces_that_came_or_went_while_nobody_looked_are_told_by_number() -> None:
    [fact] = governed(policy(), before=3, after=("a", "b"))

    assert (fact.detail["numberBefore"], fact.detail["count"]) == (3, 2)
    assert fact.detail["names"] == ("a", "b")


def test_every_action_is_documented(request: pytest.FixtureRequest) -> None:
    documented = (request.config.rootpath / "docs" / "audit.md").read_text(encoding="utf-8")

    assert [action for action in Action if f"`{action}`" not in documented] == []
