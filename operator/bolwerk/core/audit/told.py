"""Which entries a new status is worth: what people asked for, and how things turned.

Called by the shell once the status has been written; compares it with the one before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bolwerk.core.audit.action import Action
from bolwerk.core.audit.entry import Detail, Fact, digest
from bolwerk.core.audit.record import about, named
from bolwerk.core.kinds import EGRESS_EXCEPTION, LOCAL_MODEL, SOVEREIGNTY_POLICY

__all__ = ["gone", "told"]

UNKNOWN = "unknown"

_SUBJECTS: Mapping[str, str] = {SOVEREIGNTY_POLICY.name: "Policy", LOCAL_MODEL.name: "Model"}

_WATCHED: Mapping[str, tuple[str, ...]] = {
    SOVEREIGNTY_POLICY.name: (
        "WallStands",
        "NotReopened",
        "Undisputed",
        "CatalogueCurrent",
        "ReferencesClean",
        "Proven",
        "Stalled",
    ),
    LOCAL_MODEL.name: ("Isolated", "Stalled"),
    EGRESS_EXCEPTION.name: ("Stalled",),
}
"""The conditions of which a turn is worth an entry. Pods come and go: that is for Events."""

_GOOD_FROM_THE_START = frozenset({"NotReopened", "Undisputed", "CatalogueCurrent", "ReferencesClean"})
"""Conditions that tell of a finding: that there is none at first is no news."""

_PHASES: Mapping[str, Action] = {
    "Requested": Action.EXCEPTION_REQUESTED,
    "Approved": Action.EXCEPTION_APPROVED,
    "Open": Action.EXCEPTION_OPENED,
    "Refused": Action.EXCEPTION_REFUSED,
    "Expired": Action.EXCEPTION_EXPIRED,
}


def told(resource: Mapping[str, Any], status: Mapping[str, Any], answer: Mapping[str, Any]) -> tuple[Fact, ...]:
    """Return the entries for a status that was written.

    Parameters
    ----------
    resource
        The reconciled object as it was decided on, with the status before.
    answer
        The object as the API server has it now, with its managedFields.
    """
    before = resource.get("status") or {}
    return (
        *_asked(resource, before, status, answer),
        *_phase(resource, before, status, answer),
        *_backend(resource, before, status),
        *_catalogue(resource, before, status),
        *_conditions(resource, before, status),
    )


def gone(kind: str, name: str, uid: str) -> Fact:
    """Return the entry for a reconciled object that is no longer there, or on its way out."""
    subject = "Exception" if kind == EGRESS_EXCEPTION.name else _SUBJECTS[kind]
    return Fact(Action(f"{subject}Deleted"), name, actor=UNKNOWN, detail={"uid": uid})


def _asked(
    resource: Mapping[str, Any], before: Mapping[str, Any], status: Mapping[str, Any], answer: Mapping[str, Any]
) -> Iterator[Fact]:
    subject = _SUBJECTS.get(resource["kind"])
    if subject is None or before.get("observedGeneration") == status.get("observedGeneration"):
        return
    spec = resource.get("spec") or {}
    stalled = _by_type(status).get("Stalled")
    detail: dict[str, Detail] = {
        **about(resource),
        "generationBefore": int(before.get("observedGeneration") or 0),
        "specDigest": digest(spec),
        "managers": _managers(answer),
    }
    if "mode" in spec:
        detail["mode"] = str(spec["mode"])
    verb = "Changed" if before.get("observedGeneration") else "Created"
    result = f"Stalled: {stalled['reason']}" if stalled else "Accepted"
    yield Fact(Action(f"{subject}{verb}"), named(resource), result, actor=UNKNOWN, detail=detail)


def _phase(
    resource: Mapping[str, Any], before: Mapping[str, Any], status: Mapping[str, Any], answer: Mapping[str, Any]
) -> Iterator[Fact]:
    phase = str(status.get("phase") or "")
    if resource["kind"] != EGRESS_EXCEPTION.name or phase not in _PHASES:
        return
    ready = _by_type(status).get("Ready", {})
    detail: dict[str, Detail] = {
        **about(resource),
        "phase": phase,
        "phaseBefore": str(before.get("phase") or ""),
        "reason": str(ready.get("reason") or ""),
        "approvals": int(status.get("approvals") or 0),
        "fourEyes": str(status.get("fourEyes") or ""),
    }
    person = ((resource.get("spec") or {}).get("requestedBy") or {}).get("username")
    if not before.get("phase"):
        asked = {**detail, "specDigest": digest(resource.get("spec") or {}), "managers": _managers(answer)}
        yield Fact(Action.EXCEPTION_REQUESTED, named(resource), "Accepted", actor=person or UNKNOWN, detail=asked)
    if phase != before.get("phase") and phase != "Requested":
        yield Fact(_PHASES[phase], named(resource), detail=detail)
    elif phase == "Requested" and before.get("phase") not in (None, "Requested"):
        yield Fact(Action.EXCEPTION_REQUESTED, named(resource), "ApprovalWithdrawn", detail=detail)


def _backend(resource: Mapping[str, Any], before: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[Fact]:
    former, present = before.get("backend"), status.get("backend")
    if former and present and former != present:
        detail: dict[str, Detail] = {**about(resource), "from": str(former), "to": str(present)}
        yield Fact(Action.BACKEND_SWITCHED, named(resource), detail=detail)


def _catalogue(resource: Mapping[str, Any], before: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[Fact]:
    former, present = before.get("catalogue") or {}, status.get("catalogue") or {}
    if former and present and former["digest"] != present["digest"]:
        detail: dict[str, Detail] = {
            **about(resource),
            **{f"{name}Before": str(former[name]) for name in ("version", "digest")},
            **{name: str(present[name]) for name in ("version", "digest")},
        }
        yield Fact(Action.CATALOGUE_CHANGED, named(resource), actor=UNKNOWN, detail=detail)


def _conditions(resource: Mapping[str, Any], before: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[Fact]:
    earlier, present = _by_type(before), _by_type(status)
    for type_ in _WATCHED.get(resource["kind"], ()):
        was, is_ = earlier.get(type_, {}).get("status", ""), present.get(type_, {}).get("status", "")
        if was == is_ or (not was and (is_ == "Unknown" or (is_ == "True" and type_ in _GOOD_FROM_THE_START))):
            continue
        detail: dict[str, Detail] = {
            **about(resource),
            "condition": type_,
            "before": str(was),
            "reason": str(present.get(type_, {}).get("reason", "")),
        }
        yield Fact(Action.CONDITION_CHANGED, named(resource), f"{type_}={is_ or 'absent'}", detail=detail)


def _by_type(status: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {each["type"]: each for each in status.get("conditions") or ()}


def _managers(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the field managers that wrote the spec, the latest first: names that clients gave themselves."""
    entries: Iterable[Mapping[str, Any]] = answer["metadata"].get("managedFields") or ()
    wrote = [each for each in entries if not each.get("subresource") and "f:spec" in (each.get("fieldsV1") or {})]
    return tuple(
        str(each.get("manager", "")) for each in sorted(wrote, key=lambda each: str(each.get("time", "")))[::-1]
    )
