"""The two admission policies about pods: what is refused, and what is only warned of.

Everything about pods is in these two, because for each policy the API server translates the whole pod anew.
"""

from __future__ import annotations

from bolwerk.core.admission.alerts import alert_checks
from bolwerk.core.admission.callers import operator
from bolwerk.core.admission.environment import environment_checks
from bolwerk.core.admission.excepted import NOTHING_EXCEPTED, Excepted
from bolwerk.core.admission.host import host_checks
from bolwerk.core.admission.keys import key_check
from bolwerk.core.admission.names import names_of
from bolwerk.core.admission.proxies import proxy_check
from bolwerk.core.admission.resolvers import resolver_checks
from bolwerk.core.admission.rule import Rule
from bolwerk.core.admission.suspects import size_check
from bolwerk.core.admission.workloads import CHANGED, WORKLOADS
from bolwerk.core.catalogue import Decisions
from bolwerk.core.policy.subject import Subject
from bolwerk.core.settings import Settings

__all__ = ["pod_rules"]


def pod_rules(
    subject: Subject, decided: Decisions, settings: Settings, excepted: Excepted = NOTHING_EXCEPTED
) -> tuple[Rule, ...]:
    """Return the rules.

    The operator makes no pod itself but the probes, which have to name what they are to try. What a LocalModel says
    comes to the API server in a Deployment, and is judged there.
    """
    conditions = {**CHANGED, "not-a-probe": f"object.kind != 'Pod' || !({operator(settings)})"}
    names = names_of(decided, excepted)
    refused = (
        *host_checks(),
        size_check(),
        *environment_checks(subject, decided, names),
        key_check(subject, decided, names, "Refuse"),
        *resolver_checks(subject, names),
        proxy_check(subject, decided, names),
    )
    alerts = alert_checks(subject, decided, names)
    return (
        Rule(name="pods", resources=WORKLOADS, conditions=conditions, checks=refused),
        Rule(name="alerts", resources=WORKLOADS, conditions=conditions, checks=alerts, warns=True),
    )
