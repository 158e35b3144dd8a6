"""Trails to test with, and logs that hold them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from bolwerk.core.audit.action import Action
from bolwerk.core.audit.entry import Entry, Fact, Head, chain
from bolwerk.core.audit.verdict import Verdict
from bolwerk.core.audit.verify import verify
from bolwerk.core.line import Line

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def facts(number: int, *, action: Action = Action.WALL_APPLIED) -> list[Fact]:
    return [Fact(action, f"SovereigntyPolicy p{count}", detail={"count": count}) for count in range(number)]


def write(
    number: int, *, head: Head | None = None, origin: str = "pod-a", minutes: int = 0, first: Action | None = None
) -> list[Entry]:
    """Write as a process does: how it came to write, then its entries."""
    begins = first or (Action.TRAIL_RESUMED if head else Action.TRAIL_STARTED)
    now = NOON + timedelta(minutes=minutes)
    told = [Fact(begins, "Trail"), *facts(number - 1)]
    return list(chain(head or Head(), told, origin=origin, actor="operator", now=now))


def lines(entries: Iterable[Entry], *, log: str = "log") -> list[Line]:
    return [Line(f"{log}:{number}", entry.line) for number, entry in enumerate(entries, 1)]


def judge(*logs: Iterable[Entry | str], expected_heads: Iterable[str] = (), after: str | None = None) -> Verdict:
    """Verify logs, given as entries or as what somebody made of their lines."""
    read = [
        [Line(f"log{which}:{n}", each if isinstance(each, str) else each.line) for n, each in enumerate(log, 1)]
        for which, log in enumerate(logs)
    ]
    return verify(read, expected_heads=expected_heads, after=after)
