"""How often one LocalModel's children may be written: healed at once, but never in a race with another writer.

Two controllers that undo each other's changes would else do so hundreds of times a second. Used by the controller.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Pace"]

K = TypeVar("K", bound=Hashable)

BURST = 10
# A wall that somebody keeps opening is still closed within a second, each time.
PERIOD_SECONDS = 1.0


class Pace(Generic[K]):
    """A token bucket for each key, kept as one number: the instant at which its bucket is full again."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._full_at: dict[K, float] = {}

    def take(self, key: K) -> float:
        """Take a token and return 0, or take none and return the seconds until there is one."""
        now = self._clock()
        full_at = max(self._full_at.get(key, now), now) + PERIOD_SECONDS
        wait = full_at - now - BURST * PERIOD_SECONDS
        if wait > 0:
            return wait
        self._full_at[key] = full_at
        return 0.0

    def forget(self, key: K) -> None:
        """Forget a key that is gone."""
        self._full_at.pop(key, None)
