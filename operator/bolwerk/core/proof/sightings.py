"""From what probes say to what was seen: the outcomes that a verdict goes by.

The same answer means one thing or another by who gave it: a connection that is refused was held by a wall only if the
control, at the same time, got through to the very same target.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from bolwerk.core.proof.arrangement import Assignment
from bolwerk.core.proof.collect import Answer
from bolwerk.core.proof.document import Outcome, Result
from bolwerk.core.proof.targets import family_of, shown
from bolwerk.core.proof.task import Family, Target
from bolwerk.core.proof.verdict import CANARIES, Key, Saw, Seen
from bolwerk.core.proof.words import some

__all__ = ["Sightings", "sightings"]

OUTCOMES: Mapping[Outcome, Saw] = {
    "Connected": "Reached",
    "Answered": "Reached",
    "NoSuchName": "Reached",  # a name server that knows no such name was reached
    "Refused": "Blocked",
    "TimedOut": "Blocked",
    "Unreachable": "Blocked",
    "Failed": "Failed",
}
"""Of all but names, and of refused treatments."""

NAMED = 5
"""How many names, or targets, a remark tells."""


@dataclass(frozen=True, slots=True)
class Sightings:
    """All that the pods of a run saw.

    Attributes
    ----------
    families
        The address families that pods have here.
    remarks
        What was seen and is no observation, a sentence each.
    """

    seen: tuple[Seen, ...]
    families: tuple[Family, ...]
    remarks: tuple[str, ...]


def sightings(answers: Sequence[Answer]) -> Sightings:
    """Return what was seen, also of pods that saw nothing: then each kind of target failed."""
    controls = tuple(each for answer in answers if answer.assignment.arm == "Control" for each in _seen(answer, set()))
    shown_by_control = {each.key for each in controls if each.outcome == "Reached"}
    others = tuple(
        each for answer in answers if answer.assignment.arm != "Control" for each in _seen(answer, shown_by_control)
    )
    return Sightings((*controls, *others), _families(answers), tuple(_remarks(answers, controls)))


def _families(answers: Iterable[Answer]) -> tuple[Family, ...]:
    """Return the families of the pods' addresses; of what was to be tried where no pod told any."""
    had = {family_of(address) for each in answers if each.document for address in each.document.addresses}
    meant = {target.family for each in answers for target in each.assignment.targets if target.vector in CANARIES}
    return tuple(sorted(had or meant or {"IPv4"}))


def _seen(answer: Answer, reached: set[Key]) -> Iterator[Seen]:
    assignment, document = answer.assignment, answer.document
    if document is None:
        yield from _failed(assignment, answer.why)
        return
    pairs = list(zip(assignment.targets, document.results, strict=True))
    own = {family_of(address) for address in document.addresses}
    # A wall that refuses somewhere refuses everywhere.
    refuses = any(result.o == "Refused" and _key(target) in reached for target, result in pairs)
    for target, result in pairs:
        if target.vector == "Name":
            outcome, detail = _of_name(result, assignment), _detail(result)
        elif result.o == "Failed" and target.family not in own:
            outcome, detail = "Blocked", _detail(result)  # a pod without an address of that family gets nowhere by it
        elif result.o == "Refused" and target.arm == "Treatment":
            outcome, detail = _of_refusal(target, result, is_shown=refuses or _key(target) in reached)
        else:
            outcome, detail = OUTCOMES[result.o], _detail(result)
        if outcome:
            yield _of(assignment, target, outcome=outcome, detail=detail, attempts=result.n)


def _failed(assignment: Assignment, why: str) -> Iterator[Seen]:
    """Yield one failure for each kind of target: the same sentence a hundred times says no more."""
    kinds = {(each.arm, each.vector, each.family): each for each in reversed(assignment.targets)}
    for target in reversed(kinds.values()):
        if target.vector != "Name":
            yield _of(assignment, target, outcome="Failed", detail=why, attempts=1)


def _of(assignment: Assignment, target: Target, *, outcome: Saw, detail: str, attempts: int) -> Seen:
    return Seen(
        subject=assignment.subject,
        arm=target.arm,
        vector=target.vector,
        family=target.family,
        target=shown(target),
        outcome=outcome,
        detail=detail,
        attempts=attempts,
    )


def _of_refusal(target: Target, result: Result, *, is_shown: bool) -> tuple[Saw, str]:
    """Return what it comes to that a treatment was refused: by a wall, or by somebody whom it should not have reached.

    Parameters
    ----------
    is_shown
        Whether the control shows that the host would have let it in.
    """
    if target.vector in ("DNS", "Proxy") and not result.d.startswith("E"):
        # Not the name of an error, but a name server's or a proxy's own words: it was reached. A proxy that lets the
        # control through may be meant to be what holds this pod.
        return ("Blocked" if target.vector == "Proxy" and is_shown else "Reached"), _detail(result)
    # Where nothing listens at the metadata address nobody is told anything; no control could tell more.
    if is_shown or target.vector == "Metadata":
        return "Blocked", _detail(result)
    return "Failed", f"{_detail(result)}, and the control did not get through either: look whether it answers"


def _key(target: Target) -> Key:
    return target.vector, target.family, shown(target)


def _of_name(result: Result, assignment: Assignment) -> Saw | None:
    match result.o:
        case "Answered" | "Connected":
            return "Reached" if any(address in assignment.reachable for address in _addresses(result)) else None
        case "Failed":
            return None
        case _:
            return "Blocked"


def _addresses(result: Result) -> Iterator[str]:
    for text in filter(None, (each.strip() for each in result.d.split(","))):
        try:
            yield str(ip_address(text))
        except ValueError:  # cut off for want of room, or an error's name
            continue


def _detail(result: Result) -> str:
    return f"{result.o}: {result.d}" if result.d else result.o


def _remarks(answers: Iterable[Answer], controls: Iterable[Seen]) -> Iterator[str]:
    missed = [str(each) for each in controls if each.outcome != "Reached"]
    if missed:
        yield (
            f"that {some(missed, NAMED)} is blocked shows nothing: the control did not get through either. If it "
            "should answer, look why it does not"
        )
    asked = [
        (target.to, result)
        for answer in answers
        if answer.document
        for target, result in zip(answer.assignment.targets, answer.document.results, strict=True)
        if target.vector == "Name"
    ]
    answered = [name for name, result in asked if result.o in ("Answered", "Connected")]
    if answered:
        yield (
            f"the cluster's DNS answers {some(answered, NAMED)}, which the catalogue refuses: import the snippet that "
            "the policy writes for CoreDNS. The wall does not depend on it"
        )
    unsaid = [name for name, result in asked if result.o == "Failed"]
    if unsaid:
        yield f"whether DNS refuses {some(unsaid, NAMED)} could not be told: it had no answer"
    untold = [name for name, result in asked if result.o in ("Answered", "Connected") and not [*_addresses(result)]]
    if untold:
        yield (
            f"whether {some(untold, NAMED)} leads into an allowed network could not be told: no room for its addresses"
        )
