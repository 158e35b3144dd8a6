"""The status of an EgressException: what became of what was asked, in one word, in conditions, and in dates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bolwerk.core import conditions
from bolwerk.core.conditions import Condition, false, true
from bolwerk.core.exceptions.judge import Judgement, Phase
from bolwerk.core.plan import Manifest
from bolwerk.core.reasons import Reason

__all__ = ["View", "status_of"]

ATTESTED = {"Cluster": "the API server knew them", "Git": "a ServiceAccount passed it on from Git"}
OVER = frozenset({Reason.EXPIRED, Reason.CANNOT_BE_OPENED})
"""Beside a refusal: waiting will not help, somebody has to ask anew."""
UNDER_WAY = frozenset({Reason.OPENING, Reason.CLOSING})


@dataclass(frozen=True, slots=True)
class View:
    """What is known of one exception.

    Attributes
    ----------
    policy
        The SovereigntyPolicy that governs its namespace, as the API server has it, or None.
    entry
        What the status of a policy says of it among the open ones, or None.
    unopened
        What of it stays closed although it is due, a sentence each.
    until
        When it ends, in the words of who asked.
    """

    exception: Mapping[str, Any]
    judgement: Judgement
    policy: Mapping[str, Any] | None
    entry: Mapping[str, Any] | None
    unopened: Sequence[str]
    until: str


def status_of(view: View, now: datetime) -> Manifest:
    """Return the whole status."""
    before = view.exception.get("status") or {}
    opened = _opened(view)
    ready = _ready(view, opened)
    decided = [ready, *_judged(view, before), opened, *_exceptional(view, ready, opened)]
    generation = view.exception["metadata"].get("generation", 0)
    return {
        "observedGeneration": generation,
        "phase": _phase(view),
        "conditions": conditions.written(
            decided, before=before.get("conditions") or [], generation=generation, now=now
        ),
        "approvals": len(view.judgement.approvers),
        **({"fourEyes": view.judgement.four_eyes} if view.judgement.four_eyes else {}),
        **_dates(view, before, now),
    }


def _phase(view: View) -> Phase:
    """Return the judgement's phase; but nothing is called open that is not."""
    phase = view.judgement.phase
    return "Approved" if phase == "Open" and view.entry is None else phase


def _judged(view: View, before: Mapping[str, Any]) -> Iterable[Condition]:
    """Yield whether it is allowed and approved; of one that is over, what was said last."""
    judgement = view.judgement
    if judgement.phase == "Expired":
        known = [each for each in before.get("conditions") or () if each["type"] in ("Allowed", "Approved")]
        return [Condition(each["type"], each["status"], Reason(each["reason"]), each["message"]) for each in known]
    if judgement.phase == "Refused":
        allowed = false("Allowed", judgement.reason, judgement.sentence)
    else:
        name = view.policy["metadata"]["name"] if view.policy else ""
        allowed = true("Allowed", Reason.WITHIN_POLICY, f"SovereigntyPolicy {name} allows what it asks for")
    if judgement.four_eyes is not None:
        how = ATTESTED[judgement.four_eyes]
        approved = true("Approved", Reason.APPROVED, f"approved by {', '.join(judgement.approvers)}; {how}")
    else:
        counted = f"{len(judgement.approvers)} approvals count, and none opens what is refused"
        sentence = judgement.sentence if judgement.phase == "Requested" else counted
        approved = false("Approved", Reason.TOO_FEW_APPROVALS, sentence)
    return [allowed, approved]


def _opened(view: View) -> Condition:
    if view.entry is None:
        return _not_open(view)
    if view.judgement.phase != "Open":
        over = "it is in doubt" if view.judgement.reason == Reason.CLOCKS_DIFFER else "it is over"
        return true("Opened", Reason.CLOSING, f"{over}, and its hole in the wall is being closed")
    if view.unopened:
        return true("Opened", Reason.OPENED_IN_PART, f"open until {view.until}, but: {' '.join(view.unopened)}")
    return true("Opened", Reason.OPENED, f"open until {view.until}")


def _not_open(view: View) -> Condition:
    judgement = view.judgement
    if judgement.phase != "Open":
        reason = judgement.reason if judgement.phase in ("Approved", "Expired") else Reason.NOT_DUE
        return false("Opened", reason, judgement.sentence)
    if view.policy is not None and (view.policy.get("spec") or {}).get("mode") != "Enforce":
        name = view.policy["metadata"]["name"]
        return false("Opened", Reason.AUDIT_ONLY, f"SovereigntyPolicy {name} only audits: there is no wall to open")
    if view.unopened:
        return false("Opened", Reason.CANNOT_BE_OPENED, " ".join(view.unopened))
    return false("Opened", Reason.OPENING, "it is due, and its hole in the wall is being made")


def _ready(view: View, opened: Condition) -> Condition:
    if opened.reason == Reason.OPENED:
        return true("Ready", Reason.OPENED, opened.message)
    if view.judgement.phase == "Open":
        return false("Ready", opened.reason, opened.message)
    return false("Ready", view.judgement.reason, view.judgement.sentence)


def _exceptional(view: View, ready: Condition, opened: Condition) -> list[Condition]:
    if opened.reason in UNDER_WAY:
        return [true("Reconciling", opened.reason, opened.message)]
    if view.judgement.phase == "Refused" or ready.reason in OVER:
        return [true("Stalled", ready.reason, ready.message)]
    return []


def _dates(view: View, before: Mapping[str, Any], now: datetime) -> dict[str, str]:
    """Return when it was opened, and when closed: as the operator saw it, by the operator's clock."""
    instant = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    opened_at, closed_at = before.get("openedAt"), before.get("closedAt")
    if view.entry is not None:
        return {"openedAt": opened_at if opened_at and not closed_at else instant}
    return {"openedAt": opened_at, "closedAt": closed_at or instant} if opened_at else {}
