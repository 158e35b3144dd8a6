"""Pods that do not ask the cluster's DNS, or carry a table of their own: names that DNS refuses would resolve."""

from __future__ import annotations

from bolwerk.core.admission.cel import items, told
from bolwerk.core.admission.environment import INSTEAD
from bolwerk.core.admission.names import Names
from bolwerk.core.admission.networks import internal, network_variables
from bolwerk.core.admission.rule import Check
from bolwerk.core.admission.workloads import POD_SPEC
from bolwerk.core.policy.subject import Subject

__all__ = ["resolver_checks"]


def resolver_checks(subject: Subject, names: Names) -> tuple[Check, ...]:
    """Return the checks. Nameservers count with every dnsPolicy: with the others they are asked as well."""
    servers = items("variables.spec.?dnsConfig.?nameservers")
    aliases = items("variables.spec.?hostAliases")
    refused = f"{names.decision('n.lowerAscii()')} == 'Refuse'"
    of_alias = f"{items('a.?hostnames')}.exists(n, {refused})"
    elsewhere = "use dnsPolicy ClusterFirst, or let the platform team declare its network in spec.internal.networks"
    return (
        Check(
            f"{servers}.all(s, {internal('s')})",
            f"dnsConfig: a nameserver outside the declared internal networks; {elsewhere}",
            named=told(
                f"dnsConfig: nameserver %s is outside the declared internal networks; {elsewhere}",
                f"{servers}.filter(s, !{internal('s')})[0]",
            ),
            variables={**POD_SPEC, **network_variables(subject)},
        ),
        Check(
            f"!{aliases}.exists(a, {of_alias})",
            f"hostAliases give an address to the name of an external AI endpoint; {INSTEAD}",
            named=told(
                f"hostAliases give an address to %s, the name of an external AI endpoint; {INSTEAD}",
                f"{aliases}.filter(a, {of_alias})[0].hostnames.filter(n, {refused})[0]",
            ),
            variables={**POD_SPEC, **names.variables},
        ),
    )
