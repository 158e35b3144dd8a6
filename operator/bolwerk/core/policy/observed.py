"""The snapshot of the world that a SovereigntyPolicy's reconciliation decides on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bolwerk.core.kinds import (
    ADMIN_NETWORK_POLICY,
    CALICO_TIER,
    CILIUM_CLUSTERWIDE_NETWORK_POLICY,
    CILIUM_NETWORK_POLICY,
    CLUSTER_NETWORK_POLICY,
    CONFIG_MAP,
    EGRESS_APPROVAL,
    EGRESS_EXCEPTION,
    GLOBAL_NETWORK_POLICY,
    NAMESPACE,
    NETWORK_POLICY,
    SOVEREIGNTY_POLICY,
    STAGED_GLOBAL_NETWORK_POLICY,
    VALIDATING_ADMISSION_POLICY,
    VALIDATING_ADMISSION_POLICY_BINDING,
    Kind,
)
from bolwerk.core.plan import Refusal

__all__ = ["EXCEPTION_KINDS", "OPTIONAL_KINDS", "OWNED_KINDS", "WALL_KINDS", "WATCHED_KINDS", "Observed"]

OPTIONAL_KINDS: tuple[Kind, ...] = (
    CLUSTER_NETWORK_POLICY,
    ADMIN_NETWORK_POLICY,
    CILIUM_CLUSTERWIDE_NETWORK_POLICY,
    CILIUM_NETWORK_POLICY,
    CALICO_TIER,
    GLOBAL_NETWORK_POLICY,
    STAGED_GLOBAL_NETWORK_POLICY,
)
"""Kinds that a cluster may or may not serve; which it serves decides among the backends."""

EXCEPTION_KINDS: tuple[Kind, ...] = (EGRESS_EXCEPTION, EGRESS_APPROVAL)
"""Who asks for a hole, and who agrees; read where they are served."""

WALL_KINDS: tuple[Kind, ...] = (
    CALICO_TIER,
    CLUSTER_NETWORK_POLICY,
    ADMIN_NETWORK_POLICY,
    CILIUM_CLUSTERWIDE_NETWORK_POLICY,
    GLOBAL_NETWORK_POLICY,
    STAGED_GLOBAL_NETWORK_POLICY,
    NETWORK_POLICY,
)
"""What a wall may be made of."""

OVERLAY_NAME = "bolwerk-catalogue"
"""The ConfigMap in the operator's namespace with which a platform team extends or narrows the catalogue."""

OWNED_KINDS: tuple[Kind, ...] = (
    *WALL_KINDS,
    VALIDATING_ADMISSION_POLICY,
    VALIDATING_ADMISSION_POLICY_BINDING,
    CONFIG_MAP,
)
"""What a SovereigntyPolicy may own, all labelled `app.kubernetes.io/managed-by: bolwerk`."""

WATCHED_KINDS: tuple[Kind, ...] = (
    SOVEREIGNTY_POLICY,
    NAMESPACE,
    NETWORK_POLICY,
    VALIDATING_ADMISSION_POLICY,
    VALIDATING_ADMISSION_POLICY_BINDING,
    CONFIG_MAP,
    *OPTIONAL_KINDS,
)


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything that the decision may look at; all objects as the API server's JSON, without managedFields.

    Attributes
    ----------
    policy
        The SovereigntyPolicy.
    others
        All other SovereigntyPolicies.
    namespaces
        All namespaces of the cluster: name, labels, deletionTimestamp.
    owned
        By kind, the objects whose controller owner reference is this policy's uid. Names are not looked at.
    rules
        By kind, the network policies of the cluster that no SovereigntyPolicy owns and that could let a governed pod
        out: NetworkPolicies of all namespaces but those that seal LocalModels, and every object of `OPTIONAL_KINDS`.
    served
        Which of `OPTIONAL_KINDS` the API server serves.
    overlay
        The ConfigMap `bolwerk-catalogue` in the operator's namespace, or None.
    references
        What the scan of ConfigMaps and Secrets found last, or None before the first scan.
    exceptions, approvals
        All EgressExceptions and EgressApprovals of the cluster; none where these are not served.
    proofs
        The newest IsolationProofs of `nodes`.
    nodes
        The names of the nodes on which enforcement has to be measured, in order.
    skew
        How far the operator's clock is ahead of the API server's, as far as known.
    refusals
        What was refused when this very plan was tried a moment ago; they decide only the status.
    """

    policy: Mapping[str, Any]
    others: tuple[Mapping[str, Any], ...] = ()
    namespaces: tuple[Mapping[str, Any], ...] = ()
    owned: Mapping[Kind, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    rules: Mapping[Kind, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    served: frozenset[Kind] = frozenset()
    overlay: Mapping[str, Any] | None = None
    references: Any = None
    exceptions: tuple[Mapping[str, Any], ...] = ()
    approvals: tuple[Mapping[str, Any], ...] = ()
    proofs: tuple[Mapping[str, Any], ...] = ()
    nodes: tuple[str, ...] = ()
    skew: timedelta = timedelta()
    refusals: tuple[Refusal, ...] = ()

    @property
    def resource(self) -> Mapping[str, Any]:
        """The reconciled object, under the name that all snapshots share."""
        return self.policy
