"""How old a catalogue is: names change monthly, and what was never reviewed again protects less than it seems to."""

from __future__ import annotations

from datetime import date, datetime

from bolwerk.core.catalogue.catalogue import Catalogue

__all__ = ["STALE_DAYS", "age_days", "stale"]

STALE_DAYS = 180


def age_days(catalogue: Catalogue, now: datetime) -> int:
    """Return the days since the shipped catalogue was reviewed, never less than 0.

    An overlay does not make it younger: it answers for the groups in it, not for the others.
    """
    year, month, day = (int(part) for part in catalogue.version.partition(" ")[0].split(".")[:3])
    return max(0, (now.date() - date(year, month, day)).days)


def stale(catalogue: Catalogue, now: datetime) -> str | None:
    """Return what to say of a catalogue that is too old, or None."""
    age = age_days(catalogue, now)
    if age <= STALE_DAYS:
        return None
    return (
        f"the catalogue {catalogue.version} is {age} days old, more than {STALE_DAYS}: upgrade Bolwerk, or lay an"
        f" overlay of newer names on it (ConfigMap bolwerk-catalogue); the wall does not depend on it"
    )
