"""Which entries a carried-out run on a node is worth: the proof that shows a wall to be breached, or to close too much.

That nothing could be shown is told by the conditions of whom it concerns, and by the proof itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from bolwerk.core.audit.action import Action
from bolwerk.core.audit.entry import Detail, Fact, digest
from bolwerk.core.audit.record import Done
from bolwerk.core.kinds import ISOLATION_PROOF
from bolwerk.core.plan import Apply

__all__ = ["failed"]

_FAILURES = frozenset({"NotEnforced", "Bypass", "OverBlocked"})


def failed(done: Done) -> tuple[Fact, ...]:
    """Return an entry for each proof that was stored and tells of a failure."""
    return tuple(_entries(done))


def _entries(done: Done) -> Iterator[Fact]:
    for changes, suffix in ((done.changes, ""), (done.unknown, ", perhaps not stored")):
        for change in changes:
            if not isinstance(change, Apply) or change.ref.kind != ISOLATION_PROOF:
                continue
            spec = change.manifest["spec"]
            if spec["verdict"] not in _FAILURES:
                continue
            detail: dict[str, Detail] = {
                "proof": change.ref.name,
                "run": str(spec["run"]),
                "trigger": str(spec["trigger"]),
                "message": str(spec["message"]),
                "specDigest": digest(spec),
            }
            yield Fact(Action.PROOF_FAILED, f"Node {spec['node']}", f"{spec['verdict']}{suffix}", detail=detail)
