"""What one probe pod saw: one JSON document in its termination message, which the kubelet passes on.

Written by `programs.probe`, read by the operator. A termination message holds 4096 bytes, so a result is a short row in
the order of the task's targets, and what was expected is not repeated.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

__all__ = ["LENGTH", "Document", "Outcome", "Result"]

LENGTH = 4096
"""Bytes that the kubelet keeps of a termination message."""

Outcome = Literal["Connected", "Answered", "Refused", "TimedOut", "Unreachable", "NoSuchName", "Failed"]
"""What the network said.

`Connected`: a TCP handshake, or a proxy that agreed. `Answered`: a datagram or a DNS answer came back, or a name
resolved. `Refused`: a reset, an ICMP port unreachable, DNS' REFUSED, or a proxy that declined. `TimedOut`: nothing
came. `Unreachable`: no route, or the node's own kernel said no. `NoSuchName`: NXDOMAIN. `Failed`: the probe could not
try, or no resolver could tell a Name (its detail says why).
"""


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Result(_Row):
    """What came of one target. One-letter names keep the document short.

    Attributes
    ----------
    o
        The outcome of the last attempt; one that gets through is the last, but for the task's patience.
    n
        Attempts made.
    d
        Where it helps: the error's name; for Name the addresses that came back, separated by commas.
    """

    o: Outcome
    n: Annotated[int, Field(ge=1, le=100)] = 1
    d: Annotated[str, Field(max_length=127)] = ""


class Document(_Row):
    """The answer to a `Task`.

    Attributes
    ----------
    v
        Version of this form.
    run, pod, node
        Of which run, which pod (its uid) and on which node, from the pod's own downward API.
    addresses
        The pod's IP addresses: which families pods have here.
    results
        One for each target of the task, in its order; consecutive `Name`s that do not exist are still one each.
    """

    v: Literal[1] = 1
    run: Annotated[str, Field(min_length=1, max_length=63)]
    pod: Annotated[str, Field(min_length=1, max_length=64)]
    node: Annotated[str, Field(min_length=1, max_length=253)]
    addresses: Annotated[tuple[Annotated[str, Field(max_length=45)], ...], Field(min_length=1, max_length=4)]
    started: AwareDatetime
    finished: AwareDatetime
    results: Annotated[tuple[Result, ...], Field(min_length=1, max_length=96)]
