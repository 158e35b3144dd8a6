"""What is worth a warning and not a refusal, in both modes: it may be right, and nobody can tell here."""

from __future__ import annotations

from bolwerk.core.admission.cel import items, told
from bolwerk.core.admission.environment import INSTEAD, check, endpoint_variables, naming
from bolwerk.core.admission.excepted import unless
from bolwerk.core.admission.keys import key_check
from bolwerk.core.admission.names import IN_CLUSTER, Names, host_of, hosts_in
from bolwerk.core.admission.rule import Check
from bolwerk.core.admission.suspects import VALUE, suspects
from bolwerk.core.admission.workloads import CONTAINERS, POD_SPEC
from bolwerk.core.catalogue import Decisions
from bolwerk.core.policy.subject import Subject

__all__ = ["alert_checks"]


def alert_checks(subject: Subject, decided: Decisions, names: Names) -> tuple[Check, ...]:
    """Return the checks."""
    return (
        _alerted(decided, names),
        _unknown(decided, names),
        _arguments(names),
        _node_dns(),
        key_check(subject, decided, names, "Alert"),
        key_check(subject, decided, names, "Refuse", "Alert", sees_all=False),
    )


def _alerted(decided: Decisions, names: Names) -> Check:
    return check(
        "alerted",
        naming(names, "Alert"),
        f"names %s, which serves AI endpoints among other things; if it is used for those, {INSTEAD}",
        f"{hosts_in('e.value')}.filter(h, {names.decided('h', 'Alert')})[0]",
        uses=suspects(decided, names),
    )


def _unknown(decided: Decisions, names: Names) -> Check:
    known = f"{names.decision('h')} == ''{unless(names.excepted.host('h'))}"
    name = f"!isIP(h) && !h.contains(':') && !h.matches({IN_CLUSTER}) && {known}"
    return check(
        "unknown",
        # What is put together from other variables is no host yet.
        f"e.name in variables.endpoints && !{VALUE}.contains('$(') && {host_of(VALUE)}.exists(h, {name})",
        f"has a host that is no name of this cluster; if it is not yours, {INSTEAD}",
        uses={**suspects(decided, names), **endpoint_variables(decided)},
    )


def _arguments(names: Names) -> Check:
    words = f"({items('c.?command')} + {items('c.?args')})"
    named = f"{hosts_in('w')}.exists(h, {names.decided('h', 'Refuse', 'Alert')})"
    offends = f"{words}.exists(w, {named})"
    return Check(
        f"!variables.containers.exists(c, {offends})",
        f"a command line names an external AI endpoint; {INSTEAD}",
        named=told(
            f"container %s: its command line names an external AI endpoint; {INSTEAD}",
            f"variables.containers.filter(c, {offends})[0].name",
        ),
        variables={**CONTAINERS, **names.variables},
    )


def _node_dns() -> Check:
    return Check(
        "variables.spec.?dnsPolicy.orValue('') != 'Default'",
        "dnsPolicy Default asks the node's resolvers, which do not refuse what the cluster's DNS refuses; use "
        "ClusterFirst",
        variables=POD_SPEC,
    )
