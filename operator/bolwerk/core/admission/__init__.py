"""What the API server itself refuses in governed namespaces, whether the operator runs or not: one module per rule."""

from __future__ import annotations

import json
from dataclasses import dataclass

from bolwerk.core.admission.endpoints import endpoints_rule
from bolwerk.core.admission.excepted import Excepted
from bolwerk.core.admission.labels import labels_rule
from bolwerk.core.admission.models import models_rule
from bolwerk.core.admission.namespaces import namespaces_rule
from bolwerk.core.admission.pods import pod_rules
from bolwerk.core.admission.rule import Rule, binding, policy
from bolwerk.core.admission.services import services_rule
from bolwerk.core.admission.wall import wall_rule
from bolwerk.core.admission.widening import widening_rule
from bolwerk.core.catalogue import Decisions
from bolwerk.core.egress.hole import Hole
from bolwerk.core.invalid import InvalidSpecError
from bolwerk.core.plan import Manifest
from bolwerk.core.policy.subject import Subject
from bolwerk.core.settings import Settings

__all__ = ["Admission", "admission"]

LARGEST = 1_000_000
"""Bytes; etcd takes requests of 1.5 MiB."""
FOR_EXCEPTIONS = 10_000
"""Bytes of the checks that ask whether an exception is open, beside the holes themselves."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What the API server refuses.

    Attributes
    ----------
    objects
        The admission policies and then their bindings: a binding to a policy that is not there does nothing.
    left_out
        The holes that admission has no room for: what they lead to is refused all the same.
    """

    objects: tuple[Manifest, ...]
    left_out: tuple[Hole, ...] = ()


def admission(
    subject: Subject, decided: Decisions, settings: Settings, *, backend: str, holes: tuple[Hole, ...] = ()
) -> Admission:
    """Return what is refused, and what is let through because an exception is open.

    Parameters
    ----------
    backend
        Who blocks the packets. Where that is NetworkPolicy, other NetworkPolicies must not undo it.
    holes
        What of approved exceptions is open in the live wall.

    Raises
    ------
    InvalidSpecError
        If the catalogue has more names than an API server can keep in one object.
    """
    pods = pod_rules(subject, decided, settings)
    rules = (*pods, *_others(subject, settings, backend))
    policies = tuple(policy(rule, subject) for rule in rules)
    sizes = [len(json.dumps(each)) for each in policies]
    for each, size in zip(policies, sizes, strict=True):
        if size > LARGEST:
            raise InvalidSpecError(
                f"the catalogue has too many names for admission ({each['metadata']['name']} would have {size} bytes "
                f"of at most {LARGEST}): take entries out of spec.catalogue.entries or of the overlay, or write one "
                "suffix for many names"
            )
    excepted = Excepted.of(holes, decided, room=LARGEST - max(sizes[: len(pods)]) - FOR_EXCEPTIONS) if holes else None
    if excepted:
        pods = pod_rules(subject, decided, settings, excepted)
        policies = (*(policy(rule, subject) for rule in pods), *policies[len(pods) :])
    return Admission((*policies, *(binding(rule, subject) for rule in rules)), excepted.left_out if excepted else ())


def _others(subject: Subject, settings: Settings, backend: str) -> tuple[Rule, ...]:
    return (
        services_rule(subject),
        endpoints_rule(subject),
        wall_rule(subject, settings),
        models_rule(subject, settings),
        labels_rule(subject, settings),
        namespaces_rule(subject),
        *((widening_rule(subject, settings),) if backend == "NetworkPolicy" else ()),
    )
