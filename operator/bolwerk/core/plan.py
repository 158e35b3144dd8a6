"""What a reconciliation decided, as a value that one dumb loop in the shell executes.

The order is apply, delete, status, events. The loop stops applying at the first refusal, so that no pod is ever made
before the policy that seals it; only what has to be closed is deleted before all else. When it has applied or deleted
anything, it decides once more and takes status and events from that: they tell how things are, not how they were meant
to be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from bolwerk.core.kinds import Kind, Ref

__all__ = ["Apply", "Delete", "Event", "Manifest", "Plan", "Refusal"]

Manifest = dict[str, Any]
"""A Kubernetes object as JSON."""


@dataclass(frozen=True, slots=True)
class Event:
    """A Kubernetes Event on the reconciled object; planned on a transition only, never on repetition."""

    type: Literal["Normal", "Warning"]
    reason: str
    action: str
    message: str


@dataclass(frozen=True, slots=True)
class Apply:
    """One object to apply on the server's side.

    Attributes
    ----------
    kind
        How the API server addresses it.
    manifest
        Every field that Bolwerk owns in it, and no other.
    because
        The first difference between what is desired and what is live (`"absent"` where nothing is live);
        goes to the log and the metric.
    event
        To be posted once this has been applied, or None.
    """

    kind: Kind
    manifest: Manifest
    because: str
    event: Event | None = None

    @property
    def ref(self) -> Ref:
        """The object's address."""
        metadata = self.manifest["metadata"]
        return Ref(self.kind, metadata.get("namespace", ""), metadata["name"])


@dataclass(frozen=True, slots=True)
class Delete:
    """One object to delete, if it still is the one that was seen (`uid`).

    Attributes
    ----------
    first
        Before anything is applied: what may no longer be open is closed although something else is refused.
    """

    ref: Ref
    uid: str
    because: str
    first: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the API server (or the guard against taking over foreign objects) said no to, for the status."""

    ref: Ref
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The value that a reconciliation returns.

    Attributes
    ----------
    apply
        Objects that differ, in the order in which they have to be applied.
    delete
        Owned objects that are no longer desired.
    status
        The whole desired status, or None when the live one says the same.
    events
        Events for transitions that `status` contains.
    requeue_after
        Seconds after which the key has to be looked at again although nothing happened, or None.
    """

    apply: tuple[Apply, ...] = ()
    delete: tuple[Delete, ...] = ()
    status: Manifest | None = None
    events: tuple[Event, ...] = ()
    requeue_after: float | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write: the steady state."""
        return not (self.apply or self.delete or self.status or self.events)
