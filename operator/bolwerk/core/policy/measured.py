"""What probes say of a policy's wall, node by node.

On each node a run tries the wall from one of the governed namespaces, and that one speaks for all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bolwerk.core.policy.observed import Observed
from bolwerk.core.policy.subject import Subject
from bolwerk.core.proof.tally import Tally, tally

__all__ = ["measured"]

NAMESPACE = "Namespace "
"""What the subject of a probe begins with that had no more than the namespace of governed pods."""


def measured(observed: Observed, subject: Subject, governed: frozenset[str], now: datetime) -> Tally:
    """Work out how the wall stands on each node; nowhere while the policy blocks nothing."""

    def tried(proofs: Sequence[Mapping[str, Any]]) -> str:
        """Return the subject of the newest run on a node that tried one of the governed namespaces."""
        newest_first = sorted(proofs, key=lambda each: str(each["spec"]["finishedAt"]), reverse=True)
        found = (
            str(observation.get("subject", ""))
            for proof in newest_first
            for observation in proof["spec"]["observations"]
            if observation["arm"] == "Treatment"
        )
        return next((each for each in found if each.removeprefix(NAMESPACE) in governed), "")

    return tally(
        observed.proofs,
        nodes=observed.nodes if subject.enforced else (),
        subject=tried,
        stale_after=timedelta(hours=subject.spec.proof.stale_after_hours),
        now=now,
    )
