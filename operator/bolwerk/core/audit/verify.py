"""Whether an audit trail is whole: in one pass, remembering no more than a bounded number of entries.

Used by `bolwerk audit verify`. The chain has no key: it shows what was changed in a log, and not who could have
written the whole log anew. That is what heads kept elsewhere are for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bolwerk.core.audit.action import Action
from bolwerk.core.audit.entry import Entry, UnreadableError
from bolwerk.core.audit.verdict import Broken, Fault, Verdict
from bolwerk.core.audit.walk import Item, Walk
from bolwerk.core.line import Line

__all__ = ["verify"]

_NO_MORE = (4, 0, "")


def verify(logs: Sequence[Iterable[Line]], *, expected_heads: Iterable[str] = (), after: str | None = None) -> Verdict:
    """Read logs, of several processes or rotated ones too, as the one chain that they are parts of.

    Parameters
    ----------
    logs
        Each in the order in which it was written; which comes first is found by the chain.
    expected_heads
        Hashes that are known from elsewhere: each has to be that of an entry.
    after
        The hash that the first entry has to follow.
    """
    walk = Walk(set(expected_heads), after)
    items = _Merged([_items(log) for log in logs], walk)
    for item in items:
        if (broken := walk.take(item)) is not None:
            return walk.verdict(_named(broken, walk, items))
    return walk.verdict(walk.end())


class _Merged:
    """The entries of several logs in the order of the chain; one of each is held at a time."""

    def __init__(self, logs: Iterable[Iterator[Item]], walk: Walk) -> None:
        self._walk = walk
        self._logs = list(logs)
        self._heads = [next(log, None) for log in self._logs]
        self._at = 0

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        # Mostly the log goes on that went on so far; only where it does not are the others asked.
        if self._heads and self._rank(self._at)[0] > 0:
            self._at = min(range(len(self._heads)), key=self._rank)
        item = self._heads[self._at] if self._heads else None
        if item is None:
            raise StopIteration
        self._heads[self._at] = next(self._logs[self._at], None)
        return item

    def _rank(self, number: int) -> tuple[int, int, str]:
        item = self._heads[number]
        if item is None:
            return _NO_MORE
        if item.entry is None:
            return 3, 0, ""
        return self._fit(item.entry), item.entry.sequence, item.entry.timestamp

    def _fit(self, entry: Entry) -> int:
        """Rank an entry: what the former process still wrote comes before that with which another one went on."""
        follows = self._walk.last is not None and self._walk.follows(entry)
        if follows and entry.action != Action.TRAIL_RESUMED:
            return 0
        if self._walk.strays(entry):
            return 0
        return 1 if follows or self._walk.resumes(entry) else 2


def _items(lines: Iterable[Line]) -> Iterator[Item]:
    for line in lines:
        try:
            entry = Entry.parse(line.text)
        except UnreadableError as error:
            yield Item(line.where, None, str(error))
        else:
            if entry is not None:
                yield Item(line.where, entry)


def _named(broken: Broken, walk: Walk, rest: Iterable[Item]) -> Broken:
    """Tell entries that were moved from entries that were removed: those come later."""
    if broken.fault is not Fault.REMOVED or walk.last is None:
        return broken
    for item in rest:
        if item.entry is not None and walk.follows(item.entry) and item.entry.genuine:
            sentence = f"{broken.sentence} here; entry {item.entry.sequence} stands at {item.where}"
            return Broken(broken.where, Fault.REORDERED, sentence)
    return broken
