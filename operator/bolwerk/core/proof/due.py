"""Whether a node has to be measured now, why, and if not, when."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from bolwerk.core.proof.asked import interval
from bolwerk.core.proof.observed import Observed
from bolwerk.core.proof.standing import finished_at

__all__ = ["Due", "Trigger", "due", "place"]

Trigger: TypeAlias = Literal["Onboarding", "Change", "Interval"]

SETTLING = timedelta(seconds=30)
"""After a change: an object that was applied is not yet one that every node enforces, and changes come in droves."""

AGAIN = tuple(timedelta(minutes=minutes) for minutes in (5, 10, 20, 40, 60))
"""After each run in a row that did not come to Proven: what was wrong may have been mended where nobody sees it."""

JITTER = 0.1


@dataclass(frozen=True, slots=True)
class Due:
    """When the next run begins, and why."""

    at: datetime
    trigger: Trigger


def due(observed: Observed, inputs: str, now: datetime) -> Due:
    """Decide when the next run begins; in the past or now means now."""
    proofs = sorted(observed.proofs, key=finished_at)
    settled = observed.changed + SETTLING if observed.changed else now
    if not proofs:
        return Due(settled, "Onboarding")
    newest = proofs[-1]["spec"]
    if newest["provenance"]["inputs"] != inputs:
        return Due(settled, "Change")
    # A clock that was set back must not put off the next run for years.
    ended = min(finished_at(proofs[-1]), now)
    if failed := _in_a_row(proofs, inputs):
        return Due(ended + AGAIN[min(failed, len(AGAIN)) - 1], newest["trigger"])
    return Due(ended + _interval(observed), "Interval")


def _in_a_row(proofs: Iterable[Mapping[str, Any]], inputs: str) -> int:
    """Count the last runs of this same world that did not come to Proven."""
    count = 0
    for proof in proofs:
        is_same = proof["spec"]["provenance"]["inputs"] == inputs
        count = count + 1 if is_same and proof["spec"]["verdict"] != "Proven" else 0
    return count


def _interval(observed: Observed) -> timedelta:
    """Return the strictest interval, a little more or less by node, so that not all are measured at once."""
    return interval(observed.policies) * (1 - JITTER + 2 * JITTER * place(observed.name))


def place(node: str) -> float:
    """Return where a node stands in time among all others: from 0 to less than 1, always the same."""
    return int.from_bytes(hashlib.sha256(node.encode()).digest()[:4]) / 2**32
