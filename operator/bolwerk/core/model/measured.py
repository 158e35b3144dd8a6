"""What probes say of one LocalModel, and what the policy that governs it wants done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bolwerk.core.model.children.deployment import TEMPLATE_HASH
from bolwerk.core.model.children.service import is_out_of_service
from bolwerk.core.model.observed import Observed
from bolwerk.core.model.subject import Subject
from bolwerk.core.proof.asked import asked, stale_after
from bolwerk.core.proof.tally import Tally, tally

__all__ = ["Measured", "measured"]


@dataclass(frozen=True, slots=True)
class Measured:
    """How a model stands on the nodes where its pods run.

    Attributes
    ----------
    withheld
        Whether the model is kept out of its Service: from a breach until all its nodes are proven again, where the
        policy asks for that.
    """

    tally: Tally
    withheld: bool


def measured(observed: Observed, subject: Subject, service: Mapping[str, Any] | None, now: datetime) -> Measured:
    """Work out how the model stands; `service` is the live Service, or None."""
    found = tally(
        observed.proofs,
        nodes=_nodes(observed),
        subject=lambda _: f"LocalModel {subject.namespace}/{subject.name}",
        stale_after=stale_after(observed.governing),
        now=now,
    )
    # Doubt does not bring back what a breach took away.
    breached = found.breached or (is_out_of_service(service) and not found.all_proven)
    return Measured(found, breached and any(asked(each).on_bypass == "TakeOutOfService" for each in observed.governing))


def _nodes(observed: Observed) -> set[str]:
    """Return the nodes on which pods of any template run; probes bear the model's labels, and no template's hash."""
    found = {
        str((pod.get("spec") or {}).get("nodeName") or "")
        for pod in observed.pods
        if TEMPLATE_HASH in (pod["metadata"].get("annotations") or {})
        and not pod["metadata"].get("deletionTimestamp")
        and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
    }
    return found - {""}
