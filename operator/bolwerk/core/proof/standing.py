"""How one subject stands on one node, read from the stored proofs.

Called for every LocalModel and SovereigntyPolicy, often; it reads raw JSON and trusts that the CRD has checked it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bolwerk.core.proof.judgement import Standing
from bolwerk.core.proof.verdict import Seen, judge

__all__ = ["finished_at", "seen_of", "standing"]

Proof = Mapping[str, Any]


def standing(proofs: Iterable[Proof], *, node: str, subject: str, now: datetime, stale_after: timedelta) -> Standing:
    """Judge the newest proof of the node that tried this subject.

    Parameters
    ----------
    proofs
        IsolationProofs, of whatever nodes, in any order.
    subject
        `LocalModel namespace/name` or `Namespace name`.
    stale_after
        How long a Proven counts.
    """
    newest = max((each for each in proofs if _tries(each, node, subject)), key=_age, default=None)
    if newest is None:
        return Standing("None", f"{subject or 'nothing'} was not measured on node {node} yet", None)
    judged = judge(seen_of(newest), newest["spec"]["families"], subject=subject)
    at = finished_at(newest)
    if judged.verdict == "Proven" and now - at > stale_after:
        hours = stale_after.total_seconds() / 3600
        return Standing(
            "Stale",
            f"was proven, and that is older than the {hours:g} hours of spec.proof.staleAfterHours: look why no newer "
            "run came to an end (kubectl get isolationproofs)",
            at,
        )
    return Standing(judged.verdict, judged.message, at)


def finished_at(proof: Proof) -> datetime:
    """Return when the run ended."""
    return datetime.fromisoformat(proof["spec"]["finishedAt"])


def seen_of(proof: Proof) -> tuple[Seen, ...]:
    """Return a proof's observations."""
    return tuple(
        Seen(
            subject=each.get("subject", ""),
            arm=each["arm"],
            vector=each["vector"],
            family=each["family"],
            target=each["target"],
            outcome=each["outcome"],
            detail=each.get("detail", ""),
            attempts=each["attempts"],
        )
        for each in proof["spec"]["observations"]
    )


def _tries(proof: Proof, node: str, subject: str) -> bool:
    spec = proof["spec"]
    return spec["node"] == node and any(
        each["arm"] == "Treatment" and each.get("subject", "") == subject for each in spec["observations"]
    )


def _age(proof: Proof) -> tuple[datetime, str]:
    return finished_at(proof), proof["metadata"]["name"]
