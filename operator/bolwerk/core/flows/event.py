"""One line of what Cilium's Hubble exporter writes: the fields that are looked at, and no others.

The format is `ExportEvent` of Cilium's api/v1/observer/observer.proto as protobuf's JSON, checked with Cilium 1.20.
What a flow may carry of a request (`l7`) has no field here, so nothing of it can get into a report.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bolwerk.core.line import Line

__all__ = ["Event", "Flow", "UnreadableEventError", "parse"]


class UnreadableEventError(ValueError):
    """The line is no event of Hubble; the message says why, without repeating any of it."""


def _in_utc(stored: datetime) -> datetime:
    try:
        return stored.astimezone(UTC)
    except OverflowError:
        raise ValueError("it is before the first year, or after the last") from None


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


NAMESPACE_LABEL = "k8s:io.kubernetes.pod.namespace="


class Endpoint(_Part):
    """Where a flow comes from or goes to; a pod has a namespace, which is sometimes among its labels only."""

    namespace: str = ""
    pod_name: str = ""
    labels: tuple[str, ...] | None = None

    @property
    def of(self) -> str:
        """The namespace of the pod, or empty where it is none."""
        told = (each.removeprefix(NAMESPACE_LABEL) for each in self.labels or () if each.startswith(NAMESPACE_LABEL))
        return self.namespace or next(told, "")


class Addresses(_Part):
    """The addresses of a packet, before masquerading."""

    source: str = ""
    destination: str = ""


class Ports(_Part):
    """Of TCP, UDP and SCTP."""

    destination_port: int = 0


class Layer4(_Part):
    """Exactly one of these; of what has no ports only that it is there."""

    tcp: Ports | None = Field(default=None, alias="TCP")
    udp: Ports | None = Field(default=None, alias="UDP")
    sctp: Ports | None = Field(default=None, alias="SCTP")
    icmpv4: Ports | None = Field(default=None, alias="ICMPv4")
    icmpv6: Ports | None = Field(default=None, alias="ICMPv6")


class EventType(_Part):
    """Which of the datapath's messages it was (pkg/monitor/api/types.go)."""

    type: int = 0
    sub_type: int = 0


class Aggregate(_Part):
    """How many flows one record stands for, where the exporter aggregates."""

    egress_flow_count: int = 0
    unknown_direction_flow_count: int = 0


class Flow(_Part):
    """One packet or verdict that Cilium has told of."""

    time: Instant | None = None
    verdict: str = ""
    ip: Addresses | None = Field(default=None, alias="IP")
    l4: Layer4 | None = None
    source: Endpoint | None = None
    destination: Endpoint | None = None
    node_name: str = ""
    destination_names: tuple[str, ...] = ()
    event_type: EventType | None = None
    trace_observation_point: str = ""
    is_reply: bool | None = None
    traffic_direction: str = ""
    aggregate: Aggregate | None = None


def _number(stored: Any) -> Any:
    """Protobuf's JSON writes 64-bit numbers as text."""
    return int(stored) if isinstance(stored, str) and stored.isascii() and stored.isdecimal() else stored


class Lost(_Part):
    """Events that Hubble itself has not got."""

    num_events_lost: Annotated[int, BeforeValidator(_number), Field(ge=0)] = 0


class Event(_Part):
    """A line. All but `flow` and `lost_events` are about the agent itself."""

    flow: Flow | None = None
    lost_events: Lost | None = None
    agent_event: Any = None
    debug_event: Any = None
    node_status: Any = None
    node_name: str = ""
    time: Instant | None = None


_KINDS = ("flow", "lost_events", "agent_event", "debug_event", "node_status")


def parse(line: Line) -> Event:
    """Return what a line says.

    Raises
    ------
    UnreadableEventError
        If it is no event, or not all of one.
    """
    if line.fault:
        raise UnreadableEventError(line.fault)
    try:
        event = Event.model_validate_json(line.text)
    except ValidationError as error:
        raise UnreadableEventError(_why(error)) from None
    if all(getattr(event, kind) is None for kind in _KINDS):
        raise UnreadableEventError("it is JSON, but no event of Hubble: it has none of " + ", ".join(_KINDS))
    if event.flow is not None and event.time is None and event.flow.time is None:
        raise UnreadableEventError("the flow has no time: add `time` to hubble-export-fieldmask")
    return event


def _why(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else str(first["msg"])
