"""How old a catalogue is: names change monthly, and what was never reviewed again protects less than it seems to."""

from __future__ import annotations

from datetime import date, datetime

from bolwerk.core.catalogue.catalogue import Catalogue

__all__ = ["STALE_DAYS", "age_days", "stale"]

STALE_DAYS = 180


def age_days(catalogue: Catalogue, now: datetime) -> int:
    """Return the days since the older of the shipped catalogue and its overlay was reviewed, never less than 0.

    Neither makes the other younger: an overlay answers for the groups in it, and may itself be forgotten.
    """
    return max(0, *((now.date() - _day(version)).days for version in catalogue.version.split(" + overlay ")))


def stale(catalogue: Catalogue, now: datetime) -> str | None:
    """Return what to say of a catalogue that is too old, or None."""
    age = age_days(catalogue, now)
    if age <= STALE_DAYS:
        return None
    return (
        f"the catalogue {catalogue.version} is {age} days old, more than {STALE_DAYS}: upgrade Bolwerk, and"
        f" review the overlay where there is one (ConfigMap bolwerk-catalogue); the wall does not depend on it"
    )


def _day(version: str) -> date:
    year, month, day = (int(part) for part in version.split(".")[:3])
    return date(year, month, day)
