"""Conditions: what a decision says of one aspect, and how it is written down without needless change.

Ready is always there. Reconciling and Stalled are there only while they are true, as kstatus (and through it Flux,
Argo CD and `helm --wait`) expects; every other condition is good when true.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from bolwerk.core.reasons import Reason

__all__ = ["Condition", "condition_of", "false", "true", "unknown", "written"]

MESSAGE_LENGTH = 1024
"""Characters; more of an error message helps nobody in `kubectl get`, and every change is a write."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One aspect, decided."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: Reason
    message: str


def true(type_: str, reason: Reason, message: str) -> Condition:
    """Return the condition that this aspect is well."""
    return Condition(type_, "True", reason, message)


def false(type_: str, reason: Reason, message: str) -> Condition:
    """Return the condition that it is not."""
    return Condition(type_, "False", reason, message)


def unknown(type_: str, reason: Reason, message: str) -> Condition:
    """Return the condition that it cannot be told yet."""
    return Condition(type_, "Unknown", reason, message)


def condition_of(status: Mapping[str, Any], type_: str) -> Mapping[str, Any]:
    """Return a condition as it stands in a status, empty where there is none of this type."""
    return next((each for each in status.get("conditions") or () if each.get("type") == type_), {})


def written(
    conditions: Iterable[Condition], *, before: Iterable[Mapping[str, Any]], generation: int, now: datetime
) -> list[dict[str, Any]]:
    """Return the conditions as they stand in a status.

    The transition time moves only with the status, so that an unchanged world is an unchanged object.

    Parameters
    ----------
    before
        The conditions of the live status.
    generation
        The generation that the conditions are about.
    now
        Aware; written in whole seconds of UTC.
    """
    earlier = {condition.get("type"): condition for condition in before}
    return [_written(condition, earlier.get(condition.type, {}), generation, now) for condition in conditions]


def _written(condition: Condition, earlier: Mapping[str, Any], generation: int, now: datetime) -> dict[str, Any]:
    since = earlier.get("lastTransitionTime") if earlier.get("status") == condition.status else None
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": str(condition.reason),
        "message": shortened(condition.message),
        "observedGeneration": generation,
        "lastTransitionTime": since or now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def shortened(message: str, length: int = MESSAGE_LENGTH) -> str:
    """Return one line of at most so many characters."""
    line = " ".join(message.split())
    return line if len(line) <= length else line[: length - 1] + "…"
