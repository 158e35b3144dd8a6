"""What is worth a warning and not a refusal, in both modes: it may be right, and nobody can tell here."""

from __future__ import annotations

from bolwerk.core.admission.cel import items, told
from bolwerk.core.admission.environment import INSTEAD, check, endpoint_variables, naming, unknown
from bolwerk.core.admission.keys import key_checks, key_variables
from bolwerk.core.admission.names import Names, hosts_in
from bolwerk.core.admission.rule import Check, Rule
from bolwerk.core.admission.workloads import CHANGED, CONTAINERS, WORKLOADS
from bolwerk.core.catalogue import Decisions
from bolwerk.core.policy.subject import Subject

__all__ = ["alert_rules"]


def alert_rules(subject: Subject, decided: Decisions, names: Names) -> tuple[Rule, ...]:
    """Return the rules: names and keys that are alerted about, and those that may be refused or not."""
    return (
        Rule(
            name="alerts",
            resources=WORKLOADS,
            conditions=CHANGED,
            variables={**CONTAINERS, **names.variables, **endpoint_variables(decided)},
            checks=(_alerted(names), _unknown(names), _arguments(names), _node_dns()),
            warns=True,
        ),
        Rule(
            name="key-alerts",
            resources=WORKLOADS,
            conditions=CHANGED,
            variables={**CONTAINERS, **key_variables(decided, ("Alert",))},
            checks=key_checks(subject, sees_all=True),
            warns=True,
        ),
        Rule(
            name="key-doubts",
            resources=WORKLOADS,
            conditions=CHANGED,
            variables={**CONTAINERS, **key_variables(decided, ("Refuse", "Alert"))},
            checks=key_checks(subject, sees_all=False),
            warns=True,
        ),
    )


def _alerted(names: Names) -> Check:
    host = f"{hosts_in('e.value')}.filter(h, {names.decision('h')} == 'Alert')[0]"
    sentence = f"names %s, which serves AI endpoints among other things; if it is used for those, {INSTEAD}"
    return check("alerted", naming(names, "Alert"), sentence, host)


def _unknown(names: Names) -> Check:
    return check(
        "unknown", unknown(names), f"has a host that is no name of this cluster; if it is not yours, {INSTEAD}"
    )


def _arguments(names: Names) -> Check:
    words = f"({items('c.?command')} + {items('c.?args')})"
    named = f"{hosts_in('w')}.exists(h, {names.decision('h')} in ['Refuse', 'Alert'])"
    offends = f"{words}.exists(w, {named})"
    return Check(
        f"!variables.containers.exists(c, {offends})",
        f"a command line names an external AI endpoint; {INSTEAD}",
        named=told(
            f"container %s: its command line names an external AI endpoint; {INSTEAD}",
            f"variables.containers.filter(c, {offends})[0].name",
        ),
    )


def _node_dns() -> Check:
    return Check(
        "variables.spec.?dnsPolicy.orValue('') != 'Default'",
        "dnsPolicy Default asks the node's resolvers, which do not refuse what the cluster's DNS refuses; use "
        "ClusterFirst",
    )
