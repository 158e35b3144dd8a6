"""The snapshot of the world that a LocalModel's reconciliation decides on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bolwerk.core.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    NETWORK_POLICY,
    POD_DISRUPTION_BUDGET,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
)
from bolwerk.core.plan import Refusal

__all__ = ["CHILD_KINDS", "Observed"]

CHILD_KINDS: tuple[Kind, ...] = (
    SERVICE_ACCOUNT,
    NETWORK_POLICY,
    SERVICE,
    POD_DISRUPTION_BUDGET,
    CONFIG_MAP,
    DEPLOYMENT,
)
"""In the order in which they are applied: the wall and the address stand before the first pod."""


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything that the decision may look at; all objects as the API server's JSON, without managedFields.

    Attributes
    ----------
    model
        The LocalModel.
    children
        By kind, the objects whose controller owner reference is this LocalModel's uid. Names are not looked at.
    pods
        The pods that carry this LocalModel's labels.
    claim
        The PersistentVolumeClaim that the spec names, or None when it names none or none exists.
    policies
        The NetworkPolicies of the namespace, the own one included, those of other LocalModels left out: they select
        other pods and are kept so, and to read all of them for each would be quadratic.
    canaries
        Where Bolwerk's own canary listens: `host:port`, IPv6 in brackets, in a stable order; none while unknown.
    proofs
        The newest IsolationProofs of the nodes on which its pods run.
    governing
        The SovereigntyPolicy that governs its namespace, or none.
    refusals
        What was refused when this very plan was tried a moment ago; they decide only the status.
    """

    model: Mapping[str, Any]
    children: Mapping[Kind, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    pods: tuple[Mapping[str, Any], ...] = ()
    claim: Mapping[str, Any] | None = None
    policies: tuple[Mapping[str, Any], ...] = ()
    canaries: tuple[str, ...] = ()
    proofs: tuple[Mapping[str, Any], ...] = ()
    governing: tuple[Mapping[str, Any], ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def resource(self) -> Mapping[str, Any]:
        """The reconciled object, under the name that all snapshots share."""
        return self.model
