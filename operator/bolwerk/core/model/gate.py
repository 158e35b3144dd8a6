"""Reading the isolation gates of a LocalModel's pods: whether one keeps its engine from starting, and what it says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bolwerk.core.model.children.gate import GATE

__all__ = ["AtGate", "at_gate", "holds"]

HOLDS = 1
"""The exit code with which a gate tells that something gets out; with others, it could not look."""

PATIENCE = timedelta(seconds=30)
"""How long a gate may look before its silence says something: a network plugin takes a while with a new pod."""


@dataclass(frozen=True, slots=True)
class AtGate:
    """What the gates come to.

    Attributes
    ----------
    held
        Why an engine is kept from starting, the same for every repetition; empty while none is.
    waiting
        Whether some gate has not ended well yet, held or not.
    until
        Seconds until one that is silent will count as holding; infinite where none runs.
    """

    held: str = ""
    waiting: bool = False
    until: float = float("inf")


def at_gate(pods: Iterable[Mapping[str, Any]], now: datetime) -> AtGate:
    """Read the gates of the pods of the present template."""
    each = [(pod, status) for pod in pods for status in _gates(pod) if not _passed(status)]
    left = [(PATIENCE - (now - since)).total_seconds() for _, status in each if (since := _since(status))]
    said = sorted(f"{message} (on node {_node(pod)})" for pod, status in each if (message := _said(status, now)))
    return AtGate(
        held=said[0] if said else "",
        waiting=bool(each),
        until=min((seconds + 1 for seconds in left if seconds >= 0), default=float("inf")),
    )


def holds(status: Mapping[str, Any]) -> bool:
    """Whether this is a gate that ended because something gets out, and not for want of memory or the like."""
    return status.get("name") == GATE and bool(_last_words(status))


def _last_words(status: Mapping[str, Any]) -> str:
    ended = _state(status).get("terminated") or (status.get("lastState") or {}).get("terminated") or {}
    said = ended.get("message") if ended.get("exitCode") == HOLDS else None
    return str(said).strip().removesuffix(".") if said else ""


def _said(status: Mapping[str, Any], now: datetime) -> str:
    """Return why a gate holds: its own last words, or what its silence means."""
    if words := _last_words(status):
        return words
    since = _since(status)
    if since and now - since > PATIENCE:
        return (
            "the isolation gate still reaches the canary, which the network policy denies: the network plugin does not "
            "enforce it"
        )
    return ""


def _since(status: Mapping[str, Any]) -> datetime | None:
    started = (_state(status).get("running") or {}).get("startedAt")
    return datetime.fromisoformat(started) if started else None


def _passed(status: Mapping[str, Any]) -> bool:
    return (_state(status).get("terminated") or {}).get("exitCode") == 0


def _state(status: Mapping[str, Any]) -> Mapping[str, Any]:
    return status.get("state") or {}


def _gates(pod: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    statuses = (pod.get("status") or {}).get("initContainerStatuses") or ()
    return (status for status in statuses if status.get("name") == GATE)


def _node(pod: Mapping[str, Any]) -> str:
    return str((pod.get("spec") or {}).get("nodeName", ""))
