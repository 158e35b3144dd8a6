"""Which namespaces are governed, and how; which are not, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from bolwerk.api.sovereigntypolicy import Enforcement, Exceptions
from bolwerk.core.policy.governed import SYSTEM
from bolwerk.core.policy.overlaps import governable
from bolwerk.core.policy.overlaps import governing as governing_policies
from bolwerk.core.report.facts import FindingFacts, NamespaceFacts, PolicyFacts
from bolwerk.core.report.reading import at, conditions, key, name_of, namespace_of, texts
from bolwerk.core.report.world import World

__all__ = ["governing", "host_network", "namespaces", "policies"]

GROUNDS = ("NotPossible", "WeightyReason")

Object = Mapping[str, Any]


def governing(world: World) -> Mapping[str, str]:
    """Return the governing policy by namespace."""
    return governing_policies(world.policies, governable(world.namespaces, world.settings))


def policies(world: World, governed: Mapping[str, str]) -> tuple[PolicyFacts, ...]:
    """Return the facts of each SovereigntyPolicy: of the whole cluster, whichever namespaces are asked about."""
    return tuple(_policy(each, governed) for each in sorted(world.policies, key=key))


def _policy(policy: Object, governed: Mapping[str, str]) -> PolicyFacts:
    name = name_of(policy)
    bounds = at(policy, "spec", "exceptions") or {}
    findings = at(policy, "status", "findings") or ()
    return PolicyFacts(
        name=name,
        created_at=str(at(policy, "metadata", "creationTimestamp") or ""),
        mode=str(at(policy, "spec", "mode") or ""),
        priority=_priority(policy),
        backend=str(at(policy, "status", "backend") or ""),
        backend_reason=str(at(policy, "status", "backendReason") or ""),
        governed=tuple(sorted(namespace for namespace, by in governed.items() if by == name)),
        internal=texts(policy, "spec", "internal", "networks"),
        forward_proxies=texts(policy, "spec", "internal", "forwardProxies"),
        private_endpoints=texts(policy, "spec", "internal", "privateEndpoints"),
        grounds=texts(bounds, "grounds") or GROUNDS,
        approvals=int(bounds.get("approvals") or Exceptions().approvals),
        longest_days=int(bounds.get("longestDays") or Exceptions().longest_days),
        catalogue=_catalogue(at(policy, "status", "catalogue") or {}),
        conditions=conditions(policy),
        limits=texts(policy, "status", "limits"),
        findings=tuple(
            FindingFacts(str(x.get("type", "")), str(x.get("object", "")), str(x.get("message", ""))) for x in findings
        ),
        findings_total=int(at(policy, "status", "findingsTotal") or len(findings)),
    )


def _priority(policy: Object) -> int:
    stored = at(policy, "spec", "enforcement", "priority")
    return Enforcement().priority if stored is None else int(stored)


def _catalogue(used: Object) -> str:
    if not used:
        return ""
    return f"{used.get('version', '')}, {used.get('ageDays', '')} days old, {used.get('digest', '')}"


def namespaces(world: World, governed: Mapping[str, str]) -> tuple[NamespaceFacts, ...]:
    """Return the facts of each namespace asked about."""
    models = Counter(namespace_of(each) for each in world.models)
    outside = Counter(namespace_of(each) for each in world.pods if host_network(each))
    modes = {name_of(each): str(at(each, "spec", "mode") or "") for each in world.policies}
    return tuple(
        NamespaceFacts(
            name=name,
            policy=governed.get(name, ""),
            mode=modes.get(governed.get(name, ""), ""),
            why_not=_why_not(name, governed, world),
            models=models[name],
            host_network_pods=outside[name],
        )
        for name in sorted(map(name_of, world.namespaces))
        if world.scope.has(name)
    )


def _why_not(name: str, governed: Mapping[str, str], world: World) -> str:
    if name in governed:
        return ""
    if name in SYSTEM:
        return "of the cluster itself: never governed"
    if name == world.settings.namespace:
        return "the operator's own: never governed"
    return "no SovereigntyPolicy selects it"


def host_network(pod: Object) -> bool:
    """Whether a pod that has not ended is on its node's own network, where no network policy governs it."""
    return bool(at(pod, "spec", "hostNetwork")) and at(pod, "status", "phase") not in ("Succeeded", "Failed")
