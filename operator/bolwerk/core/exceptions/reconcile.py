"""The reconciliation of one EgressException: its status, and nothing else.

The hole is the policy's business: it has to be in or beside the wall's own objects. Here it is told what became of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bolwerk.api.sovereigntypolicy import SovereigntyPolicySpec
from bolwerk.core.conditions import condition_of
from bolwerk.core.exceptions import validity
from bolwerk.core.exceptions.clocks import clocks
from bolwerk.core.exceptions.holes import LARGEST_HOLES
from bolwerk.core.exceptions.judge import judge
from bolwerk.core.exceptions.observed import Observed
from bolwerk.core.exceptions.status import View, status_of
from bolwerk.core.invalid import InvalidSpecError, parsed
from bolwerk.core.plan import Event, Manifest, Plan
from bolwerk.core.policy.overlaps import governable, governing
from bolwerk.core.settings import Settings

__all__ = ["reconcile"]


def reconcile(observed: Observed, settings: Settings, now: datetime) -> Plan:
    """Decide what the status says. Never raises for what a user wrote."""
    exception = observed.exception
    if observed.namespace is None or exception["metadata"].get("deletionTimestamp"):
        return Plan()
    policy, both = _governing(observed, settings), clocks(now, observed.skew)
    left = validity.until_next_change([exception], *both)
    try:
        spec = parsed(SovereigntyPolicySpec, policy.get("spec")) if policy is not None else None
    except InvalidSpecError:
        return Plan(requeue_after=left)  # the policy's own status tells; what is open stays as it is
    entry, sentences = _told(observed)
    view = View(
        exception=exception,
        judgement=judge(exception, observed.approvals, spec, *both),
        policy=policy,
        entry=entry,
        unopened=sentences or ([] if entry else _crowded_out(policy)),
        until=validity.term(exception)[1],
    )
    before = exception.get("status") or {}
    status = status_of(view, now)
    return Plan(
        status=None if status == before else status,
        events=_events(before, status),
        requeue_after=left,
    )


def _governing(observed: Observed, settings: Settings) -> Mapping[str, Any] | None:
    namespace = observed.namespace
    if namespace is None:
        return None
    by = governing(observed.policies, governable([namespace], settings))
    name = by.get(namespace["metadata"]["name"])
    return next((policy for policy in observed.policies if policy["metadata"]["name"] == name), None)


def _told(observed: Observed) -> tuple[Mapping[str, Any] | None, list[str]]:
    """Return what policies say of the exception: its entry among the open ones, and what stays closed.

    Also those that govern its namespace no more: they may have something to close yet.
    """
    uid = observed.exception["metadata"]["uid"]
    sentences: list[str] = []
    for policy in observed.policies:
        status = policy.get("status") or {}
        for entry in status.get("openExceptions") or ():
            if entry["uid"] == uid:
                return entry, list(entry.get("unopened") or ())
        closed = status.get("unopenedExceptions") or ()
        sentences += [told for each in closed if each["uid"] == uid for told in each["unopened"]]
    return None, sentences


def _crowded_out(policy: Mapping[str, Any] | None) -> list[str]:
    """Return why nothing is said of an exception that is due: a status lists so many and no more."""
    closed = ((policy or {}).get("status") or {}).get("unopenedExceptions") or ()
    sentence = (
        f"{LARGEST_HOLES} exceptions of this policy stay closed, and its status has no room for why this one does"
    )
    return [f"{sentence}; delete those that open nothing."] if len(closed) >= LARGEST_HOLES else []


def _events(before: Mapping[str, Any], status: Manifest) -> tuple[Event, ...]:
    """Return one Event for a turn that somebody waits for, or should know of."""
    ready = status["conditions"][0]
    if ready["reason"] == condition_of(before, "Ready").get("reason"):
        return ()
    lost = before.get("phase") == "Open" and status["phase"] in ("Requested", "Approved")
    stalled = status["phase"] == "Refused" or bool(condition_of(status, "Stalled"))
    wrong = lost or (stalled and status["phase"] != "Expired")
    return (Event("Warning" if wrong else "Normal", ready["reason"], "Reconcile", ready["message"]),)
