"""Services that lead out: names of others, and addresses that are not this cluster's."""

from __future__ import annotations

from bolwerk.core.admission.cel import items, told
from bolwerk.core.admission.names import IN_CLUSTER
from bolwerk.core.admission.networks import internal, network_variables
from bolwerk.core.admission.rule import Check, Resources, Rule
from bolwerk.core.policy.subject import Subject

__all__ = ["services_rule"]


def services_rule(subject: Subject) -> Rule:
    """Return the rule.

    Any name outside the cluster is refused, in the catalogue or not: a CNAME can be pointed elsewhere tomorrow, and
    the address that a network plugin then sees "may or may not" count as the Service's.
    """
    addresses = items("object.spec.?externalIPs")
    name = "object.spec.?externalName.orValue('')"
    instead = (
        "make it a Service with a selector, name another Service of the cluster (NAME.NAMESPACE.svc.cluster.local), or "
        "let the application use a declared internal address; for a model, use the in-cluster URL of a LocalModel "
        "(kubectl get localmodels -A -o wide)"
    )
    elsewhere = "take it away, or let the platform team declare its network in spec.internal.networks"
    return Rule(
        name="services",
        resources=(Resources("", "v1", ("services",), ("CREATE", "UPDATE")),),
        conditions={"new-or-changed-spec": "oldObject == null || object.spec != oldObject.spec"},
        variables=network_variables(subject),
        checks=(
            Check(
                f"object.spec.?type.orValue('') != 'ExternalName' || {name}.lowerAscii().matches({IN_CLUSTER})",
                f"a Service of type ExternalName leads out of the cluster; {instead}",
                named=told(f"ExternalName %s leads out of the cluster; {instead}", name),
            ),
            Check(
                f"{addresses}.all(a, {internal('a')})",
                f"externalIPs: an address outside the declared internal networks; {elsewhere}",
                named=told(
                    f"externalIPs: %s is outside the declared internal networks; {elsewhere}",
                    f"{addresses}.filter(a, !{internal('a')})[0]",
                ),
            ),
        ),
    )
