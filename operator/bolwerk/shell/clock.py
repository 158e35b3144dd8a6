"""How far this machine's clock is off the API server's: an exception is open only while both say that it is.

Learnt from the Date of every answer, without a request of its own, and carried on by the monotonic clock, so that it is
known at once when this machine's clock is set. Used by `run` and `janitor`; the core decides what a difference means.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import aiohttp

from bolwerk.core.exceptions.clocks import RESOLUTION
from bolwerk.shell.metrics import Metrics

__all__ = ["Clock", "now"]

logger = logging.getLogger(__name__)

TELL_AGAIN_SECONDS = 600.0


def now() -> datetime:
    """Read the wall clock."""
    return datetime.now(UTC)


def _nothing() -> None:
    """Have nobody told."""


class Clock:
    """Compares the clocks with every answer.

    Parameters
    ----------
    now, monotonic
        The wall clock, and the one that nobody sets, in seconds.
    jumped
        Called when the difference has become another one.
    """

    def __init__(
        self,
        metrics: Metrics,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        jumped: Callable[[], None] = _nothing,
    ) -> None:
        self._metrics = metrics
        self._now = now
        self._monotonic = monotonic
        self._jumped = jumped
        # What the API server's clock said when the monotonic one was 0.
        self._epoch: datetime | None = None
        self._known = timedelta()
        self._told_at = float("-inf")

    def skew(self) -> timedelta:
        """Return how far this machine's clock is ahead of the API server's now, negative if it is behind.

        Never more than it is; nothing while nobody knows.
        """
        return self._own_epoch() - self._epoch if self._epoch else timedelta()

    def trace(self) -> aiohttp.TraceConfig:
        """Make the trace that compares."""
        trace = aiohttp.TraceConfig()

        async def started(
            _: aiohttp.ClientSession, context: SimpleNamespace, __: aiohttp.TraceRequestStartParams
        ) -> None:
            context.asked = self._monotonic()

        async def ended(
            _: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
        ) -> None:
            self.compare(params.response.headers.get("Date", ""), asked=context.asked)

        trace.on_request_start.append(started)
        trace.on_request_end.append(ended)
        return trace

    def compare(self, date: str, *, asked: float) -> None:
        """Take note of what the API server says what time it is.

        Parameters
        ----------
        asked
            The monotonic clock before the request.
        """
        answered = self._monotonic()
        try:
            server = parsedate_to_datetime(date)
        except ValueError:
            return  # a proxy that leaves it out
        if server.tzinfo is None:
            return
        # It was cut off to the second, and somewhere between question and answer. What is known already is moved as
        # little as that takes, so many answers come near the truth; where both clocks may agree, they do.
        least = server - timedelta(seconds=answered)
        most = server + RESOLUTION - timedelta(seconds=asked)
        before = self._epoch if self._epoch and abs(self.skew()) >= RESOLUTION else self._own_epoch()
        self._epoch = min(max(before, least), most)
        self._look(answered)

    def _look(self, answered: float) -> None:
        skew = self.skew()
        self._metrics.skew.set(skew.total_seconds())
        if abs(skew) >= RESOLUTION and answered - self._told_at >= TELL_AGAIN_SECONDS:
            self._told_at = answered
            logger.warning(
                "this machine's clock is off the API server's, and an exception is open only while both say so: set it",
                extra={"ahead": f"{skew.total_seconds():+.1f}s"},
            )
        if abs(skew - self._known) >= RESOLUTION:
            self._known = skew
            self._jumped()

    def _own_epoch(self) -> datetime:
        return self._now() - timedelta(seconds=self._monotonic())
