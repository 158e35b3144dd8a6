"""What is worth an entry: every decision that was carried out, once, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from bolwerk.core.audit.action import Action
from bolwerk.core.audit.entry import Fact
from bolwerk.core.audit.record import Done, changed, governed
from bolwerk.core.audit.told import gone, told
from bolwerk.core.kinds import (
    CILIUM_CLUSTERWIDE_NETWORK_POLICY,
    CONFIG_MAP,
    DEPLOYMENT,
    NETWORK_POLICY,
    VALIDATING_ADMISSION_POLICY,
    Kind,
    Ref,
)
from bolwerk.core.model.observed import CHILD_KINDS
from bolwerk.core.plan import Apply, Delete, Event, Refusal
from bolwerk.core.policy.observed import OWNED_KINDS

RESTORED = Event("Warning", "WallRestored", "Restore", "it was found deleted")
MANAGED = [
    {"manager": "argocd-controller", "time": "2026-11-24T10:00:00Z", "fieldsV1": {"f:spec": {}}},
    {"manager": "kubectl-edit", "time": "2026-11-24T11:00:00Z", "fieldsV1": {"f:spec": {}}},
    {"manager": "somebody", "time": "2026-11-24T12:00:00Z", "fieldsV1": {"f:metadata": {}}},
    {"manager": "bolwerk", "subresource": "status", "fieldsV1": {"f:status": {}}},
]


def policy(**status: Any) -> dict[str, Any]:
    return {
        "kind": "SovereigntyPolicy",
        "metadata": {"name": "baseline", "uid": "u1", "generation": 3},
        "spec": {"mode": "Enforce"},
        "status": status,
    }


def model(**status: Any) -> dict[str, Any]:
    metadata = {"namespace": "team", "name": "chat", "uid": "u2", "generation": 1}
    return {"kind": "LocalModel", "metadata": metadata, "spec": {}, "status": status}


def exception(**status: Any) -> dict[str, Any]:
    spec = {"ground": "WeightyReason", "requestedBy": {"username": "jan@example.nl"}}
    metadata = {"namespace": "team", "name": "translate", "uid": "u3", "generation": 1}
    return {"kind": "EgressException", "metadata": metadata, "spec": spec, "status": status}


def condition(type_: str, status: str, reason: str = "Because") -> dict[str, str]:
    return {"type": type_, "status": status, "reason": reason, "message": "said to people"}


def apply(kind: Kind, name: str, *, because: str = "absent", event: Event | None = None) -> Apply:
    manifest = {"metadata": {"namespace": "team", "name": name}, "spec": {"secret": "canary"}}
    return Apply(kind, manifest, because, event)


def delete(kind: Kind, name: str) -> Delete:
    return Delete(Ref(kind, "team", name), "uid", "no longer desired")


def short(facts: tuple[Fact, ...]) -> list[tuple[str, str]]:
    return [(str(fact.action), fact.result) for fact in facts]


def tell(resource: Mapping[str, Any], status: Mapping[str, Any]) -> tuple[Fact, ...]:
    return told(resource, status, {"metadata": {"managedFields": MANAGED}})


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
    changes = [apply(kind, "x"), apply(kind, "x", because="spec"), apply(kind, "x", event=RESTORED), delete(kind, "x")]

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
    ("resource", "status", "want"),
    [
        (policy(), {"observedGeneration": 3}, ("PolicyCreated", "Accepted")),
        (policy(observedGeneration=2), {"observedGeneration": 3}, ("PolicyChanged", "Accepted")),
        (
            policy(observedGeneration=2, conditions=[condition("Stalled", "True", "InvalidSpec")]),
            {"observedGeneration": 3, "conditions": [condition("Stalled", "True", "InvalidSpec")]},
            ("PolicyChanged", "Stalled: InvalidSpec"),
        ),
        (model(), {"observedGeneration": 1}, ("ModelCreated", "Accepted")),
        (model(observedGeneration=1), {"observedGeneration": 2}, ("ModelChanged", "Accepted")),
    ],
)
def test_who_asked_is_not_known_and_the_entry_says_where_to_look(
    resource: dict[str, Any], status: dict[str, Any], want: tuple[str, str]
) -> None:
    [fact] = tell(resource, status)

    assert (str(fact.action), fact.result) == want
    assert fact.actor == "unknown"
    assert fact.detail["managers"] == ("kubectl-edit", "argocd-controller"), "names that clients gave themselves"
    assert (fact.detail["uid"], fact.detail["generation"]) == (
        resource["metadata"]["uid"],
        resource["metadata"]["generation"],
    )


@pytest.mark.parametrize(
    ("before", "after", "want"),
    [
        ({"backend": "Cilium"}, {"backend": "Calico"}, [("BackendSwitched", "Done")]),
        (
            {"catalogue": {"version": "1", "digest": "a"}},
            {"catalogue": {"version": "2", "digest": "b"}},
            [("CatalogueChanged", "Done")],
        ),
        (
            {"conditions": [condition("WallStands", "True")]},
            {"conditions": [condition("WallStands", "False", "WallDamaged")]},
            [("ConditionChanged", "WallStands=False")],
        ),
        ({}, {"conditions": [condition("NotReopened", "False")]}, [("ConditionChanged", "NotReopened=False")]),
        ({}, {"conditions": [condition("NotReopened", "True")]}, []),
        ({}, {"conditions": [condition("WallStands", "True")]}, [("ConditionChanged", "WallStands=True")]),
        ({}, {"conditions": [condition("Proven", "Unknown")]}, []),
        ({"conditions": [condition("Stalled", "True")]}, {}, [("ConditionChanged", "Stalled=absent")]),
        ({"conditions": [condition("Ready", "True")]}, {"conditions": [condition("Ready", "False")]}, []),
    ],
)
def test_how_things_turned(before: dict[str, Any], after: dict[str, Any], want: list[tuple[str, str]]) -> None:
    assert short(tell(policy(**before), after)) == want


@pytest.mark.parametrize(
    ("before", "after", "want"),
    [
        ("", "Requested", [("ExceptionRequested", "Accepted")]),
        ("Requested", "Approved", [("ExceptionApproved", "Done")]),
        ("Requested", "Open", [("ExceptionApproved", "Done")]),
        ("Approved", "Open", []),
        ("Open", "Approved", []),
        ("Requested", "Refused", [("ExceptionRefused", "Done")]),
        ("Refused", "Requested", [("ExceptionRequested", "Reconsidered")]),
        ("Open", "Expired", [("ExceptionExpired", "Done")]),
        ("Open", "Requested", [("ExceptionRequested", "ApprovalWithdrawn")]),
        ("Open", "Open", []),
        ("", "Refused", [("ExceptionRequested", "Accepted"), ("ExceptionRefused", "Done")]),
        ("", "Open", [("ExceptionRequested", "Accepted"), ("ExceptionApproved", "Done")]),
    ],
)
def test_the_life_of_an_exception_and_its_people(before: str, after: str, want: list[tuple[str, str]]) -> None:
    asked = exception(**({"phase": before} if before else {}))

    facts = told(asked, {"phase": after}, {"metadata": {}}, approvers=("anna@example.nl", "piet@example.nl"))

    assert short(facts) == want
    for fact in facts:
        if fact.result == "Accepted":
            assert fact.actor == "jan@example.nl", "as the API server stamped it"
        if fact.action is Action.EXCEPTION_APPROVED:
            assert fact.actor == "anna@example.nl, piet@example.nl"


def test_what_a_wall_opens_and_closes_is_told_of_the_exception_also_of_one_that_is_deleted() -> None:
    first = {"namespace": "team", "name": "translate", "uid": "u1"}
    second = {"namespace": "team", "name": "search", "uid": "u2", "unopened": ["a sentence"]}

    facts = tell(policy(openExceptions=[first]), {"backend": "Calico", "openExceptions": [second]})

    assert [(str(fact.action), fact.object, fact.result) for fact in facts] == [
        ("ExceptionClosed", "EgressException team/translate", "Done"),
        ("ExceptionOpened", "EgressException team/search", "InPart"),
    ]
    assert facts[1].detail == {"uid": "u2", "policy": "baseline", "policyUid": "u1", "backend": "Calico"}
    assert not tell(policy(openExceptions=[first]), {"openExceptions": [first]})


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


@pytest.mark.parametrize(
    ("kind", "want"),
    [
        ("SovereigntyPolicy", Action.POLICY_DELETED),
        ("LocalModel", Action.MODEL_DELETED),
        ("EgressException", Action.EXCEPTION_DELETED),
    ],
)
def test_what_is_deleted_is_told_and_by_whom_is_not_known(kind: str, want: Action) -> None:
    fact = gone(kind, f"{kind} x", "u")

    assert (fact.action, fact.actor) == (want, "unknown")


def test_every_action_is_documented(request: pytest.FixtureRequest) -> None:
    documented = (request.config.rootpath / "docs" / "audit.md").read_text(encoding="utf-8")

    assert [action for action in Action if f"`{action}`" not in documented] == []
