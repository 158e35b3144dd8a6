"""What is known about a policy and its wall once the objects are worked out; all conditions are decided on it."""

from __future__ import annotations

from dataclasses import dataclass

from bolwerk.core.conditions import Condition
from bolwerk.core.egress.backend import Choice
from bolwerk.core.egress.intent import Wall
from bolwerk.core.plan import Apply, Manifest
from bolwerk.core.policy.finding import Finding
from bolwerk.core.policy.names import Names
from bolwerk.core.policy.observed import Observed
from bolwerk.core.policy.subject import Subject
from bolwerk.core.proof.tally import Tally

__all__ = ["View"]


@dataclass(frozen=True, slots=True)
class View:
    """A policy and its wall.

    Attributes
    ----------
    governed
        The namespaces that this policy governs, those that a policy before it governs left out.
    damaged
        The first object of the wall that is there and not as it has to be, or None.
    switching
        Whether a former wall is kept until the new one has stood for a while.
    overlaps, reopened
        What others do to the wall.
    measured
        What probes say of each node; of none where nothing is blocked.
    opened
        The exceptions of which there is a hole in the live wall, as the status lists them.
    """

    subject: Subject
    observed: Observed
    choice: Choice
    wall: Wall
    names: Names
    governed: tuple[str, ...]
    damaged: Apply | None
    switching: bool
    overlaps: tuple[Finding, ...]
    reopened: tuple[Finding, ...]
    measured: Tally
    opened: list[Manifest]
    stalled: Condition | None
