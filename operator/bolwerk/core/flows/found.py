"""What was found in flows, as values: part of the report's facts."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Flows", "NodeFlows", "Uncovered", "Use"]


@dataclass(frozen=True, slots=True)
class Use:
    """What left through one exception.

    Attributes
    ----------
    records, connections
        Hubble writes several records for a connection; a verdict of the policy is written once for each new one.
    destinations, pods
        The first ones; `more` says whether there were others.
    untold
        How many of the records are of a time of its term when the operator has not told that it was open.
    """

    namespace: str
    exception: str
    uid: str
    records: int
    connections: int
    first_at: str
    last_at: str
    destinations: tuple[str, ...]
    pods: tuple[str, ...]
    more: bool
    untold: int


@dataclass(frozen=True, slots=True)
class Uncovered:
    """What was let out although no exception covers it: of one pod, to one place.

    Attributes
    ----------
    governed
        By which policy, in which mode; or that it is a sealed model.
    near
        What to know of an exception that is for this pod and destination and does not cover it, or empty.
    """

    namespace: str
    pod: str
    destination: str
    records: int
    connections: int
    first_at: str
    last_at: str
    governed: str
    near: str


@dataclass(frozen=True, slots=True)
class NodeFlows:
    """What one node has told."""

    node: str
    records: int
    first_at: str
    last_at: str


@dataclass(frozen=True, slots=True)
class Flows:
    """What was read, and what it comes to.

    Attributes
    ----------
    log
        What people call it.
    records, others
        Flow records, and events that are about the agent itself.
    lost
        How many events Hubble says that it has not got.
    refused, refusals
        How many lines are no events, and where the first ones stand and why.
    unjudged
        Records of governed pods that lack what it takes to judge them, by what they lack.
    silent_nodes
        Nodes with governed pods of which there is no record.
    more_uncovered
        Records without an exception beyond those that are listed.
    """

    log: str
    records: int
    others: int
    left_out: int
    first_at: str
    last_at: str
    nodes: tuple[NodeFlows, ...]
    silent_nodes: tuple[str, ...]
    lost: int
    refused: int
    refusals: tuple[str, ...]
    unjudged: tuple[tuple[str, int], ...]
    uses: tuple[Use, ...]
    uncovered: tuple[Uncovered, ...]
    more_uncovered: int
