"""A cluster in memory for decisions about policies: carries plans out as the API server and the shell would."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bolwerk.core.catalogue import parse
from bolwerk.core.kinds import (
    CILIUM_CLUSTERWIDE_NETWORK_POLICY,
    CLUSTER_NETWORK_POLICY,
    NETWORK_POLICY,
    Kind,
    Ref,
)
from bolwerk.core.plan import Plan, Refusal
from bolwerk.core.policy.observed import WALL_KINDS, Observed
from bolwerk.core.policy.reconcile import reconcile
from bolwerk.core.settings import Settings
from bolwerk.data import catalogue_text

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
SETTINGS = Settings(namespace="bolwerk-system", service_account="bolwerk", catalogue=parse(catalogue_text()))
CILIUM = frozenset({CILIUM_CLUSTERWIDE_NETWORK_POLICY})
SHARED = frozenset({CLUSTER_NETWORK_POLICY})
NOBODY: frozenset[Kind] = frozenset()

SPEC: dict[str, Any] = {
    "namespaceSelector": {"matchLabels": {"sovereignty": "enforced"}},
    "mode": "Enforce",
    "internal": {"networks": ["10.20.0.0/16", "2001:db8:20::/48"], "forwardProxies": ["10.20.1.0/28"]},
}


def policy(name: str = "government", **changes: Any) -> dict[str, Any]:
    return {
        "apiVersion": "bolwerk.dev/v1alpha1",
        "kind": "SovereigntyPolicy",
        "metadata": {"name": name, "uid": f"uid-{name}", "generation": 1},
        "spec": {**SPEC, **changes},
    }


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name, **labels}}}


GOVERNED = namespace("team", sovereignty="enforced")
FREE = namespace("other")


@dataclass
class World:
    """What the API server holds, and the clock."""

    policy: dict[str, Any] = field(default_factory=policy)
    others: tuple[Mapping[str, Any], ...] = ()
    namespaces: tuple[Mapping[str, Any], ...] = (GOVERNED, FREE)
    rules: Mapping[Kind, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    served: frozenset[Kind] = CILIUM
    overlay: Mapping[str, Any] | None = None
    references: Any = None
    exceptions: tuple[Mapping[str, Any], ...] = ()
    approvals: tuple[Mapping[str, Any], ...] = ()
    proofs: tuple[Mapping[str, Any], ...] = ()
    nodes: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    overruled: Mapping[Ref, Mapping[str, Any]] = field(default_factory=dict)
    now: datetime = NOW
    skew: timedelta = timedelta()
    objects: dict[Ref, dict[str, Any]] = field(default_factory=dict)
    _numbers: Any = field(default_factory=itertools.count)

    def observed(self) -> Observed:
        owned: dict[Kind, tuple[Mapping[str, Any], ...]] = {}
        for ref, live in sorted(self.objects.items()):
            owned[ref.kind] = (*owned.get(ref.kind, ()), live)
        return Observed(
            policy=self.policy,
            others=self.others,
            namespaces=self.namespaces,
            owned=owned,
            rules=self.rules,
            served=self.served,
            overlay=self.overlay,
            references=self.references,
            exceptions=self.exceptions,
            approvals=self.approvals,
            proofs=self.proofs,
            nodes=self.nodes,
            skew=self.skew,
            refusals=self.refusals,
        )

    def decide(self) -> Plan:
        return reconcile(self.observed(), SETTINGS, self.now)

    def step(self) -> Plan:
        """Decide, carry out, decide again for the status; return the first plan."""
        plan = self.decide()
        for apply in plan.apply:
            old = self.objects.get(apply.ref, {}).get("metadata", {})
            fresh = {"uid": f"uid-{next(self._numbers)}", "creationTimestamp": self.now.strftime("%Y-%m-%dT%H:%M:%SZ")}
            kept = {key: old[key] for key in fresh if key in old}
            metadata = {**apply.manifest["metadata"], **fresh, **kept}
            self.objects[apply.ref] = {**apply.manifest, **self.overruled.get(apply.ref, {}), "metadata": metadata}
        for delete in plan.delete:
            del self.objects[delete.ref]
        told = self.decide()
        if told.status is not None:
            self.policy = {**self.policy, "status": told.status}
        return plan

    def edit(self, **changes: Any) -> None:
        metadata = {**self.policy["metadata"], "generation": self.policy["metadata"]["generation"] + 1}
        self.policy = {**self.policy, "metadata": metadata, "spec": {**self.policy["spec"], **changes}}

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def walls(self) -> set[str]:
        """Return the kinds of which a wall stands."""
        return {ref.kind.name for ref in self.objects if ref.kind in WALL_KINDS}

    def age(self, live: Mapping[str, Any]) -> timedelta:
        return self.now - datetime.fromisoformat(live["metadata"]["creationTimestamp"])

    def condition(self, type_: str) -> dict[str, Any]:
        found = [each for each in self.policy["status"]["conditions"] if each["type"] == type_]
        return found[0] if found else {}


def network_policy(namespace: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{namespace}-{name}"}
    return {"apiVersion": NETWORK_POLICY.api_version, "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}
