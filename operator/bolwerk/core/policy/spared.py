"""Names that DNS has to answer because an exception is open for them.

DNS does not know who asks, so it answers everybody. The wall stands for all others, and each question is told of.
Admission knows who asks, and spares nobody but the pods of the exception (`policy/excepted`).
"""

from __future__ import annotations

from collections.abc import Iterable

from bolwerk.api.sovereigntypolicy import Catalogue as Choice
from bolwerk.api.sovereigntypolicy import CatalogueEntry
from bolwerk.core.catalogue import Decisions
from bolwerk.core.catalogue.names import parents

__all__ = ["sparing"]

GROUP = "bolwerk-open-exceptions"
MOST = 250
"""Names of one group, of which a catalogue takes 256."""


def sparing(choice: Choice, decided: Decisions, domains: Iterable[str]) -> Choice:
    """Return the policy's choice with what is asked for moved from refusing to telling.

    Parameters
    ----------
    decided
        What the choice comes to by itself: only what it refuses has to be spared.
    domains
        Names, and `*.` with a name.
    """
    asked = [domain for domain in domains if _refused(domain, decided)]
    wide = {domain.removeprefix("*.") for domain in asked if domain.startswith("*.")}
    suffixes = sorted(each for each in wide if not wide.intersection(list(parents(each))[1:]))
    hosts = sorted({each for each in asked if not each.startswith("*.") and wide.isdisjoint(parents(each))})
    entries = [
        CatalogueEntry.model_construct(
            name=f"{GROUP}-{kind}-{start // MOST + 1}",
            suffixes=tuple(names[start : start + MOST]) if kind == "domains" else (),
            hosts=tuple(names[start : start + MOST]) if kind == "names" else (),
        )
        for kind, names in (("domains", suffixes), ("names", hosts))
        for start in range(0, len(names), MOST)
    ]
    if not entries:
        return choice
    told = (*choice.alert, *(entry.name for entry in entries))
    return choice.model_copy(update={"entries": (*choice.entries, *entries), "alert": told})


def _refused(domain: str, decided: Decisions) -> bool:
    name = domain.removeprefix("*.")
    return any(
        ruling is not None and ruling.decision == "Refuse"
        for ruling in (decided.find(name), decided.find(f"any.{name}") if name != domain else None)
    )
