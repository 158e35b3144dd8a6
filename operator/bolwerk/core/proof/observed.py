"""The snapshot of the world in which it is decided whether and how a node is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bolwerk.core.kinds import Ref
from bolwerk.core.plan import Refusal

__all__ = ["Inventory", "Observed"]

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Inventory:
    """What runs on a node beside models, as far as it is known.

    Attributes
    ----------
    plugin_images
        Images of the DaemonSets that are, or may be, network plugins; a new one asks for a new run.
    host_network_pods
        Pods of the node that no network policy governs. It is told, and asks for nothing.
    remarks
        What could not be read, a sentence each.
    """

    plugin_images: tuple[str, ...] = ()
    host_network_pods: int = 0
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything that the decision may look at; all objects as the API server's JSON, without managedFields.

    Attributes
    ----------
    node
        The Node: metadata, `spec.podCIDRs`, `status.allocatable`, `status.conditions` (Ready) and `status.nodeInfo`.
    models
        The LocalModels that have a pod on this node, finished ones not counted.
    services
        The Services of `models`: the API server has given them an address.
    policies
        All SovereigntyPolicies, with their status.
    namespaces
        All namespaces of the cluster.
    overlay
        The ConfigMap `bolwerk-catalogue` in the operator's namespace, or None.
    canary
        The Service of Bolwerk's own canary, or None while there is none.
    enforcing
        The digest (`inputs.policy_digest`) of every object that may hold or open something: all that there is of
        `core.policy.observed.WALL_KINDS` and `OPTIONAL_KINDS`, the NetworkPolicies that LocalModels own left out, but
        for those of `models`. Which concern the node is decided here.
    inventory
        What else runs on the node.
    strangers
        `namespace/name` of the pods on this node that bear a model's label and that its Deployment did not make.
    pods
        All pods that carry `bolwerk.dev/proof-node` of this node, whole, also finished and terminating ones.
    proofs
        The IsolationProofs of this node, in any order.
    running
        How many *other* nodes are being measured: that have a pod with `bolwerk.dev/proof-arm: control` in the
        operator's namespace.
    changed
        Since when `inputs(...)` has been what it is, as far as this replica has seen; None where nobody keeps count.
    refusals
        What has been refused of this node's plans, this time and before; forgotten when a new IsolationProof of the
        node comes. The executor stops at the first, so they gather: each is passed over the next time.
    """

    node: Object
    models: tuple[Object, ...] = ()
    services: tuple[Object, ...] = ()
    policies: tuple[Object, ...] = ()
    namespaces: tuple[Object, ...] = ()
    overlay: Object | None = None
    canary: Object | None = None
    enforcing: Mapping[Ref, str] = field(default_factory=dict)
    inventory: Inventory = field(default_factory=Inventory)
    strangers: tuple[str, ...] = ()
    pods: tuple[Object, ...] = ()
    proofs: tuple[Object, ...] = ()
    running: int = 0
    changed: datetime | None = None
    refusals: tuple[Refusal, ...] = ()

    @property
    def resource(self) -> Object:
        """The reconciled object, under the name that all snapshots share."""
        return self.node

    @property
    def name(self) -> str:
        """The node's name."""
        return str(self.node["metadata"]["name"])
