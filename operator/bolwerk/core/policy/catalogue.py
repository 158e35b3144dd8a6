"""The catalogue that counts for a policy: the shipped one, with the site's overlay where there is a good one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bolwerk.core.catalogue import Catalogue, CatalogueError, overlay_text, with_overlay
from bolwerk.core.conditions import Condition, true
from bolwerk.core.reasons import Reason
from bolwerk.core.settings import Settings

__all__ = ["catalogue_in_use"]


def catalogue_in_use(overlay: Mapping[str, Any] | None, settings: Settings) -> tuple[Catalogue, Condition | None]:
    """Return the catalogue, and why the overlay is not part of it, or None."""
    if overlay is None:
        return settings.catalogue, None
    try:
        return with_overlay(settings.catalogue, overlay_text(overlay)), None
    except CatalogueError as error:
        metadata = overlay["metadata"]
        where = f"ConfigMap {metadata['namespace']}/{metadata['name']}"
        message = f"{where}: {error}. What was refused before stays so."
        return settings.catalogue, true("Stalled", Reason.OVERLAY_REFUSED, message)
