"""What an audit trail says: whether it is whole, and what was decided about exceptions."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bolwerk.core.audit.entry import Entry, UnreadableError
from bolwerk.core.audit.verdict import Verdict
from bolwerk.core.audit.verify import verify
from bolwerk.core.line import Line
from bolwerk.core.report.facts import Trail, TrailEntry

__all__ = ["trail"]

MOST = 500
ABOUT_EXCEPTIONS = "Exception"


def trail(log: str, logs: Sequence[Iterable[Line]], *, since: datetime | None) -> Trail:
    """Read a trail once, along its chain and for what it tells.

    Parameters
    ----------
    log
        What people call it.
    logs
        Its parts, of several processes or rotated; which comes first is found by the chain.
    since
        Counts and decisions leave out what is older; the chain is walked from its beginning.
    """
    told = _Told(since)
    overheard = [told.overhear(each) for each in logs]
    verdict = verify(overheard)
    for rest in overheard:
        deque(rest, maxlen=0)  # beyond where it is broken
    decisions = sum(number for action, number in told.counts.items() if action.startswith(ABOUT_EXCEPTIONS))
    return Trail(
        log=log,
        whole=verdict.ok and verdict.entries > 0,
        verdict=_sentence(verdict),
        entries=verdict.entries,
        first_at=told.first,
        last_at=told.last,
        head=verdict.head.hash if verdict.head else "",
        resumed=verdict.resumed,
        unanchored=verdict.unanchored,
        counts=tuple(sorted(told.counts.items())),
        decisions=tuple(decision for _, _, decision in sorted(told.decisions, key=lambda each: each[:2])),
        more=decisions - len(told.decisions),
    )


@dataclass(slots=True)
class _Told:
    """What was told so far; of decisions the latest ones, whatever the order in which the logs are read."""

    since: datetime | None
    counts: Counter[str] = field(default_factory=Counter)
    decisions: list[tuple[str, int, TrailEntry]] = field(default_factory=list)
    first: str = ""
    last: str = ""
    _read: int = 0

    def overhear(self, lines: Iterable[Line]) -> Iterator[Line]:
        """Pass lines on and note what they tell."""
        for line in lines:
            try:
                entry = Entry.parse(line.text)
            except UnreadableError:
                entry = None  # the verdict tells where
            if entry is not None:
                self._note(entry)
            yield line

    def _note(self, entry: Entry) -> None:
        self.first = min(self.first or entry.timestamp, entry.timestamp)
        self.last = max(self.last, entry.timestamp)
        if not _is_younger(entry, self.since):
            return
        self.counts[entry.action] += 1
        if entry.action.startswith(ABOUT_EXCEPTIONS):
            self._read += 1
            keep = heapq.heappush if len(self.decisions) < MOST else heapq.heappushpop
            keep(self.decisions, (entry.timestamp, self._read, _decision(entry)))


def _decision(entry: Entry) -> TrailEntry:
    return TrailEntry(
        at=entry.timestamp,
        action=entry.action,
        object=entry.object,
        result=entry.result,
        actor=entry.actor,
        uid=str(entry.detail.get("uid") or ""),
        reason=str(entry.detail.get("reason") or ""),
    )


def _is_younger(entry: Entry, since: datetime | None) -> bool:
    if since is None:
        return True
    try:
        return datetime.fromisoformat(entry.timestamp) >= since
    except (ValueError, TypeError):
        return True  # what cannot be dated is not left out


def _sentence(verdict: Verdict) -> str:
    if verdict.broken:
        return f"broken at {verdict.broken.where} ({verdict.broken.fault}): {verdict.broken.sentence}"
    if not verdict.entries:
        return "there is no line of an audit trail in it"
    return (
        "whole: every entry follows the one before; only its last hash, kept elsewhere, shows whether it is all of it"
    )
