"""What follows from the catalogue: which names are refused, by admission and in DNS.

Never the wall, and never in its way: whatever is wrong with a catalogue, the packets stay blocked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from bolwerk.core.admission import admission
from bolwerk.core.catalogue import Catalogue, decisions
from bolwerk.core.catalogue.dns import dns_config_map
from bolwerk.core.conditions import Condition, true
from bolwerk.core.egress.hole import Hole
from bolwerk.core.invalid import InvalidSpecError
from bolwerk.core.plan import Manifest
from bolwerk.core.policy.catalogue import catalogue_in_use
from bolwerk.core.policy.observed import Observed
from bolwerk.core.policy.spared import sparing
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
    left_out
        The holes that admission has no room for.
    """

    catalogue: Catalogue
    objects: tuple[Manifest, ...]
    objection: Condition | None = None
    left_out: tuple[Hole, ...] = ()

    @property
    def limits(self) -> tuple[str, ...]:
        """What of the policy cannot be expressed, a sentence each, for the status."""
        if not self.left_out:
            return ()
        sentence = (
            f"Admission has no room for {len(self.left_out)} of the open exceptions (the first is "
            f"{self.left_out[0].address}): their pods reach what is excepted but may not name it in a variable. Let "
            "some end, or name fewer destinations and plainer labels in each."
        )
        return (sentence,)


def names(
    subject: Subject,
    observed: Observed,
    settings: Settings,
    *,
    backend: str,
    spared: Iterable[str] = (),
    holes: tuple[Hole, ...] = (),
) -> Names:
    """Decide which names are refused, beside a wall that `backend` holds.

    Parameters
    ----------
    spared
        Domains for which an exception is due: DNS answers them.
    holes
        What is open in the live wall: admission lets it through.
    """
    catalogue, objection = catalogue_in_use(observed.overlay, settings)
    try:
        answered = tuple(sorted(set(spared)))
        found = _found(_Question.of(subject, catalogue, settings, backend=backend, spared=answered, holes=holes))
    except InvalidSpecError as error:
        message = f"{error}. The wall stands; which names are refused stays as it was."
        return Names(catalogue, (), true("Stalled", Reason.INVALID_SPEC, message))
    return replace(found, catalogue=catalogue, objection=objection)


@dataclass(frozen=True, slots=True)
class _Question:
    """What the objects depend on; two are equal when `identity` is, so that an answer can be remembered."""

    identity: str
    subject: Subject = field(compare=False)
    catalogue: Catalogue = field(compare=False)
    settings: Settings = field(compare=False)
    backend: str = field(compare=False)
    spared: tuple[str, ...] = field(compare=False)
    holes: tuple[Hole, ...] = field(compare=False)

    @classmethod
    def of(
        cls,
        subject: Subject,
        catalogue: Catalogue,
        settings: Settings,
        *,
        backend: str,
        spared: tuple[str, ...],
        holes: tuple[Hole, ...],
    ) -> _Question:
        spec = subject.spec.model_dump_json()
        installed = (settings.namespace, settings.service_account, settings.dns_namespace)
        parts = [subject.name, subject.uid, spec, subject.selector, catalogue.version, catalogue.digest, installed]
        identity = json.dumps([*parts, backend, spared, repr(holes)])
        return cls(identity, subject, catalogue, settings, backend, spared, holes)


# A cluster has few policies and they seldom change; a thousand names are rendered in tens of milliseconds, and every
# namespace that comes or goes asks again.
@lru_cache(maxsize=64)
def _found(question: _Question) -> Names:
    subject, settings = question.subject, question.settings
    choice = subject.spec.catalogue
    decided = decisions(question.catalogue, choice)
    answered = sparing(choice, decided, question.spared)
    in_dns = decided if answered is choice else decisions(question.catalogue, answered)
    judged = admission(subject, decided, settings, backend=question.backend, holes=question.holes)
    objects = (*judged.objects, dns_config_map(subject, in_dns, settings))
    return Names(question.catalogue, objects, left_out=judged.left_out)
