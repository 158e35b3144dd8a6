"""The snapshot of the world that an EgressException's reconciliation decides on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bolwerk.core.plan import Refusal

__all__ = ["Observed"]


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything that the decision may look at; all objects as the API server's JSON, without managedFields.

    Attributes
    ----------
    exception
        The EgressException.
    approvals
        The EgressApprovals of its namespace that name its uid.
    policies
        All SovereigntyPolicies, with their status.
    namespace
        The Namespace that it is in: name, labels, deletionTimestamp; None before that is known.
    skew
        How far the operator's clock is ahead of the API server's, as far as known.
    refusals
        What was refused when this very plan was tried a moment ago; they decide only the status.
    """

    exception: Mapping[str, Any]
    approvals: tuple[Mapping[str, Any], ...] = ()
    policies: tuple[Mapping[str, Any], ...] = ()
    namespace: Mapping[str, Any] | None = None
    skew: timedelta = timedelta()
    refusals: tuple[Refusal, ...] = ()

    @property
    def resource(self) -> Mapping[str, Any]:
        """The reconciled object, under the name that all snapshots share."""
        return self.exception
