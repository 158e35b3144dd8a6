"""Admission's part in exceptions: what it lets through once the wall does, and no longer than the wall does.

Called by the policy's reconciliation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from bolwerk.core.admission.excepted import without_ended
from bolwerk.core.egress.hole import Hole
from bolwerk.core.egress.intent import Wall
from bolwerk.core.kinds import VALIDATING_ADMISSION_POLICY
from bolwerk.core.plan import Apply
from bolwerk.core.policy.observed import Observed

__all__ = ["in_turn", "let_through", "refusing_again"]


def let_through(wall: Wall, opened: Iterable[Mapping[str, Any]]) -> tuple[Hole, ...]:
    """Return the holes that are in the live wall, each as the backend has made it.

    Parameters
    ----------
    opened
        The exceptions of which there is a hole in the live wall, as the status lists them.
    """
    live = {entry["uid"] for entry in opened}
    return tuple(hole for hole in wall.opened if hole.uid in live)


def in_turn(refusing: Iterable[Apply], letting_through: Iterable[Apply]) -> tuple[tuple[Apply, ...], tuple[Apply, ...]]:
    """Return what to apply before the holes are made, and what after: nothing is let through that may yet be refused.

    Parameters
    ----------
    refusing, letting_through
        What it takes so that admission knows only the holes that are in the live wall, and so that it knows all.
    """
    late = tuple(letting_through)
    touched = {each.ref for each in late}
    early = tuple(each for each in refusing if each.ref in touched)
    return early, tuple(each for each in late if each not in early)


def refusing_again(observed: Observed, active: Collection[str]) -> Iterator[Apply]:
    """Yield the live rules of which an exception has ended, for where rules stay as they are otherwise."""
    for live in observed.owned.get(VALIDATING_ADMISSION_POLICY, ()):
        if (refusing := without_ended(live, active)) is not None:
            yield Apply(VALIDATING_ADMISSION_POLICY, refusing, "an exception in it is over")
