"""What an audit trail says: whether it is whole, and what was decided about exceptions."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from datetime import datetime

from bolwerk.core.audit.entry import Entry, UnreadableError
from bolwerk.core.audit.verdict import Verdict
from bolwerk.core.audit.verify import Line, verify
from bolwerk.core.report.facts import Trail, TrailEntry

__all__ = ["trail"]

MOST = 500
ABOUT_EXCEPTIONS = "Exception"


def trail(log: str, lines: Callable[[], Iterable[Line]], *, since: datetime | None) -> Trail:
    """Read a trail twice: once along its chain, once for what it tells.

    Parameters
    ----------
    log
        What people call it.
    lines
        Begins anew at each call.
    since
        Counts and decisions leave out what is older; the chain is walked from its beginning.
    """
    verdict = verify([lines()])
    counts: Counter[str] = Counter()
    decisions: deque[TrailEntry] = deque(maxlen=MOST)
    first = last = ""
    for entry in _entries(lines()):
        first, last = first or entry.timestamp, entry.timestamp
        if not _is_younger(entry, since):
            continue
        counts[entry.action] += 1
        if entry.action.startswith(ABOUT_EXCEPTIONS):
            decisions.append(_decision(entry))
    told = sum(number for action, number in counts.items() if action.startswith(ABOUT_EXCEPTIONS))
    return Trail(
        log=log,
        whole=verdict.ok and verdict.entries > 0,
        verdict=_sentence(verdict),
        entries=verdict.entries,
        first_at=first,
        last_at=last,
        head=verdict.head.hash if verdict.head else "",
        resumed=verdict.resumed,
        unanchored=verdict.unanchored,
        counts=tuple(sorted(counts.items())),
        decisions=tuple(decisions),
        more=told - len(decisions),
    )


def _entries(lines: Iterable[Line]) -> Iterable[Entry]:
    for line in lines:
        try:
            entry = Entry.parse(line.text)
        except UnreadableError:
            continue  # the verdict tells where
        if entry is not None:
            yield entry


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
