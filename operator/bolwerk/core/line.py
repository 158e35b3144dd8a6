"""One line of a log, as everything that reads logs gets it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Line"]


@dataclass(frozen=True, slots=True)
class Line:
    """A line, and where it stands.

    Attributes
    ----------
    fault
        Why its text is not all that stands there, or empty.
    """

    where: str
    text: str
    fault: str = ""
