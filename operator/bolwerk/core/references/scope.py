"""Where a scan looks, and what counts there, under one SovereigntyPolicy."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network

from bolwerk.core.admission.environment import CLUSTER_RANGES
from bolwerk.core.catalogue import decisions
from bolwerk.core.egress.intent import Intent
from bolwerk.core.policy.catalogue import catalogue_in_use
from bolwerk.core.policy.observed import Observed
from bolwerk.core.policy.overlaps import governed
from bolwerk.core.policy.subject import Subject
from bolwerk.core.references.look import Rules
from bolwerk.core.settings import Settings

__all__ = ["Scope", "scope"]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a scan for one policy is told.

    Attributes
    ----------
    namespaces
        Those that the policy governs, in order; no namespace is in the scopes of two policies.
    """

    policy: str
    namespaces: tuple[str, ...]
    rules: Rules


def scope(observed: Observed, settings: Settings) -> Scope:
    """Return the scope of a policy.

    Raises
    ------
    InvalidSpecError
        If the policy cannot be acted upon; its status says so.
    """
    subject = Subject.of(observed.policy, settings)
    catalogue, _ = catalogue_in_use(observed.overlay, settings)  # what is wrong with an overlay is said in the status
    intent = Intent.of(subject)
    return Scope(
        policy=subject.name,
        namespaces=governed(observed, settings),
        rules=Rules(
            decisions=decisions(catalogue, subject.spec.catalogue),
            inside=(*intent.internal, *(ip_network(each) for each in CLUSTER_RANGES)),
            outward=intent.outward,
        ),
    )
