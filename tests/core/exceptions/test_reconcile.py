"""What the status of an exception says, in every case that a user can meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bolwerk.core.exceptions.observed import Observed
from bolwerk.core.exceptions.reconcile import reconcile
from bolwerk.core.reasons import Reason
from bolwerk.core.settings import Settings
from core.exceptions.people import PIPELINE, approval, exception

SETTINGS = Settings(namespace="bolwerk-system")
BEFORE, WITHIN, AFTER = (datetime(2026, month, 15, 12, tzinfo=UTC) for month in (11, 12, 12))
AFTER = AFTER.replace(day=31)
ASKED = exception()
ENTRY = {"namespace": "team", "name": "exception-1", "uid": ASKED["metadata"]["uid"]}
TEAM = {"metadata": {"name": "team", "labels": {"kubernetes.io/metadata.name": "team"}}}


def policy(*, mode: str = "Enforce", opened: tuple[Any, ...] = (), name: str = "state", **spec: Any) -> dict[str, Any]:
    base = {"namespaceSelector": {}, "mode": mode, "internal": {"networks": ["10.20.0.0/16"]}}
    status: dict[str, Any] = {"openExceptions": list(opened)}
    return {"metadata": {"name": name, "uid": f"u-{name}"}, "spec": {**base, **spec}, "status": status}


def told(*sentences: str, others: Sequence[Any] = ()) -> dict[str, Any]:
    made = policy()
    made["status"]["unopenedExceptions"] = [*others, {**ENTRY, "unopened": [*sentences]}]
    return made


OTHERS = [{**ENTRY, "name": f"x{n}", "uid": f"u-{n}", "unopened": ["Names stay closed."]} for n in range(1000)]


def crowded(number: int) -> dict[str, Any]:
    """Return a policy whose list of what stays closed has so many others."""
    made = policy()
    made["status"]["unopenedExceptions"] = OTHERS[:number]
    return made


def seen(*policies: dict[str, Any], asked: dict[str, Any] = ASKED, approved: bool = True, **status: Any) -> Observed:
    return Observed(
        exception={**asked, "status": status} if status else asked,
        approvals=(approval(asked),) if approved else (),
        policies=policies,
        namespace=TEAM,
    )


@dataclass(frozen=True)
class Case:
    """A world, and what the status says of it; `reason` is of the condition that matters, `ready` of Ready."""

    id: str
    phase: str
    type: str
    status: str
    reason: Reason
    ready: Reason
    observed: Callable[[], Observed]
    now: datetime = WITHIN
    also: tuple[str, ...] = field(default=())


R = Reason
CASES = (
    Case("no approval", "Requested", "Approved", "False", R.TOO_FEW_APPROVALS, R.TOO_FEW_APPROVALS,
         lambda: seen(policy(), approved=False)),
    Case("nothing of it is open then", "Requested", "Opened", "False", R.NOT_DUE, R.TOO_FEW_APPROVALS,
         lambda: seen(policy(), approved=False)),
    Case("approved, not yet begun", "Approved", "Opened", "False", R.NOT_YET_VALID, R.NOT_YET_VALID,
         lambda: seen(policy()), BEFORE),
    Case("it says who approved", "Approved", "Approved", "True", R.APPROVED, R.NOT_YET_VALID,
         lambda: seen(policy()), BEFORE),
    Case("it says what allows it", "Approved", "Allowed", "True", R.WITHIN_POLICY, R.NOT_YET_VALID,
         lambda: seen(policy()), BEFORE),
    Case("due, not open yet", "Approved", "Opened", "False", R.OPENING, R.OPENING,
         lambda: seen(policy()), also=("Reconciling",)),
    Case("open", "Open", "Opened", "True", R.OPENED, R.OPENED, lambda: seen(policy(opened=(ENTRY,)))),
    Case("open in part", "Open", "Opened", "True", R.OPENED_IN_PART, R.OPENED_IN_PART,
         lambda: seen(policy(opened=({**ENTRY, "unopened": ["Names stay closed."]},)))),
    Case("cannot be opened", "Approved", "Opened", "False", R.CANNOT_BE_OPENED, R.CANNOT_BE_OPENED,
         lambda: seen(told("Names stay closed.")), also=("Stalled",)),
    Case("cannot be opened, as the last of a thousand", "Approved", "Opened", "False", R.CANNOT_BE_OPENED,
         R.CANNOT_BE_OPENED, lambda: seen(told("Names stay closed.", others=OTHERS[:999])), also=("Stalled",)),
    Case("cannot be opened, and a thousand others fill the list", "Approved", "Opened", "False", R.CANNOT_BE_OPENED,
         R.CANNOT_BE_OPENED, lambda: seen(crowded(1000)), also=("Stalled",)),
    Case("many others cannot be opened", "Approved", "Opened", "False", R.OPENING, R.OPENING,
         lambda: seen(crowded(999)), also=("Reconciling",)),
    Case("only audited", "Approved", "Opened", "False", R.AUDIT_ONLY, R.AUDIT_ONLY,
         lambda: seen(policy(mode="Audit"))),
    Case("over, still open", "Expired", "Opened", "True", R.CLOSING, R.EXPIRED,
         lambda: seen(policy(opened=(ENTRY,))), AFTER, also=("Reconciling",)),
    Case("over, still open in the wall of a policy that governs no more", "Expired", "Opened", "True", R.CLOSING,
         R.EXPIRED, lambda: seen(policy(), policy(name="town", opened=(ENTRY,))), AFTER, also=("Reconciling",)),
    Case("over by one of two clocks", "Approved", "Opened", "False", R.CLOCKS_DIFFER, R.CLOCKS_DIFFER,
         lambda: replace(seen(policy()), skew=timedelta(days=29)), AFTER),
    Case("over and closed", "Expired", "Opened", "False", R.EXPIRED, R.EXPIRED, lambda: seen(policy()), AFTER,
         also=("Stalled",)),
    Case("an approval was taken back", "Requested", "Opened", "True", R.CLOSING, R.TOO_FEW_APPROVALS,
         lambda: seen(policy(opened=(ENTRY,)), approved=False), also=("Reconciling",)),
    Case("nobody governs", "Refused", "Allowed", "False", R.NOT_GOVERNED, R.NOT_GOVERNED, seen, also=("Stalled",)),
    Case("ground", "Refused", "Allowed", "False", R.GROUND_NOT_ALLOWED, R.GROUND_NOT_ALLOWED,
         lambda: seen(policy(exceptions={"grounds": ["WeightyReason"]})), also=("Stalled",)),
    Case("group", "Refused", "Allowed", "False", R.DESTINATION_NOT_ALLOWED, R.DESTINATION_NOT_ALLOWED,
         lambda: seen(policy(exceptions={"groups": ["openai"]})), also=("Stalled",)),
    Case("term", "Refused", "Allowed", "False", R.TOO_LONG, R.TOO_LONG,
         lambda: seen(policy(exceptions={"longestDays": 7})), also=("Stalled",)),
    Case("nobody asked", "Refused", "Allowed", "False", R.REQUESTER_UNKNOWN, R.REQUESTER_UNKNOWN,
         lambda: seen(policy(), asked=exception(by=None)), also=("Stalled",)),
    Case("it means nothing", "Refused", "Allowed", "False", R.INVALID_SPEC, R.INVALID_SPEC,
         lambda: seen(policy(), asked=exception(destinations=[{"network": "nonsense", "ports": [{"port": 1}]}])),
         also=("Stalled",)),
    Case("a pipeline asked, one person approved", "Requested", "Approved", "False", R.TOO_FEW_APPROVALS,
         R.TOO_FEW_APPROVALS, lambda: seen(policy(), asked=exception(by=PIPELINE))),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_status(case: Case) -> None:
    status = reconcile(case.observed(), SETTINGS, case.now).status

    assert status
    by_type = {each["type"]: each for each in status["conditions"]}
    assert status["phase"] == case.phase
    assert (by_type[case.type]["status"], by_type[case.type]["reason"]) == (case.status, case.reason)
    assert by_type["Ready"]["reason"] == case.ready
    assert (by_type["Ready"]["status"] == "True") == (case.ready == R.OPENED)
    assert by_type.keys() & {"Reconciling", "Stalled"} == {*case.also}
    assert all(each["message"] for each in status["conditions"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_second_look_says_nothing_new(case: Case) -> None:
    observed = case.observed()
    first = reconcile(observed, SETTINGS, case.now)
    assert first.status
    again = replace(observed, exception={**observed.exception, "status": first.status})

    second = reconcile(again, SETTINGS, case.now)

    assert second.empty
    assert second.requeue_after == first.requeue_after


@pytest.mark.parametrize(("now", "seconds"), [(BEFORE, 16 * 86_400.0), (WITHIN, 16 * 86_400.0), (AFTER, None)])
def test_it_is_looked_at_again_when_its_term_begins_and_ends(now: datetime, seconds: float | None) -> None:
    assert reconcile(seen(policy()), SETTINGS, now).requeue_after == seconds


def test_a_life_with_its_dates_and_events() -> None:
    """Asked for, approved, due, open, closed: what people are told, and when it was."""
    observed, told_of, dates = seen(policy(), approved=False), [], []
    approved, opened = seen(policy()), seen(policy(opened=(ENTRY,)))
    for number, (world, now) in enumerate(
        (
            (observed, BEFORE),
            (approved, BEFORE),
            (approved, WITHIN),
            (opened, WITHIN),
            (opened, AFTER),
            (approved, AFTER),
        )
    ):
        before = observed.exception.get("status")
        observed = replace(world, exception={**ASKED, **({"status": before} if before else {})})
        plan = reconcile(observed, SETTINGS, now.replace(second=number))
        assert plan.status
        assert (plan.apply, plan.delete) == ((), ())
        observed = replace(observed, exception={**ASKED, "status": plan.status})
        told_of += [(event.type, event.reason) for event in plan.events]
        dates.append((plan.status.get("openedAt"), plan.status.get("closedAt")))

    assert told_of == [
        ("Normal", reason) for reason in (R.TOO_FEW_APPROVALS, R.NOT_YET_VALID, R.OPENING, R.OPENED, R.EXPIRED)
    ]
    assert dates == [
        (None, None),
        (None, None),
        (None, None),
        ("2026-12-15T12:00:03Z", None),
        ("2026-12-15T12:00:03Z", None),
        ("2026-12-15T12:00:03Z", "2026-12-31T12:00:05Z"),
    ]
    assert observed.exception["status"]["approvals"] == 1
    assert observed.exception["status"]["fourEyes"] == "Cluster"
    kept = {each["type"]: each["reason"] for each in observed.exception["status"]["conditions"]}
    assert (kept["Allowed"], kept["Approved"]) == (R.WITHIN_POLICY, R.APPROVED), "of one that is over, the last word"


def test_who_is_closed_early_because_of_doubt_is_warned_and_told_why() -> None:
    first = reconcile(seen(policy(opened=(ENTRY,))), SETTINGS, WITHIN)
    assert first.status
    doubtful = replace(seen(policy(), **first.status), skew=timedelta(days=29))

    plan = reconcile(doubtful, SETTINGS, AFTER)

    assert plan.status
    assert (plan.status["phase"], plan.status["closedAt"]) == ("Approved", "2026-12-31T12:00:00Z")
    [event] = plan.events
    assert (event.type, event.reason) == ("Warning", R.CLOCKS_DIFFER)
    assert "the operator's clock is 2505600 s ahead of the API server's" in event.message
    assert plan.requeue_after == 29 * 86_400 + 1, "when both say that it is over"


def test_who_loses_an_approval_is_warned() -> None:
    first = reconcile(seen(policy(opened=(ENTRY,))), SETTINGS, WITHIN)
    assert first.status

    [event] = reconcile(seen(policy(), approved=False, **first.status), SETTINGS, WITHIN).events

    assert (event.type, event.reason) == ("Warning", R.TOO_FEW_APPROVALS)


@pytest.mark.parametrize(
    "observed",
    [
        pytest.param(replace(seen(policy()), namespace=None), id="its namespace is not known yet"),
        pytest.param(seen(policy(mode="Nonsense")), id="its policy means nothing"),
        pytest.param(
            seen(policy(), asked={**ASKED, "metadata": {**ASKED["metadata"], "deletionTimestamp": "now"}}),
            id="it is being deleted",
        ),
    ],
)
def test_nothing_is_said_where_nothing_can_be(observed: Observed) -> None:
    assert reconcile(observed, SETTINGS, WITHIN).empty


@pytest.mark.parametrize("name", ["kube-system", "bolwerk-system"])
def test_an_exempt_namespace_is_governed_by_nobody(name: str) -> None:
    asked = exception(namespace=name)
    namespace = {"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}}}

    plan = reconcile(replace(seen(policy(), asked=asked), namespace=namespace), SETTINGS, WITHIN)

    assert plan.status
    assert plan.status["phase"] == "Refused"
