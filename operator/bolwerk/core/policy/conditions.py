"""The conditions of a SovereigntyPolicy: one function each, and the summary.

Ready tells of the wall and of what defeats it. What is found in workloads (an endpoint behind a ConfigMap) and what
has not been measured yet is said beside it: no policy becomes ready by not looking.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from bolwerk.core.catalogue import age_days, stale
from bolwerk.core.conditions import Condition, condition_of, false, true, unknown
from bolwerk.core.policy.finding import Finding
from bolwerk.core.policy.view import View
from bolwerk.core.reasons import Reason

__all__ = ["aspects", "summary"]

NAMED = 3
"""How many objects a message names; the status lists more."""

HARMLESS = frozenset({Reason.AUDIT_ONLY, Reason.CATALOGUE_STALE, Reason.ENDPOINT_FOUND})


def aspects(view: View, now: datetime) -> list[Condition]:
    """Decide every condition but the summary."""
    return [
        _wall_stands(view),
        _not_reopened(view),
        _undisputed(view),
        _catalogue_current(view, now),
        _references_clean(view),
        _proven(view),
    ]


def summary(view: View, decided: Iterable[Condition]) -> list[Condition]:
    """Return Ready, and Stalled or Reconciling where one is true."""
    if view.stalled:
        return [false("Ready", view.stalled.reason, view.stalled.message), view.stalled]
    for wrong in decided:
        if wrong.status == "False" and wrong.reason not in HARMLESS:
            return [false("Ready", wrong.reason, wrong.message), true("Stalled", wrong.reason, wrong.message)]
    ready = true("Ready", Reason.READY, _in_force(view))
    if view.switching:
        message = "the former wall is kept until the new one has stood for a while"
        return [ready, true("Reconciling", Reason.SWITCHING_BACKEND, message)]
    return [ready]


def _in_force(view: View) -> str:
    number = _namespaces(len(view.governed))
    if not view.subject.enforced:
        return f"Audit: {number} told about, nothing blocked"
    return f"Enforce: {number} walled by {view.choice.backend.name}"


def _wall_stands(view: View) -> Condition:
    type_ = "WallStands"
    if not view.subject.enforced:
        return false(type_, Reason.AUDIT_ONLY, "mode is Audit: no packet is blocked; set mode to Enforce for a wall")
    refused = next(iter(view.observed.refusals), None)
    if refused:
        return false(type_, Reason(refused.reason), refused.message)
    if view.damaged:
        # What was just applied is read back: something overrules it.
        return false(
            type_,
            Reason.WALL_DAMAGED,
            f"{view.damaged.ref} is not as it has to be ({view.damaged.because}): find out who changes it after "
            "Bolwerk",
        )
    message = f"{view.choice.backend.name} holds {_namespaces(len(view.governed))}"
    return true(type_, Reason.ENFORCED, message)


def _not_reopened(view: View) -> Condition:
    if view.reopened:
        return false("NotReopened", Reason.REOPENED, _told(view.reopened))
    return true("NotReopened", Reason.NOTHING_OPENS, "no rule of others lets governed pods out past the wall")


def _undisputed(view: View) -> Condition:
    if view.overlaps:
        return false("Undisputed", Reason.OVERLAPPING_POLICY, _told(view.overlaps))
    return true("Undisputed", Reason.NO_OVERLAP, "no other policy selects the same namespaces")


def _catalogue_current(view: View, now: datetime) -> Condition:
    type_ = "CatalogueCurrent"
    objection = view.names.objection
    if objection and objection.reason == Reason.OVERLAY_REFUSED:
        return false(type_, Reason.OVERLAY_REFUSED, objection.message)
    days = age_days(view.names.catalogue, now)
    said = f"catalogue {view.names.catalogue.version} is {days} days old"
    if sentence := stale(view.names.catalogue, now):
        return false(type_, Reason.CATALOGUE_STALE, sentence)
    return true(type_, Reason.CATALOGUE_CURRENT, said)


def _references_clean(view: View) -> Condition:
    type_ = "ReferencesClean"
    found = view.observed.references
    if found is None:
        # After a restart, until the first look, what the last one came to still holds.
        known = condition_of(view.observed.policy.get("status") or {}, type_)
        if known:
            return Condition(type_, known["status"], Reason(known["reason"]), known["message"])
        return unknown(type_, Reason.NOT_SCANNED_YET, "what governed pods refer to has not been looked at yet")
    if found.findings:
        first = [each.message for each in found.findings[:NAMED]]
        return false(type_, Reason.ENDPOINT_FOUND, _joined(first, len(found.findings) + found.more))
    looked_at = "no ConfigMap or Secret that governed pods refer to leads to an external AI endpoint"
    beside = ", of those that were looked at (status.references.notLookedAt)" if found.not_looked_at else ""
    return true(type_, Reason.NOTHING_FOUND, f"{looked_at}{beside}")


def _proven(view: View) -> Condition:
    type_ = "Proven"
    if not view.subject.enforced:
        return unknown(type_, Reason.NOT_PROVEN, "nothing is blocked, so that there is nothing to measure")
    decided = view.measured.condition(type_)
    if decided:
        return decided
    held = f"{view.choice.backend.name} was told to block"
    if not view.subject.spec.proof.canaries:
        return unknown(
            type_,
            Reason.NOT_PROVEN,
            f"{held}; what gets through is measured once spec.proof.canaries names a host outside that answers",
        )
    return unknown(type_, Reason.NOT_PROVEN, f"{held}; no probe has measured yet what gets through")


def _told(findings: Sequence[Finding]) -> str:
    return _joined([each.sentence for each in findings[:NAMED]], len(findings))


def _joined(sentences: Sequence[str], total: int) -> str:
    more = total - len(sentences)
    return " ".join([*sentences, f"{more} more in status.findings."] if more else sentences)


def _namespaces(number: int) -> str:
    return "1 namespace" if number == 1 else f"{number} namespaces"
