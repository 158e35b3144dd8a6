"""Outcomes as people read them, and as machines do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bolwerk.core.conditions import condition_of
from bolwerk.core.kinds import Kind, Ref
from bolwerk.core.model.reconcile import EXACT as EXACT_OF_MODELS
from bolwerk.core.policy.reconcile import EXACT as EXACT_OF_POLICIES
from bolwerk.preview.difference import unified
from bolwerk.preview.rehearsal import Change, Outcome

__all__ = ["as_json", "as_text", "differs"]

EXACT: Mapping[Kind, tuple[str, ...]] = {**EXACT_OF_POLICIES, **EXACT_OF_MODELS}
SIGNS = {"create": "+", "change": "~", "delete": "-"}


def differs(outcomes: Sequence[Outcome]) -> bool:
    """Whether anything would be written to an object that Bolwerk makes; its own statuses aside."""
    return any(outcome.changes for outcome in outcomes)


def as_text(outcomes: Sequence[Outcome]) -> str:
    """Return what would be done, object by object, and a line that sums it up."""
    lines = [line for outcome in outcomes if _is_news(outcome) for line in _told(outcome)]
    return "\n".join([*lines, _summary(outcomes)])


def as_json(outcomes: Sequence[Outcome]) -> str:
    """Return the same for machines."""
    objects = [
        {
            **_address(outcome.ref),
            "changes": [_change(change) for change in outcome.changes],
            "status": outcome.status,
        }
        for outcome in outcomes
        if _is_news(outcome)
    ]
    count = _count(outcomes)
    summary = {"lookedAt": len(outcomes), **{action: count[action] for action in SIGNS}}
    return json.dumps({"objects": objects, "summary": summary}, indent=2, default=str)


def _is_news(outcome: Outcome) -> bool:
    return bool(outcome.changes) or _ready(outcome.status)[:2] != _ready(outcome.before)[:2]


def _told(outcome: Outcome) -> Iterator[str]:
    yield str(outcome.ref)
    for change in outcome.changes:
        action = _action(change)
        because = "" if action == "create" else f": {change.because}"
        later = f", {change.after:.0f} s later" if change.after else ""
        yield f"  {SIGNS[action]} {action} {change.ref}{because}{later}"
        if action == "change":
            difference = unified(change.live, change.desired, exact=EXACT.get(change.ref.kind, ()))
            yield from (f"      {line}" for line in difference.splitlines())
    status, reason, message = _ready(outcome.status)
    yield f"  then Ready is {status} ({reason}): {message}"
    for finding in outcome.status.get("findings", ()):
        yield f"    found: {finding['message']}"
    known = outcome.before.get("limits", ())
    for limit in outcome.status.get("limits", ()):
        if limit not in known:
            yield f"    limit: {limit}"
    yield ""


def _summary(outcomes: Sequence[Outcome]) -> str:
    looked_at = Counter(outcome.ref.kind.name for outcome in outcomes)
    many = {"LocalModel": "LocalModels", "SovereigntyPolicy": "SovereigntyPolicies"}
    told = " and ".join(f"{number} {name if number == 1 else many[name]}" for name, number in sorted(looked_at.items()))
    if not differs(outcomes):
        other = " but another status" if any(map(_is_news, outcomes)) else ""
        return f"No difference{other}: {told or 'nothing'} looked at, nothing to write."
    count = _count(outcomes)
    return (
        f"{count['create']} to create, {count['change']} to change, {count['delete']} to delete, for {told}. "
        "Nothing has been written."
    )


def _count(outcomes: Sequence[Outcome]) -> Counter[str]:
    return Counter(_action(change) for outcome in outcomes for change in outcome.changes)


def _action(change: Change) -> str:
    if change.desired is None:
        return "delete"
    return "create" if change.live is None else "change"


def _change(change: Change) -> dict[str, Any]:
    return {
        "action": _action(change),
        **_address(change.ref),
        "because": change.because,
        "afterSeconds": change.after,
        "desired": change.desired,
        "diff": unified(change.live, change.desired, exact=EXACT.get(change.ref.kind, ())),
    }


def _address(ref: Ref) -> dict[str, str]:
    return {
        "apiVersion": ref.kind.api_version,
        "kind": ref.kind.name,
        **({"namespace": ref.namespace} if ref.namespace else {}),
        "name": ref.name,
    }


def _ready(status: Mapping[str, Any]) -> tuple[str, str, str]:
    ready = condition_of(status, "Ready")
    if not ready:
        return "Unknown", "NotDecidedYet", "it has not been decided about"
    return ready["status"], ready["reason"], ready["message"]
