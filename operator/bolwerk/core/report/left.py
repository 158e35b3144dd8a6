"""Writes down what flows show to have left without an exception, and what these flows are."""

from __future__ import annotations

from collections.abc import Iterator

from bolwerk.core.flows.found import Flows, Uncovered
from bolwerk.core.report.document import Block, Bullets, Paragraph, Record, Records, Said, Value

__all__ = ["left"]

NOT_READ = "Not read: no flow records were given (--flows)."
HOW = (
    "Let out is what the network plugin says that it has forwarded, handed to its proxy for names, or only audited; "
    "not whether anything answered. Outside is what is no pod and no node of the cluster, and not among what the "
    "policy calls internal now. Names are those that Cilium has seen the pod ask DNS for."
)
NONE = "In these flows no governed pod was let out without an exception that covers it."
SOME = (
    "Governed pods that were let out although no exception covers it. Each is a question, not yet an answer: the "
    "policy may have been another one then, or not have governed the namespace yet; the exception may have been "
    "deleted since; or the wall has a gap."
)


def left(flows: Flows | None) -> tuple[Block, ...]:
    """Return the section."""
    return tuple(_blocks(flows)) if flows else (Paragraph(NOT_READ),)


def _blocks(flows: Flows) -> Iterator[Block]:
    yield Records((Record("The flows", tuple(_about(flows))),))
    yield Paragraph(HOW)
    if flows.records:
        yield Paragraph(SOME if flows.uncovered else NONE)
    if flows.uncovered:
        yield Records(tuple(map(_uncovered, flows.uncovered)))
    if flows.more_uncovered:
        yield Paragraph(f"and {flows.more_uncovered} records of other pods or destinations, which are not listed.")
    if flows.refusals:
        yield Paragraph(f"Lines that are no events of Hubble: {flows.refused}. The first ones:")
        yield Bullets(tuple(map(Said, flows.refusals)))


def _about(flows: Flows) -> Iterator[tuple[str, Value]]:
    yield "Logs", Said(flows.log)
    yield "Period", Said(f"from {flows.first_at} to {flows.last_at}") if flows.records else "none: there is no flow"
    numbers = f"{flows.records} flows, {flows.others} other events, {flows.left_out} older than asked about"
    yield "Records", f"{numbers}, {flows.refused} lines refused"
    told = (f"{each.node}: {each.records} records, from {each.first_at} to {each.last_at}" for each in flows.nodes)
    yield "Nodes", tuple(map(Said, told)) or "none"
    yield "Nodes without any", tuple(map(Said, flows.silent_nodes)) or "none with governed pods"
    yield "Lost by Hubble", f"{flows.lost} events, as it says itself"
    judged = tuple(Said(f"{number}: {why}") for why, number in flows.unjudged)
    yield "Not judged", judged or "none"


def _uncovered(found: Uncovered) -> Record:
    return Record(
        Said(f"{found.namespace}/{found.pod} to {found.destination}"),
        (
            ("Let out", f"{found.connections} new connections, {found.records} flow records"),
            ("First, last", Said(f"{found.first_at}, {found.last_at}")),
            ("Governed by", Said(found.governed)),
            ("Exceptions near it", Said(found.near) if found.near else "none"),
        ),
    )
