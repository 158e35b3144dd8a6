"""The keyed work queue: which objects have to be looked at, each at most once at a time.

The contract is controller-runtime's: a key that is added while it waits is one piece of work; a key that is added
while it is worked on is worked on once more afterwards; a key that failed comes back after an exponential
back-off. Fed by watch, sweep and the workers themselves; drained by the workers. Delays are the event loop's time.
Alarms are the wall clock's: what is valid until noon ends at noon, also when the clock was set or the machine slept.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["WorkQueue"]

K = TypeVar("K", bound=Hashable)

FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 300.0
# No timer tells when the clock is set, so while there are alarms it is looked at so often.
LOOK_SECONDS = 1.0


class WorkQueue(Generic[K]):
    """Keys to work on.

    Parameters
    ----------
    jitter
        A number in [0, 1) for every back-off, which it stretches by up to a fifth.
    wall
        The wall clock, in seconds since the epoch.
    """

    def __init__(self, *, jitter: Callable[[], float] = random.random, wall: Callable[[], float] = time.time) -> None:
        self._jitter = jitter
        self._wall = wall
        # Insertion order is the order of work; the value is the loop's time at which the key was added.
        self._waiting: dict[K, float] = {}
        self._processing: dict[K, bool] = {}  # True: to be worked on once more
        self._failures: dict[K, int] = {}
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._alarms: dict[K, float] = {}
        self._rung: set[K] = set()
        self._look: asyncio.TimerHandle | None = None
        self._getters: list[asyncio.Future[None]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def oldest_age(self) -> float:
        """Seconds for which the first key has been waiting, 0 when none is."""
        if not self._waiting:
            return 0.0
        return asyncio.get_running_loop().time() - next(iter(self._waiting.values()))

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is worked on (timers may still be set)."""
        return not self._waiting and not self._processing

    def add(self, key: K) -> None:
        """Have a key worked on as soon as possible."""
        if key in self._processing:
            self._processing[key] = True
        elif key not in self._waiting:
            self._waiting[key] = asyncio.get_running_loop().time()
            self._wake_one()

    def add_after(self, key: K, seconds: float) -> None:
        """Have a key worked on after so many seconds; replaces an earlier appointment of the same key."""
        self._cancel_timer(key)
        self._timers[key] = asyncio.get_running_loop().call_later(seconds, self._due, key)

    def add_at(self, key: K, instant: float | None) -> None:
        """Have a key worked on when the wall clock says so; replaces its earlier alarm, and None only cancels that."""
        if instant is None:
            self._alarms.pop(key, None)
            return
        self._alarms[key] = instant
        self._look_in(instant - self._wall())

    def has_rung(self, key: K) -> bool:
        """Whether the alarm of a key rang while it is being worked on: what it is worked on by is outdated."""
        return key in self._rung

    def retry(self, key: K) -> float:
        """Have a key that failed worked on again after its back-off, and return that in seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        seconds = min(FIRST_BACKOFF_SECONDS * 2.0 ** min(failures, 16), LONGEST_BACKOFF_SECONDS)
        seconds *= 1 + self._jitter() / 5
        self.add_after(key, seconds)
        return seconds

    def forget(self, key: K) -> None:
        """Take note that a key is well: no failures, no appointment. Its alarm stays."""
        self._failures.pop(key, None)
        self._cancel_timer(key)

    async def get(self) -> K:
        """Wait for the next key; to be answered with `done`."""
        while not self._waiting:
            getter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._getters.append(getter)
            try:
                await getter
            except asyncio.CancelledError:
                if getter.done() and not getter.cancelled():
                    self._wake_one()  # it was this getter's turn: pass it on
                raise
            finally:
                if getter in self._getters:
                    self._getters.remove(getter)
        key = next(iter(self._waiting))
        del self._waiting[key]
        self._processing[key] = False
        return key

    def done(self, key: K) -> None:
        """Say that the work on a key has ended, well or not."""
        self._rung.discard(key)
        if self._processing.pop(key):
            self.add(key)

    def _due(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def _look_at_clock(self) -> None:
        self._look = None
        now = self._wall()
        for key in [key for key, instant in self._alarms.items() if instant <= now]:
            del self._alarms[key]
            if key in self._processing:
                self._rung.add(key)
            self.add(key)
        if self._alarms:
            self._look_in(min(self._alarms.values()) - now)

    def _look_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        when = loop.time() + min(max(seconds, 0.0), LOOK_SECONDS)
        if self._look is not None:
            if self._look.when() <= when:
                return
            self._look.cancel()
        self._look = loop.call_at(when, self._look_at_clock)

    def _cancel_timer(self, key: K) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    def _wake_one(self) -> None:
        while self._getters:
            getter = self._getters.pop(0)
            if not getter.done():
                getter.set_result(None)
                return
