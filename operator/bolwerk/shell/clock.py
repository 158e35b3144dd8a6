"""How far this machine's clock is off the API server's: exceptions open and close by this one, people read the other.

Learnt from the Date of every answer, without a request of its own. Nothing is corrected by it: it is told, for a clock
that is off has to be set. Used by `run`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import aiohttp

from bolwerk.shell.metrics import Metrics

__all__ = ["Clock", "certain_skew"]

logger = logging.getLogger(__name__)

WORTH_TELLING = timedelta(seconds=1)
TELL_AGAIN = timedelta(minutes=10)
SECOND = timedelta(seconds=1)


def certain_skew(date: datetime, *, asked: datetime, answered: datetime) -> timedelta:
    """Return by how much the local clock is ahead of the server's at least, negative if it is behind.

    Nothing where there need not be any: the server tells whole seconds, and an answer takes its time.

    Parameters
    ----------
    date
        What the server says, cut off to the second.
    asked, answered
        The local time before the request and after the answer.
    """
    ahead, behind = asked - (date + SECOND), answered - date
    if ahead > timedelta():
        return ahead
    return min(behind, timedelta())


class Clock:
    """Compares the clocks with every answer.

    Parameters
    ----------
    now
        The wall clock.
    """

    def __init__(self, metrics: Metrics, *, now: Callable[[], datetime]) -> None:
        self._metrics = metrics
        self._now = now
        self._told_at = datetime.min.replace(tzinfo=UTC)

    def trace(self) -> aiohttp.TraceConfig:
        """Make the trace that compares."""
        trace = aiohttp.TraceConfig()

        async def started(
            _: aiohttp.ClientSession, context: SimpleNamespace, __: aiohttp.TraceRequestStartParams
        ) -> None:
            context.asked = self._now()

        async def ended(
            _: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
        ) -> None:
            self.compare(params.response.headers.get("Date", ""), asked=context.asked)

        trace.on_request_start.append(started)
        trace.on_request_end.append(ended)
        return trace

    def compare(self, date: str, *, asked: datetime) -> None:
        """Take note of what the API server says what time it is."""
        answered = self._now()
        try:
            server = parsedate_to_datetime(date)
        except ValueError:
            return  # a proxy that leaves it out
        if server.tzinfo is None:
            return
        skew = certain_skew(server, asked=asked, answered=answered)
        self._metrics.skew.set(skew.total_seconds())
        if abs(skew) >= WORTH_TELLING and abs(answered - self._told_at) >= TELL_AGAIN:
            self._told_at = answered
            logger.warning(
                "this machine's clock is off the API server's, and exceptions open and close by this one: set it",
                extra={"ahead": f"{skew.total_seconds():+.1f}s"},
            )
