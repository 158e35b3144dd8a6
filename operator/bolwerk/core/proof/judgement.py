"""The words of a verdict, shared by what judges a run, what writes it down, and what reads it later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

__all__ = ["Judgement", "Standing", "Verdict"]

Verdict = Literal["Proven", "NotEnforced", "Bypass", "OverBlocked", "Inconclusive"]
"""What a run showed, as it is stored."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and why, in a sentence that names the vector, the target and what to do."""

    verdict: Verdict
    message: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How one subject stands on one node now.

    Attributes
    ----------
    verdict
        `Stale` for a Proven that is older than the policy lets it count; `None` where nothing was measured.
    message
        One sentence; it holds no age, so that it does not change by itself.
    at
        When the run ended, or None.
    """

    verdict: Verdict | Literal["Stale", "None"]
    message: str
    at: datetime | None
