"""What a new status is worth: what people asked for, and how things turned."""

from __future__ import annotations

from typing import Any

import pytest

from bolwerk.core.audit.action import Action
from bolwerk.core.audit.told import gone, told

from .audited import condition, exception, model, policy, short, tell


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
