"""Addresses put behind a Service by hand: a Service without a selector reaches whatever its EndpointSlices say."""

from __future__ import annotations

from bolwerk.core.admission.callers import CONTROLLERS
from bolwerk.core.admission.cel import items, told
from bolwerk.core.admission.names import IN_CLUSTER
from bolwerk.core.admission.networks import internal, network_variables
from bolwerk.core.admission.rule import Check, Resources, Rule
from bolwerk.core.policy.subject import Subject

__all__ = ["endpoints_rule"]

_INSTEAD = (
    "give the Service a selector, so that Kubernetes fills in the addresses of its pods, or let the platform team "
    "declare the network in spec.internal.networks"
)


def endpoints_rule(subject: Subject) -> Rule:
    """Return the rule.

    The address of a pod is refused too when somebody writes it by hand: that it is a pod's is only said, by a
    `targetRef` that anybody can write. The controllers that follow selectors are not asked.
    """
    # Both kinds are judged by the one expression, and each lacks the other's fields.
    this = "dyn(object)"
    inside = f"({this}.addressType == 'FQDN' ? a.lowerAscii().matches({IN_CLUSTER}) : {internal('a')})"
    of_slice = items(f"{this}.?endpoints")
    slice_inside = f"e.addresses.all(a, {inside})"
    subsets = items(f"{this}.?subsets")
    of_subset = f"({items('s.?addresses')} + {items('s.?notReadyAddresses')})"
    subset_inside = f"{of_subset}.all(a, {internal('a.ip')})"
    first_of_subset = f"{of_subset}.filter(a, !{internal('a.ip')})[0].ip"
    said = f"%s is outside the declared internal networks; {_INSTEAD}"
    return Rule(
        name="endpoints",
        resources=(
            Resources("discovery.k8s.io", "v1", ("endpointslices",), ("CREATE", "UPDATE")),
            Resources("", "v1", ("endpoints",), ("CREATE", "UPDATE")),
        ),
        conditions={
            "not-by-a-controller-of-the-cluster": f"!{CONTROLLERS}",
            "new-or-changed-addresses": "oldObject == null || "
            + " || ".join(f"{this}.?{each} != dyn(oldObject).?{each}" for each in ("endpoints", "subsets")),
        },
        variables=network_variables(subject),
        checks=(
            Check(
                f"object.kind != 'EndpointSlice' || {of_slice}.all(e, {slice_inside})",
                f"an EndpointSlice leads to an address outside the declared internal networks; {_INSTEAD}",
                named=told(said, f"{of_slice}.filter(e, !{slice_inside})[0].addresses.filter(a, !{inside})[0]"),
            ),
            Check(
                f"object.kind != 'Endpoints' || {subsets}.all(s, {subset_inside})",
                f"Endpoints lead to an address outside the declared internal networks; {_INSTEAD}",
                named=told(said, f"{subsets}.filter(s, !{subset_inside}).map(s, {first_of_subset})[0]"),
            ),
        ),
    )
