"""Where a scan looks, and what counts there, under one SovereigntyPolicy."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network

from bolwerk.core.admission.environment import CLUSTER_RANGES
from bolwerk.core.catalogue import Catalogue, CatalogueError, decisions, overlay_text, with_overlay
from bolwerk.core.egress.intent import Intent
from bolwerk.core.policy.governed import exempt
from bolwerk.core.policy.observed import Observed
from bolwerk.core.policy.overlaps import governing
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
    spared = exempt(settings)
    others = [namespace for namespace in observed.namespaces if namespace["metadata"]["name"] not in spared]
    by = governing((observed.policy, *observed.others), others)
    intent = Intent.of(subject)
    return Scope(
        policy=subject.name,
        namespaces=tuple(sorted(name for name, policy in by.items() if policy == subject.name)),
        rules=Rules(
            decisions=decisions(_catalogue(observed, settings), subject.spec.catalogue),
            inside=(*intent.internal, *(ip_network(each) for each in CLUSTER_RANGES)),
            outward=intent.outward,
        ),
    )


def _catalogue(observed: Observed, settings: Settings) -> Catalogue:
    if observed.overlay is None:
        return settings.catalogue
    try:
        return with_overlay(settings.catalogue, overlay_text(observed.overlay))
    except CatalogueError:  # said in the status, where the overlay is told of
        return settings.catalogue
