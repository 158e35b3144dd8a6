"""The walk along the chain: which entry may follow, which may resume, and what is wrong with any other.

Remembers a bounded number of entries. Used by `verify`.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from bolwerk.core.audit.action import Action
from bolwerk.core.audit.entry import GENESIS, UNANCHORED, Entry, Head
from bolwerk.core.audit.verdict import Broken, Fault, Resumption, Verdict

__all__ = ["Item", "Walk"]

SHOWN = 100
"""How many resumptions a verdict lists; it counts all."""


@dataclass(frozen=True, slots=True)
class Item:
    """What a line of the trail holds: an entry, or why it is none."""

    where: str
    entry: Entry | None
    why: str = ""


@dataclass(slots=True)
class Walk:
    """Where the walk along the chain stands."""

    wanted: set[str]
    after: str | None
    entries: int = 0
    first: Entry | None = None
    last: Entry | None = None
    # By hash, so that a resumption finds its place; the oldest first.
    recent: OrderedDict[str, int] = field(default_factory=OrderedDict)
    # Where the former process's lines end that no head vouches for: its last ones may reach a log late.
    astray: Head | None = None
    resumed: int = 0
    unanchored: int = 0
    resumptions: list[Resumption] = field(default_factory=list)

    def follows(self, entry: Entry) -> bool:
        """Whether it is the next one."""
        if self.last is None:
            return True
        return (entry.previous, entry.sequence) == (self.last.hash, self.last.sequence + 1)

    def resumes(self, entry: Entry) -> bool:
        """Whether it says that it goes on from a stored head, and that is a recent entry."""
        return entry.action == Action.TRAIL_RESUMED and self.recent.get(entry.previous) == entry.sequence - 1

    def strays(self, entry: Entry) -> bool:
        """Whether the process before the last resumption wrote it, not knowing that another one went on."""
        return (
            self.astray is not None
            and entry.action != Action.TRAIL_RESUMED
            and (entry.previous, entry.sequence) == (self.astray.hash, self.astray.sequence + 1)
        )

    def take(self, item: Item) -> Broken | None:
        """Go one step, or say why that is not possible."""
        entry = item.entry
        if entry is None:
            return Broken(item.where, Fault.UNREADABLE, f"the line is of the audit trail, but {item.why}")
        if not entry.genuine:
            return Broken(item.where, Fault.CHANGED, f"entry {entry.sequence} does not have the hash of its content")
        if self.last is None:
            if (broken := self._begin(item.where, entry)) is not None:
                return broken
        elif self.follows(entry):
            pass
        elif self.resumes(entry):
            self._step_back(entry)
        elif self.strays(entry):
            self.astray = entry.head
            self.unanchored += 1
            self.entries += 1
            return None
        else:
            return self._misfit(item.where, entry, self.last)
        if entry.action == Action.TRAIL_RESUMED:
            self._note(item.where, entry)
        self._keep(entry)
        return None

    def end(self) -> Broken | None:
        """Say what is missing at the end."""
        if not self.wanted:
            return None
        at = f"entry {self.last.sequence} is the last one" if self.last else "there is no entry"
        heads = ", ".join(sorted(self.wanted))
        return Broken("the end", Fault.TRUNCATED, f"{at}, and none has the known hash {heads}: lines are missing")

    def verdict(self, broken: Broken | None) -> Verdict:
        """Sum up."""
        return Verdict(
            entries=self.entries,
            first=self.first,
            head=self.last.head if self.last else None,
            resumed=self.resumed,
            unanchored=self.unanchored,
            resumptions=tuple(self.resumptions),
            broken=broken,
        )

    def _begin(self, where: str, entry: Entry) -> Broken | None:
        if self.after is not None and entry.previous != self.after:
            sentence = f"entry {entry.sequence} follows {entry.previous} and not {self.after}: lines are missing"
            return Broken(where, Fault.REMOVED, sentence)
        if (entry.sequence == 1) != (entry.previous == GENESIS):
            return Broken(where, Fault.CHANGED, f"entry {entry.sequence} is no beginning of a chain, but claims to be")
        self.first = entry
        self.wanted.discard(entry.previous)
        self.recent[entry.previous] = entry.sequence - 1
        return None

    def _misfit(self, where: str, entry: Entry, last: Entry) -> Broken:
        after = f"entry {last.sequence}"
        if entry.action == Action.TRAIL_STARTED:
            sentence = (
                f"after {after} another chain begins: the stored head was deleted, or this log is of several "
                "installations; verify each chain by itself"
            )
            return Broken(where, Fault.RESTARTED, sentence)
        if entry.hash in self.recent:
            return Broken(where, Fault.REPEATED, f"entry {entry.sequence} stands here once more, after {after}")
        if entry.sequence > last.sequence + 1:
            missing = entry.sequence - last.sequence - 1
            return Broken(where, Fault.REMOVED, f"entry {entry.sequence} comes after {after}: {missing} missing")
        sentence = f"entry {entry.sequence} does not follow {after}: two chains, and nothing says that one was resumed"
        return Broken(where, Fault.FORKED, sentence)

    def _step_back(self, entry: Entry) -> None:
        while next(reversed(self.recent)) != entry.previous:
            self.recent.popitem()
            self.unanchored += 1

    def _note(self, where: str, entry: Entry) -> None:
        beyond = self.last.sequence + 1 - entry.sequence if self.last else 0
        self.astray = self.last.head if self.last else None
        self.resumed += 1
        if len(self.resumptions) < SHOWN:
            self.resumptions.append(Resumption(where, entry.sequence, entry.origin, beyond))

    def _keep(self, entry: Entry) -> None:
        self.entries += 1
        self.last = entry
        self.wanted.discard(entry.hash)
        self.recent[entry.hash] = entry.sequence
        if len(self.recent) > UNANCHORED + 1:
            self.recent.popitem(last=False)
