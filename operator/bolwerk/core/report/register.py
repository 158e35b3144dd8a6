"""Writes the register of exceptions down: each with its people, ground, term and use."""

from __future__ import annotations

from collections.abc import Iterator

from bolwerk.core.report.document import Block, Bullets, Paragraph, Record, Records, Said, Value
from bolwerk.core.report.facts import ApprovalFacts, ExceptionFacts, Exceptions

__all__ = ["register"]

FOUR_EYES = {
    "Cluster": "two people, of whom the API server knew who they were",
    "Git": "two people whom Git attests, through the ServiceAccount that wrote the approval",
    "": "not seen: too few other people have approved",
}
TYPED = "the names of two people, as they were typed: no rule of admission vouches for them"


def register(exceptions: Exceptions) -> tuple[Block, ...]:
    """Return the section."""
    return tuple(_blocks(exceptions))


def _blocks(exceptions: Exceptions) -> Iterator[Block]:
    if exceptions.remark:
        yield Paragraph(exceptions.remark)
    if exceptions.items:
        yield Paragraph(_guarded(exceptions))
        yield Records(tuple(_exception(each, guarded=bool(exceptions.guards)) for each in exceptions.items))
    if exceptions.over:
        yield Paragraph(f"{exceptions.over} exceptions were over before the time asked about, and are left out.")
    if exceptions.deleted:
        yield Paragraph("Known only from the audit trail, because they are no longer in the cluster or were not read:")
        yield Bullets(tuple(map(Said, exceptions.deleted)))


def _guarded(exceptions: Exceptions) -> str:
    if not exceptions.guards:
        return "No rules of admission about who asks and who approves are in force: the names are what somebody typed."
    return (
        f"In force about who asks and who approves: {', '.join(exceptions.guards)}. What was written before they were, "
        "nobody vouches for."
    )


def _exception(exception: ExceptionFacts, *, guarded: bool) -> Record:
    return Record(Said(f"{exception.namespace}/{exception.name}"), tuple(_fields(exception, guarded=guarded)))


def _four_eyes(exception: ExceptionFacts, *, guarded: bool) -> str:
    if exception.four_eyes and not guarded:
        return TYPED
    return FOUR_EYES.get(exception.four_eyes, Said(exception.four_eyes))


def _fields(exception: ExceptionFacts, *, guarded: bool) -> Iterator[tuple[str, Value]]:
    yield (
        "Judged now",
        Said(f"{exception.phase or 'not judged'} ({exception.reason or 'no reason'}): {exception.sentence}"),
    )
    yield "Written down as", Said(f"{exception.recorded_phase or 'nothing yet'}, by the operator")
    yield "Ground", Said(exception.ground)
    yield "Justification", Said(exception.justification)
    yield "Alternatives", Said(exception.alternatives)
    yield "For", Said(exception.subject)
    yield "Destinations", tuple(map(Said, exception.destinations))
    yield "Data", Said(f"{exception.data_classification}; DPIA {exception.dpia_reference or 'none named'}")
    yield "Ticket", Said(exception.ticket)
    yield "Exit plan", Said(exception.exit_plan)
    yield "Renews", Said(exception.renews) if exception.renews else "none"
    yield "Asked for by", Said(f"{exception.requested_by or 'nobody known'}, at {exception.requested_at}")
    yield "Approvals", tuple(map(_approval, exception.approvals)) or "none"
    yield "Four eyes", _four_eyes(exception, guarded=guarded)
    yield "Term", Said(f"from {exception.valid_from} until {exception.valid_until}")
    yield "Opened, closed", Said(f"{exception.opened_at or 'not told'}, {exception.closed_at or 'not told'}")
    yield "The hole", Said(exception.hole)
    yield "Governed by", Said(exception.policy) if exception.policy else "no SovereigntyPolicy"
    yield "Use", tuple(_use(exception))
    yield "Uid", Said(exception.uid)


def _use(exception: ExceptionFacts) -> Iterator[str]:
    yield Said(exception.use)
    used = exception.used
    if used is None:
        return
    yield from map(Said, used.destinations)
    if used.more:
        yield "and other pods or destinations, which are counted and not listed"
    if used.untold:
        yield (
            f"{used.untold} of these records are of times at which its status does not say that it was open: compare "
            "with ExceptionOpened and ExceptionClosed in the audit trail"
        )


def _approval(approval: ApprovalFacts) -> str:
    counts = "counts" if approval.counts else "does not count"
    git = f" [{approval.git}]" if approval.git else ""
    return Said(f"{approval.by or 'nobody known'}, at {approval.at}, {counts}: {approval.reason}{git}")
