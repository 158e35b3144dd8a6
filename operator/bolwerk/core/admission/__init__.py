"""What the API server itself refuses in governed namespaces, whether the operator runs or not: one module per rule."""

from __future__ import annotations

import json

from bolwerk.core.admission.endpoints import endpoints_rule
from bolwerk.core.admission.labels import labels_rule
from bolwerk.core.admission.models import models_rule
from bolwerk.core.admission.namespaces import namespaces_rule
from bolwerk.core.admission.pods import pod_rules
from bolwerk.core.admission.rule import Rule, binding, policy
from bolwerk.core.admission.services import services_rule
from bolwerk.core.admission.wall import wall_rule
from bolwerk.core.admission.widening import widening_rule
from bolwerk.core.catalogue import Decisions
from bolwerk.core.invalid import InvalidSpecError
from bolwerk.core.plan import Manifest
from bolwerk.core.policy.subject import Subject
from bolwerk.core.settings import Settings

__all__ = ["admission"]

LARGEST = 1_000_000
"""Bytes; etcd takes requests of 1.5 MiB."""


def admission(subject: Subject, decided: Decisions, settings: Settings, *, backend: str) -> tuple[Manifest, ...]:
    """Return the admission policies and then their bindings: a binding to a policy that is not there does nothing.

    Parameters
    ----------
    backend
        Who blocks the packets. Where that is NetworkPolicy, other NetworkPolicies must not undo it.

    Raises
    ------
    InvalidSpecError
        If the catalogue has more names than an API server can keep in one object.
    """
    rules = _rules(subject, decided, settings, backend)
    policies = tuple(policy(rule, subject) for rule in rules)
    for each in policies:
        size = len(json.dumps(each))
        if size > LARGEST:
            raise InvalidSpecError(
                f"the catalogue has too many names for admission ({each['metadata']['name']} would have {size} bytes "
                f"of at most {LARGEST}): take entries out of spec.catalogue.entries or of the overlay, or write one "
                "suffix for many names"
            )
    return (*policies, *(binding(rule, subject) for rule in rules))


def _rules(subject: Subject, decided: Decisions, settings: Settings, backend: str) -> tuple[Rule, ...]:
    return (
        *pod_rules(subject, decided, settings),
        services_rule(subject),
        endpoints_rule(subject),
        wall_rule(subject, settings),
        models_rule(subject, settings),
        labels_rule(subject, settings),
        namespaces_rule(subject),
        *((widening_rule(subject, settings),) if backend == "NetworkPolicy" else ()),
    )
