"""What `verify` finds: the verdict on a trail."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bolwerk.core.audit.entry import Entry, Head

__all__ = ["Broken", "Fault", "Resumption", "Verdict"]


class Fault(StrEnum):
    """What is wrong with the first broken line."""

    UNREADABLE = "unreadable"
    CHANGED = "changed"
    REMOVED = "removed"
    REORDERED = "reordered"
    REPEATED = "repeated"
    FORKED = "forked"
    RESTARTED = "restarted"
    TRUNCATED = "truncated"


@dataclass(frozen=True, slots=True)
class Broken:
    """The first line that does not fit, and what is wrong."""

    where: str
    fault: Fault
    sentence: str


@dataclass(frozen=True, slots=True)
class Resumption:
    """A place where another process went on, and how many lines before it the stored head did not know of."""

    where: str
    sequence: int
    origin: str
    unanchored: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a trail.

    Attributes
    ----------
    entries
        How many were found good before anything broken.
    first, head
        The first of them, and the last; None when there is none.
    resumed
        How often another process went on; `resumptions` lists the first ones.
    unanchored
        How many lines no stored head ever vouched for.
    """

    entries: int
    first: Entry | None
    head: Head | None
    resumed: int
    unanchored: int
    resumptions: tuple[Resumption, ...]
    broken: Broken | None

    @property
    def ok(self) -> bool:
        """Whether nothing is broken."""
        return self.broken is None
