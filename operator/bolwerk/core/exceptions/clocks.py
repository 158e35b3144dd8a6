"""What time it is where two clocks say so: the operator's, and the API server's, by which people write dates.

Whether an exception is in its term is asked of both (`validity.is_active`). Called wherever the operator or its safety
net decides; reports and previews have one clock.
"""

from __future__ import annotations

from datetime import datetime, timedelta

__all__ = ["RESOLUTION", "clocks", "difference"]

RESOLUTION = timedelta(seconds=1)
"""The API server tells whole seconds, so less than one is no difference."""


def clocks(own: datetime, skew: timedelta) -> tuple[datetime, ...]:
    """Return what every clock says that counts: one where they agree or nobody knows.

    Parameters
    ----------
    own
        The clock of this machine.
    skew
        How far that is ahead of the API server's at least, negative if it is behind.
    """
    if abs(skew) < RESOLUTION:
        return (own,)
    # Of all that the API server's may say, what is farthest from ours: it may be up to a second more.
    return own, own - skew - (RESOLUTION if skew > timedelta() else -RESOLUTION)


def difference(own: datetime, server: datetime) -> str:
    """Return, for people, what `clocks` found different."""
    seconds = round((abs(own - server) - RESOLUTION).total_seconds())
    return f"the operator's clock is {seconds} s {'ahead of' if own > server else 'behind'} the API server's"
