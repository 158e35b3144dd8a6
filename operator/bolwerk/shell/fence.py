"""The write fence: open only while this replica surely leads.

The elector opens it for a bounded time with every renewal; the client asks it before every write and every
retry of one. It closes by itself when time passes, so a stalled event loop cannot write late.
"""

from __future__ import annotations

from collections.abc import Callable

from bolwerk.shell.errors import FenceClosedError

__all__ = ["Fence"]


class Fence:
    """Lets writes pass until an instant of the monotonic clock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = float("-inf")

    @property
    def remaining(self) -> float:
        """Seconds for which writes may still pass; negative when closed."""
        return self._until - self._clock()

    def open_until(self, instant: float) -> None:
        """Let writes pass until then."""
        self._until = instant

    def close(self) -> None:
        """Let no write pass any more."""
        self._until = float("-inf")

    def check(self) -> None:
        """Let one write pass.

        Raises
        ------
        FenceClosedError
            When this replica does not, or may no longer, lead.
        """
        if self.remaining <= 0:
            raise FenceClosedError("this replica does not lead: the write was not sent")
