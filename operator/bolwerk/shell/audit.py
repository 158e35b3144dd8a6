"""What a controller tells the audit trail, step by step; the core decides what is worth an entry.

Remembers which objects this process has seen, so that one that goes is told of once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from typing_extensions import override

from bolwerk.core.audit.proofs import failed
from bolwerk.core.audit.record import Done, changed, governed
from bolwerk.core.audit.told import gone, told
from bolwerk.core.exceptions.approvers import of_exception
from bolwerk.core.exceptions.observed import Observed as ExceptionObserved
from bolwerk.core.kinds import Ref
from bolwerk.core.plan import Manifest
from bolwerk.core.policy.observed import Observed as PolicyObserved
from bolwerk.core.policy.overlaps import governed as governed_by
from bolwerk.core.proof.observed import Observed as NodeObserved
from bolwerk.core.settings import Settings
from bolwerk.shell.trail import Trail

__all__ = ["Auditor", "ExceptionAuditor", "NodeAuditor", "PolicyAuditor"]


class Observing(Protocol):
    """What all snapshots have."""

    @property
    def resource(self) -> Mapping[str, Any]:
        """The reconciled object."""


S_contra = TypeVar("S_contra", bound=Observing, contravariant=True)


class Auditor(Generic[S_contra]):
    """Tells what a controller did to the objects of one kind."""

    def __init__(self, trail: Trail) -> None:
        self._trail = trail
        self._seen: dict[Ref, str] = {}

    async def room(self) -> None:
        """Wait while the trail has too much to keep."""
        await self._trail.room()

    def looked(self, ref: Ref, observed: S_contra) -> None:
        """Take note that an object is there."""
        uid = str(observed.resource["metadata"]["uid"])
        if self._seen.setdefault(ref, uid) != uid:  # deleted and made again, between two looks
            self.gone(ref)
            self._seen[ref] = uid

    def changed(self, resource: Mapping[str, Any], done: Done) -> None:
        """Tell what was done to what belongs to an object."""
        self._trail.record(changed(resource, done))

    def told(self, observed: S_contra, status: Manifest, answer: Manifest) -> None:
        """Tell what a new status says."""
        self._trail.record(told(observed.resource, status, answer))

    def settled(self, ref: Ref, observed: S_contra, status: Mapping[str, Any]) -> None:
        """Tell what became of it once all is done and its status is this."""

    def gone(self, ref: Ref) -> None:
        """Tell that an object is gone, or going."""
        if (uid := self._seen.pop(ref, None)) is not None:
            self._trail.record([gone(ref.kind.name, str(ref), uid)])


class ExceptionAuditor(Auditor[ExceptionObserved]):
    """Tells also who approved an EgressException."""

    @override
    def told(self, observed: ExceptionObserved, status: Manifest, answer: Manifest) -> None:
        approvers = of_exception(observed.exception, observed.approvals).all
        self._trail.record(told(observed.exception, status, answer, approvers=approvers))


class NodeAuditor(Auditor[NodeObserved]):
    """Tells of nothing but what was measured and is not as it has to be: a node is nobody's wish."""

    @override
    def looked(self, ref: Ref, observed: NodeObserved) -> None:
        """Take note of nothing: that a node goes is no news."""

    @override
    def changed(self, resource: Mapping[str, Any], done: Done) -> None:
        self._trail.record(failed(done))


@dataclass(frozen=True, slots=True)
class _Reach:
    """Which namespaces are governed, or how many, and what decided that where it is known."""

    names: tuple[str, ...] | int
    because: tuple[Any, ...] | None = None


class PolicyAuditor(Auditor[PolicyObserved]):
    """Tells also which namespaces a SovereigntyPolicy governs."""

    def __init__(self, trail: Trail, settings: Settings) -> None:
        super().__init__(trail)
        self._settings = settings
        self._reach: dict[Ref, _Reach] = {}

    @override
    async def room(self) -> None:
        """Go on at once: a hole has to be closed to the second, whatever the trail has to keep."""

    @override
    def looked(self, ref: Ref, observed: PolicyObserved) -> None:
        super().looked(ref, observed)
        if ref not in self._reach:
            # Of what was governed before this process, the status tells the number.
            number = int((observed.policy.get("status") or {}).get("governedNamespaces") or 0)
            names = governed_by(observed, self._settings)
            known = names if number == len(names) else number or ()
            self._reach[ref] = _Reach(known)

    @override
    def settled(self, ref: Ref, observed: PolicyObserved, status: Mapping[str, Any]) -> None:
        if any((each["type"], each["status"]) == ("Stalled", "True") for each in status.get("conditions") or ()):
            return  # every wall stays as it is
        specs = [(policy["metadata"]["name"], policy.get("spec")) for policy in (observed.policy, *observed.others)]
        because = (observed.namespaces, specs)
        before = self._reach[ref]
        if before.because == because:
            return
        after = governed_by(observed, self._settings)
        self._reach[ref] = _Reach(after, because)
        self._trail.record(governed(observed.policy, before=before.names, after=after))

    @override
    def gone(self, ref: Ref) -> None:
        self._reach.pop(ref, None)
        super().gone(ref)
