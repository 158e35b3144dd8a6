"""NetworkPolicies that let more out, where the wall is made of NetworkPolicies: what one of them allows is allowed."""

from __future__ import annotations

from bolwerk.core.admission.callers import may_override, operator
from bolwerk.core.admission.cel import items
from bolwerk.core.admission.networks import network_variables
from bolwerk.core.admission.rule import Check, Resources, Rule
from bolwerk.core.policy.subject import Subject
from bolwerk.core.settings import Settings

__all__ = ["widening_rule"]


def widening_rule(subject: Subject, settings: Settings) -> Rule:
    """Return the rule. Pods and namespaces may be allowed, and networks within a declared one."""
    rules = items("object.spec.?egress")
    apart = "!(o.containsCIDR(p.ipBlock.cidr) || cidr(p.ipBlock.cidr).containsCIDR(o))"
    spared = f"{items('p.ipBlock.?except')}.exists(x, cidr(x).containsCIDR(o))"
    inside = (
        f"variables.internal.exists(n, n.containsCIDR(p.ipBlock.cidr)) && variables.outward.all(o, {apart} || {spared})"
    )
    narrow = f"{rules}.all(r, {items('r.?to')}.size() > 0 && r.to.all(p, !has(p.ipBlock) || ({inside})))"
    return Rule(
        name="widening",
        resources=(Resources("networking.k8s.io", "v1", ("networkpolicies",), ("CREATE", "UPDATE")),),
        conditions={"new-or-changed-spec": "oldObject == null || object.spec != oldObject.spec"},
        variables=network_variables(subject),
        checks=(
            Check(
                f"!('Egress' in {items('object.spec.?policyTypes')}) || {narrow} || {operator(settings)} || "
                f"{may_override(subject)}",
                f"this NetworkPolicy would let pods out that SovereigntyPolicy {subject.name} keeps in, because "
                "NetworkPolicies add up; under egress.to name pods, namespaces, or an ipBlock within "
                "spec.internal.networks, less the forward proxies and private endpoints in it, or ask for an "
                "EgressException",
            ),
        ),
    )
