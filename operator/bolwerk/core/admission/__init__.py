"""What the API server itself refuses in governed namespaces, whether the operator runs or not: one module per rule."""

from __future__ import annotations

from bolwerk.core.admission.alerts import alert_rules
from bolwerk.core.admission.endpoints import endpoints_rule
from bolwerk.core.admission.environment import environment_rule
from bolwerk.core.admission.host import host_rule
from bolwerk.core.admission.keys import keys_rule
from bolwerk.core.admission.labels import labels_rule
from bolwerk.core.admission.models import models_rule
from bolwerk.core.admission.names import names_of
from bolwerk.core.admission.namespaces import namespaces_rule
from bolwerk.core.admission.proxies import proxies_rule
from bolwerk.core.admission.resolvers import resolvers_rule
from bolwerk.core.admission.rule import Rule, binding, policy
from bolwerk.core.admission.services import services_rule
from bolwerk.core.admission.wall import wall_rule
from bolwerk.core.admission.widening import widening_rule
from bolwerk.core.catalogue import Decisions
from bolwerk.core.plan import Manifest
from bolwerk.core.policy.subject import Subject
from bolwerk.core.settings import Settings

__all__ = ["admission"]


def admission(subject: Subject, decided: Decisions, settings: Settings, *, backend: str) -> tuple[Manifest, ...]:
    """Return the admission policies and then their bindings: a binding to a policy that is not there does nothing.

    Parameters
    ----------
    backend
        Who blocks the packets. Where that is NetworkPolicy, other NetworkPolicies must not undo it.
    """
    rules = _rules(subject, decided, settings, backend)
    return (*(policy(rule, subject) for rule in rules), *(binding(rule, subject) for rule in rules))


def _rules(subject: Subject, decided: Decisions, settings: Settings, backend: str) -> tuple[Rule, ...]:
    names = names_of(decided)
    return (
        host_rule(),
        services_rule(subject),
        endpoints_rule(subject),
        environment_rule(subject, decided, names),
        keys_rule(subject, decided),
        resolvers_rule(subject, names),
        proxies_rule(subject, decided),
        *alert_rules(subject, decided, names),
        wall_rule(subject, settings),
        models_rule(subject, settings),
        labels_rule(subject, settings),
        namespaces_rule(subject),
        *((widening_rule(subject, settings),) if backend == "NetworkPolicy" else ()),
    )
