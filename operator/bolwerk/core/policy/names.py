"""What follows from the catalogue: which names are refused, by admission and in DNS.

Never the wall, and never in its way: whatever is wrong with a catalogue, the packets stay blocked.
"""

from __future__ import annotations

from dataclasses import dataclass

from bolwerk.core.admission import admission
from bolwerk.core.catalogue import Catalogue, CatalogueError, decisions, overlay_text, with_overlay
from bolwerk.core.catalogue.dns import dns_config_map
from bolwerk.core.conditions import Condition, true
from bolwerk.core.invalid import InvalidSpecError
from bolwerk.core.plan import Manifest
from bolwerk.core.policy.observed import Observed
from bolwerk.core.policy.subject import Subject
from bolwerk.core.reasons import Reason
from bolwerk.core.settings import Settings

__all__ = ["Names", "names"]


@dataclass(frozen=True, slots=True)
class Names:
    """What is decided about names.

    Attributes
    ----------
    catalogue
        The one that decided: the shipped one, with the overlay where there is a good one.
    objects
        Admission policies, their bindings and the snippet for CoreDNS, to be applied in this order.
    objection
        Why `objects` are not what the policy asks for, or None. Then those that exist already stay as they are:
        what refused a name yesterday goes on refusing it.
    """

    catalogue: Catalogue
    objects: tuple[Manifest, ...]
    objection: Condition | None = None


def names(subject: Subject, observed: Observed, settings: Settings, *, backend: str) -> Names:
    """Decide which names are refused, beside a wall that `backend` holds."""
    catalogue, objection = settings.catalogue, None
    if observed.overlay is not None:
        try:
            catalogue = with_overlay(catalogue, overlay_text(observed.overlay))
        except CatalogueError as error:
            metadata = observed.overlay["metadata"]
            where = f"ConfigMap {metadata['namespace']}/{metadata['name']}"
            objection = true("Stalled", Reason.OVERLAY_REFUSED, f"{where}: {error}. What was refused before stays so.")
    try:
        decided = decisions(catalogue, subject.spec.catalogue)
        objects = (
            *admission(subject, decided, settings, backend=backend),
            dns_config_map(subject, decided, settings),
        )
    except InvalidSpecError as error:
        message = f"{error}. The wall stands; which names are refused stays as it was."
        return Names(catalogue, (), true("Stalled", Reason.INVALID_SPEC, message))
    return Names(catalogue, objects, objection)
