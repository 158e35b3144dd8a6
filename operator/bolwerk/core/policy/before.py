"""Which rules of others decide before the wall, or beside it, for each backend: the suspects of `precedence`.

Where a rule's pods are chosen in a plugin's own selector language it counts as choosing governed pods: a finding too
many can be looked at, one too few cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from bolwerk.core.egress.backends import calico
from bolwerk.core.egress.backends.networkpolicy import concerns_egress
from bolwerk.core.egress.intent import Intent
from bolwerk.core.kinds import (
    ADMIN_NETWORK_POLICY,
    CALICO_TIER,
    CILIUM_CLUSTERWIDE_NETWORK_POLICY,
    CILIUM_NETWORK_POLICY,
    CLUSTER_NETWORK_POLICY,
    GLOBAL_NETWORK_POLICY,
    NETWORK_POLICY,
    Kind,
    Ref,
)
from bolwerk.core.policy import reach
from bolwerk.core.policy.reach import Opening
from bolwerk.core.selectors import matches

__all__ = ["BEFORE", "Scope", "Suspect"]

Object: TypeAlias = Mapping[str, Any]

KUBERNETES_TIER = 1000.0
"""Of Calico, for Kubernetes' own cluster-wide policies."""
DEFAULT_TIER, DEFAULT_TIER_ORDER = "default", 1_000_000.0
"""Of Calico, for NetworkPolicies and all that name no tier."""
LAST = float("inf")
NARROW = "or narrow its egress to spec.internal.networks"


@dataclass(frozen=True, slots=True)
class Scope:
    """The wall, the rules of others, and the governed namespaces with their labels."""

    intent: Intent
    rules: Mapping[Kind, tuple[Object, ...]]
    governed: Mapping[str, Mapping[str, str]]

    def of(self, kind: Kind) -> tuple[Object, ...]:
        """Return the rules of a kind."""
        return self.rules.get(kind, ())


@dataclass(frozen=True, slots=True)
class Suspect:
    """A rule that the wall does not decide over: what it opens, why the wall cannot help it, and the mend."""

    ref: Ref
    openings: Iterable[Opening]
    because: str


def _suspect(kind: Kind, rule: Object, openings: Iterable[Opening], because: str) -> Suspect:
    metadata = rule["metadata"]
    return Suspect(Ref(kind, metadata.get("namespace", ""), metadata["name"]), openings, because)


def _with_cilium(scope: Scope) -> Iterator[Suspect]:
    """Yield what comes before a denial of Cilium's: nothing of its own, but the Admin tier (Cilium 1.20)."""
    yield from _accepting(
        scope, f"the Admin tier comes before Cilium's own policies: let it Pass and not Accept, {NARROW}"
    )


def _with_calico(scope: Scope) -> Iterator[Suspect]:
    """Yield the policies of tiers before the wall's, and those before it in its own."""
    intent = scope.intent
    own = (calico.tier_order(intent), intent.name, intent.priority, f"{intent.name}{calico.POLICY_NAME}")
    orders = _tier_orders(scope) | {intent.name: calico.tier_order(intent)}
    for policy in scope.of(GLOBAL_NETWORK_POLICY):
        tier = _tier(policy)
        if (orders.get(tier, LAST), tier, _order(policy), policy["metadata"]["name"]) >= own:
            continue
        if tier == intent.name:
            opens = frozenset({"Allow", "Pass"})
            because = f"it comes before the wall in the wall's own tier {tier}: move it to a later tier, {NARROW}"
        else:
            opens = frozenset({"Allow"})
            because = f"tier {tier} comes before the wall's: give it an order above {own[0]}, {NARROW}"
        yield _suspect(GLOBAL_NETWORK_POLICY, policy, reach.by_calico(policy, opens=opens), because)


def _with_admin_network_policy(scope: Scope) -> Iterator[Suspect]:
    yield from _not_after(scope, ADMIN_NETWORK_POLICY, scope.of(ADMIN_NETWORK_POLICY), opens={"Allow", "Pass"})


def _with_cluster_network_policy(scope: Scope) -> Iterator[Suspect]:
    yield from _not_after(scope, CLUSTER_NETWORK_POLICY, _in_admin_tier(scope), opens={"Accept", "Pass"})
    yield from _calico_accepting(scope, KUBERNETES_TIER)


def _with_network_policy(scope: Scope) -> Iterator[Suspect]:
    """Yield what adds to NetworkPolicies, and what comes before all of them."""
    adds_up = "policies only add up"
    mend = "narrow its egress to spec.internal.networks and pods, or use a backend with rules for the whole cluster"
    for policy in scope.of(NETWORK_POLICY):
        if policy["metadata"]["namespace"] in scope.governed and concerns_egress(policy):
            yield _suspect(NETWORK_POLICY, policy, reach.by_networkpolicy(policy), f"{adds_up}; {mend}")
    for kind in (CILIUM_NETWORK_POLICY, CILIUM_CLUSTERWIDE_NETWORK_POLICY):
        for policy in scope.of(kind):
            if policy["metadata"].get("namespace") in {None, *scope.governed}:
                yield _suspect(kind, policy, reach.by_cilium(policy), f"{adds_up}; {mend}")
    yield from _accepting(scope, f"it comes before all NetworkPolicies; let it Pass, {NARROW}")
    yield from _calico_accepting(scope, DEFAULT_TIER_ORDER)


BEFORE: Mapping[str, Callable[[Scope], Iterator[Suspect]]] = {
    "Cilium": _with_cilium,
    "Calico": _with_calico,
    "AdminNetworkPolicy": _with_admin_network_policy,
    "ClusterNetworkPolicy": _with_cluster_network_policy,
    "NetworkPolicy": _with_network_policy,
}
"""By the name of the backend that holds the wall."""


def _not_after(scope: Scope, kind: Kind, policies: Iterable[Object], *, opens: Container[str]) -> Iterator[Suspect]:
    """Yield the policies of the wall's own kind that are not after it. Pass skips the wall as Accept does."""
    mine = scope.intent.priority
    for policy in policies:
        priority = policy["spec"]["priority"]
        if priority > mine or not _concerns_governed(policy, scope):
            continue
        because = (
            f"it has the wall's priority {mine}, and which comes first is undefined"
            if priority == mine
            else f"its priority {priority} comes before the wall's"
        )
        openings = reach.by_ordered_rules(policy, opens=opens)
        yield _suspect(kind, policy, openings, f"{because}; give it one above {mine}, {NARROW}")


def _accepting(scope: Scope, because: str) -> Iterator[Suspect]:
    """Yield the policies that decide for good before any that a namespace or a plugin has of its own."""
    for kind, policies, verb in (
        (CLUSTER_NETWORK_POLICY, _in_admin_tier(scope), "Accept"),
        (ADMIN_NETWORK_POLICY, scope.of(ADMIN_NETWORK_POLICY), "Allow"),
    ):
        for policy in policies:
            if _concerns_governed(policy, scope):
                yield _suspect(kind, policy, reach.by_ordered_rules(policy, opens={verb}), because)


def _calico_accepting(scope: Scope, last: float) -> Iterator[Suspect]:
    """Yield Calico's policies that decide for good before those of a tier, or among them: its end denies the rest."""
    orders = _tier_orders(scope)
    for policy in scope.of(GLOBAL_NETWORK_POLICY):
        tier = _tier(policy)
        if orders.get(tier, LAST) <= last:
            because = f"Calico decides tier {tier} before Kubernetes' policies or among them; let it Pass, {NARROW}"
            yield _suspect(GLOBAL_NETWORK_POLICY, policy, reach.by_calico(policy, opens={"Allow"}), because)


def _in_admin_tier(scope: Scope) -> list[Object]:
    return [policy for policy in scope.of(CLUSTER_NETWORK_POLICY) if policy["spec"].get("tier") == "Admin"]


def _concerns_governed(policy: Object, scope: Scope) -> bool:
    """Whether a cluster-wide policy's subject lies in a governed namespace. Which of its pods is not looked at."""
    subject = policy["spec"]["subject"]
    selector = subject.get("namespaces")
    if selector is None:
        selector = (subject.get("pods") or {}).get("namespaceSelector") or {}
    try:
        return any(matches(selector, labels) for labels in scope.governed.values())
    except ValueError:
        return True  # an operator of a later Kubernetes


def _tier_orders(scope: Scope) -> dict[str, float]:
    return {DEFAULT_TIER: DEFAULT_TIER_ORDER} | {
        tier["metadata"]["name"]: _order(tier) for tier in scope.of(CALICO_TIER)
    }


def _tier(policy: Object) -> str:
    return (policy.get("spec") or {}).get("tier") or DEFAULT_TIER


def _order(thing: Object) -> float:
    """Return the order of a tier or of a policy in one; without any it comes last."""
    order = (thing.get("spec") or {}).get("order")
    return LAST if order is None else float(order)
