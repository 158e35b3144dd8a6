"""The only reader of an exception's dates: renderers, reports, commands and safety nets all ask here.

Whoever has more than one clock (`clocks`) hands over what each says.

A second reader would sooner or later read them otherwise, and honour what has expired. A test fails when one appears.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

__all__ = ["has_begun", "has_ended", "is_active", "lasts", "term", "until_next_change"]

FROM, UNTIL = "validFrom", "validUntil"


def is_active(exception: Mapping[str, Any], now: datetime, *clocks: datetime) -> bool:
    """Whether an exception, as the API server has it, is in its term: from validFrom until just before validUntil.

    By every clock that is given: in doubt the wall stays up. It says nothing of approvals. One that is being deleted
    is over, and one whose dates mean nothing never begins.
    """
    return all(has_begun(exception, each) and not has_ended(exception, each) for each in (now, *clocks))


def has_begun(exception: Mapping[str, Any], now: datetime) -> bool:
    """Whether its first moment has come."""
    begin = _instant(exception, FROM)
    return begin is not None and begin <= now


def has_ended(exception: Mapping[str, Any], now: datetime) -> bool:
    """Whether it is over, be it by its date or because it is being deleted."""
    end = _instant(exception, UNTIL)
    return end is None or end <= now or bool(exception["metadata"].get("deletionTimestamp"))


def lasts(exception: Mapping[str, Any]) -> timedelta:
    """Return how long its term is; nothing where the dates mean nothing."""
    begin, end = _instant(exception, FROM), _instant(exception, UNTIL)
    return end - begin if begin is not None and end is not None else timedelta()


def until_next_change(exceptions: Iterable[Mapping[str, Any]], *now: datetime) -> float | None:
    """Return the seconds until one of the exceptions begins or ends by one of the clocks, or None if none ever will."""
    instants = [_instant(exception, field) for exception in exceptions for field in (FROM, UNTIL)]
    left = ((instant - each).total_seconds() for instant in instants if instant is not None for each in now)
    return min((seconds for seconds in left if seconds > 0), default=None)


def term(exception: Mapping[str, Any]) -> tuple[str, str]:
    """Return both dates as they were written, for people."""
    spec = exception.get("spec") or {}
    return str(spec.get(FROM, "")), str(spec.get(UNTIL, ""))


def _instant(exception: Mapping[str, Any], field: str) -> datetime | None:
    """Return an instant, or None for what is none: then nothing is ever opened."""
    text = (exception.get("spec") or {}).get(field)
    if not isinstance(text, str):
        return None
    try:
        instant = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else None
