"""What becomes of an exception: given what is stored and when, this phase, for this reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bolwerk.api.sovereigntypolicy import SovereigntyPolicySpec
from bolwerk.core.exceptions.clocks import clocks
from bolwerk.core.exceptions.judge import judge
from bolwerk.core.reasons import Reason
from core.exceptions.people import ALICE, BOB, CAROL, PIPELINE, approval, exception, git
from core.policy.world import SPEC

BEFORE, WITHIN = datetime(2026, 11, 15, tzinfo=UTC), datetime(2026, 12, 15, tzinfo=UTC)
AFTER = datetime(2027, 1, 1, tzinfo=UTC)
LONG: dict[str, Any] = {"validUntil": "2027-03-02T12:00:00Z"}  # 91 days


def policy(**exceptions: Any) -> SovereigntyPolicySpec:
    return SovereigntyPolicySpec.model_validate({**SPEC, "exceptions": exceptions})


@dataclass(frozen=True)
class Case:
    id: str
    phase: str
    reason: Reason
    asked: dict[str, Any] = field(default_factory=exception)
    approved: tuple[dict[str, Any], ...] = (approval(exception()),)
    policy: SovereigntyPolicySpec | None = field(default_factory=policy)
    now: datetime = WITHIN
    skew: timedelta = timedelta()
    four_eyes: str | None = "Cluster"


ANOTHER = exception(2)
OTHER_NAMESPACE = approval(exception(namespace="other"))
GROUP: dict[str, Any] = {"destinations": [{"catalogueGroup": "openai", "ports": [{"port": 443}]}]}
GIT = approval(exception(by=PIPELINE), PIPELINE, git=git("author", "reviewer"))
OPEN, WAITS, NO = ("Open", Reason.APPROVED), ("Requested", Reason.TOO_FEW_APPROVALS), "Refused"
DOUBT, MONTH = ("Approved", Reason.CLOCKS_DIFFER), timedelta(days=30)
CASES = (
    Case("approved and in its term", *OPEN),
    Case("before its term", "Approved", Reason.NOT_YET_VALID, now=BEFORE),
    Case("after its term", "Expired", Reason.EXPIRED, now=AFTER),
    Case("after its term, never approved", "Expired", Reason.EXPIRED, approved=(), now=AFTER, four_eyes=None),
    Case("over by our clock only", *DOUBT, now=AFTER, skew=MONTH),
    Case("over by the API server's clock only", *DOUBT, now=WITHIN, skew=-MONTH),
    Case("begun by our clock only", *DOUBT, now=WITHIN, skew=MONTH),
    Case("begun by the API server's clock only", *DOUBT, now=BEFORE, skew=-MONTH),
    Case("over by both clocks", "Expired", Reason.EXPIRED, now=AFTER, skew=-MONTH),
    Case("begun by neither clock", "Approved", Reason.NOT_YET_VALID, now=BEFORE, skew=MONTH),
    Case("in its term by both clocks", *OPEN, skew=timedelta(days=1)),
    Case("in doubt, and not approved", *WAITS, approved=(), now=AFTER, skew=MONTH, four_eyes=None),
    Case("nobody has approved", *WAITS, approved=(), four_eyes=None),
    Case("by who asked", *WAITS, approved=(approval(exception(), ALICE),), four_eyes=None),
    Case("by who asked, in capitals", *WAITS, approved=(approval(exception(), ALICE.upper()),), four_eyes=None),
    Case("of another uid", *WAITS, approved=(approval(ANOTHER),), four_eyes=None),
    Case("of another namespace", *WAITS, approved=(OTHER_NAMESPACE,), four_eyes=None),
    Case("by nobody known", *WAITS, approved=(approval(exception(), None),), four_eyes=None),
    Case("by a ServiceAccount", *WAITS, approved=(approval(exception(), PIPELINE),), four_eyes=None),
    Case(
        "an approval that is being deleted",
        *WAITS,
        approved=(
            {
                **approval(exception()),
                "metadata": {**approval(exception())["metadata"], "deletionTimestamp": "2026-12-02T00:00:00Z"},
            },
        ),
        four_eyes=None,
    ),
    Case(
        "Git, typed by a person",
        *WAITS,
        approved=(approval(exception(), BOB, git=git("author", "reviewer")),),
        four_eyes=None,
    ),
    Case("one of two", *WAITS, policy=policy(approvals=2), four_eyes=None),
    Case(
        "one twice of two",
        *WAITS,
        approved=(approval(exception()), approval(exception(), BOB.upper())),
        policy=policy(approvals=2),
        four_eyes=None,
    ),
    Case(
        "two of two",
        *OPEN,
        approved=(approval(exception()), approval(exception(), CAROL)),
        policy=policy(approvals=2),
    ),
    Case("asked by a pipeline, one person", *WAITS, asked=exception(by=PIPELINE), four_eyes=None),
    Case(
        "asked by a pipeline, two people",
        *OPEN,
        asked=exception(by=PIPELINE),
        approved=(approval(exception()), approval(exception(), CAROL)),
    ),
    Case("attested by Git", *OPEN, asked=exception(by=PIPELINE), approved=(GIT,), four_eyes="Git"),
    Case(
        "attested by Git, the author himself",
        *WAITS,
        asked=exception(by=PIPELINE),
        approved=(approval(exception(), PIPELINE, git=git("author", "Author")),),
        four_eyes=None,
    ),
    Case(
        "Git and the cluster together",
        *OPEN,
        asked=exception(by=PIPELINE),
        approved=(GIT, approval(exception())),
        policy=policy(approvals=2),
        four_eyes="Git",
    ),
    Case("not governed", NO, Reason.NOT_GOVERNED, policy=None, four_eyes=None),
    Case("a ground that is not allowed", NO, Reason.GROUND_NOT_ALLOWED, policy=policy(grounds=["WeightyReason"])),
    Case("a ground that is", *OPEN, policy=policy(grounds=["NotPossible"])),
    Case(
        "a group that is not allowed",
        NO,
        Reason.DESTINATION_NOT_ALLOWED,
        exception(**GROUP),
        policy=policy(groups=["mistral"]),
    ),
    Case("a group that is", *OPEN, exception(**GROUP), policy=policy(groups=["openai"])),
    Case("a network where only groups are", NO, Reason.DESTINATION_NOT_ALLOWED, policy=policy(groups=["openai"])),
    Case("longer than 90 days", NO, Reason.TOO_LONG, exception(**LONG)),
    Case("as long as the policy allows", *OPEN, exception(**LONG), policy=policy(longestDays=91)),
    Case("nobody knows who asked", NO, Reason.REQUESTER_UNKNOWN, exception(by=None)),
    Case("a spec of another version", NO, Reason.INVALID_SPEC, exception(subject=None)),
    Case(
        "a network that is none",
        NO,
        Reason.INVALID_SPEC,
        exception(destinations=[{"network": "::ffff:1.2.3.0/120", "ports": [{"port": 1}]}]),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_an_exception_is_judged(case: Case) -> None:
    judgement = judge(case.asked, case.approved, case.policy, *clocks(case.now, case.skew))

    assert (judgement.phase, judgement.reason, judgement.four_eyes) == (case.phase, case.reason, case.four_eyes)
    assert judgement.sentence


def test_it_tells_who_has_approved() -> None:
    approved = (approval(exception(), CAROL), approval(exception(), ALICE), approval(exception(), BOB))

    assert judge(exception(), approved, policy(), WITHIN).approvers == (BOB, CAROL)


PEOPLE = [ALICE, BOB, CAROL, ALICE.upper(), PIPELINE]


@given(
    asked_by=st.sampled_from([ALICE, PIPELINE]),
    approved_by=st.lists(st.sampled_from(PEOPLE)),
    needed=st.integers(1, 3),
)
def test_whoever_asked_never_counts_and_nobody_counts_twice(asked_by: str, approved_by: list[str], needed: int) -> None:
    asked = exception(by=asked_by)
    judgement = judge(asked, [approval(asked, by) for by in approved_by], policy(approvals=needed), WITHIN)

    people = {by.lower() for by in approved_by} - {PIPELINE, asked_by.lower()}
    assert {by.lower() for by in judgement.approvers} == people
    assert (judgement.phase == "Open") == (len(people) >= max(needed, 2 if asked_by == PIPELINE else 1))
