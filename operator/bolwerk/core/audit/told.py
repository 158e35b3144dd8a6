"""Which entries a new status is worth: what people asked for, and how things turned.

Called by the shell once the status has been written; compares it with the one before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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

_ENDS: Mapping[str, Action] = {"Refused": Action.EXCEPTION_REFUSED, "Expired": Action.EXCEPTION_EXPIRED}


def told(
    resource: Mapping[str, Any],
    status: Mapping[str, Any],
    answer: Mapping[str, Any],
    *,
    approvers: Sequence[str] = (),
) -> tuple[Fact, ...]:
    """Return the entries for a status that was written.

    Parameters
    ----------
    resource
        The reconciled object as it was decided on, with the status before.
    answer
        The object as the API server has it now, with its managedFields.
    approvers
        Whose approvals of an exception count.
    """
    before = resource.get("status") or {}
    return (
        *_asked(resource, before, status, answer),
        *_phase(resource, before, status, answer, approvers),
        *_opened(resource, before, status),
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
    resource: Mapping[str, Any],
    before: Mapping[str, Any],
    status: Mapping[str, Any],
    answer: Mapping[str, Any],
    approvers: Sequence[str],
) -> Iterator[Fact]:
    was, is_ = str(before.get("phase") or ""), str(status.get("phase") or "")
    if resource["kind"] != EGRESS_EXCEPTION.name or was == is_:
        return
    spec, name = resource.get("spec") or {}, named(resource)
    detail: dict[str, Detail] = {
        **about(resource),
        "phaseBefore": was,
        "reason": str(_by_type(status).get("Ready", {}).get("reason") or ""),
        "approvals": int(status.get("approvals") or 0),
        "approvers": tuple(approvers),
        "fourEyes": str(status.get("fourEyes") or ""),
    }
    if not was:
        requester = (spec.get("requestedBy") or {}).get("username") or UNKNOWN
        asked = {**detail, "specDigest": digest(spec), "managers": _managers(answer)}
        yield Fact(Action.EXCEPTION_REQUESTED, name, "Accepted", actor=requester, detail=asked)
    elif is_ == "Requested":
        result = "ApprovalWithdrawn" if was in ("Approved", "Open") else "Reconsidered"
        yield Fact(Action.EXCEPTION_REQUESTED, name, result, actor=UNKNOWN, detail=detail)
    if is_ in ("Approved", "Open") and was not in ("Approved", "Open"):
        yield Fact(Action.EXCEPTION_APPROVED, name, actor=", ".join(approvers) or UNKNOWN, detail=detail)
    if is_ in _ENDS:
        yield Fact(_ENDS[is_], name, detail=detail)


def _opened(resource: Mapping[str, Any], before: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[Fact]:
    """Yield the exceptions that a policy's wall has a hole for now, or no more: also of those that were deleted."""
    if resource["kind"] != SOVEREIGNTY_POLICY.name:
        return
    was, is_ = ({each["uid"]: each for each in of.get("openExceptions") or ()} for of in (before, status))
    for action, entries in (
        (Action.EXCEPTION_CLOSED, [entry for uid, entry in was.items() if uid not in is_]),
        (Action.EXCEPTION_OPENED, [entry for uid, entry in is_.items() if uid not in was]),
    ):
        for entry in entries:
            name = f"{EGRESS_EXCEPTION.name} {entry.get('namespace') or ''}/{entry.get('name') or ''}"
            detail: dict[str, Detail] = {
                "uid": str(entry["uid"]),
                "policy": str(resource["metadata"]["name"]),
                "policyUid": str(resource["metadata"]["uid"]),
                "backend": str(status.get("backend") or ""),
            }
            partly = action is Action.EXCEPTION_OPENED and entry.get("unopened")
            yield Fact(action, name, "InPart" if partly else "Done", detail=detail)


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
