"""What a site changes about the shipped catalogue: for clusters where a newer operator arrives late, or never.

Groups are replaced as a whole, never merged, so that what is in force can be read in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from bolwerk.core.catalogue.catalogue import Catalogue
from bolwerk.core.catalogue.parse import checked, whole
from bolwerk.core.catalogue.reading import CatalogueError, read
from bolwerk.core.catalogue.schema import OverlayFile, SiteEnvironment
from bolwerk.core.catalogue.spelling import nearest

__all__ = ["OVERLAY_KEY", "OVERLAY_NAME", "overlay_text", "with_overlay"]

OVERLAY_NAME = "bolwerk-catalogue"
"""The ConfigMap in the operator's namespace."""
OVERLAY_KEY = "catalogue.yaml"


def overlay_text(config_map: Mapping[str, Any]) -> str:
    """Return the overlay that a ConfigMap holds.

    Raises
    ------
    CatalogueError
        If it holds none.
    """
    data = config_map.get("data") or {}
    if OVERLAY_KEY not in data:
        keys = ", ".join(sorted([*data, *(config_map.get("binaryData") or {})])) or "nothing"
        raise CatalogueError(f"ConfigMap {OVERLAY_NAME} holds {keys}; the overlay has to stand under {OVERLAY_KEY}")
    return str(data[OVERLAY_KEY])


def with_overlay(catalogue: Catalogue, text: str) -> Catalogue:
    """Return a catalogue with an overlay laid on it, under both versions and a digest of its own.

    Raises
    ------
    CatalogueError
        If the overlay, or what it makes of the catalogue, cannot be used.
    """
    laid = _laid(catalogue, text)
    if isinstance(laid, str):
        raise CatalogueError(laid)
    return laid


@lru_cache(maxsize=4)
def _laid(catalogue: Catalogue, text: str) -> Catalogue | str:
    """Return the catalogue, or the fault: every reconciliation asks for the same one, and reading it takes a while."""
    try:
        return _combined(catalogue, read(text, OverlayFile))
    except CatalogueError as error:
        return str(error)


def _combined(catalogue: Catalogue, file: OverlayFile) -> Catalogue:
    for name in file.remove:
        if name not in catalogue.groups:
            raise CatalogueError(f"remove: there is no group {name}; {nearest(name, catalogue.groups)}")
        if name in file.groups:
            raise CatalogueError(f"remove: {name} stands under groups too; a group there replaces the shipped one")
    apexes = {*catalogue.shared_apexes, *file.shared_apexes}
    kept = {name: group for name, group in catalogue.groups.items() if name not in file.remove}
    return checked(
        Catalogue.of(
            version=f"{catalogue.version} + overlay {file.version}",
            # All of them: an apex that the overlay adds holds for the shipped groups as well.
            groups=whole({**kept, **file.groups}.values(), apexes),
            sources={**catalogue.sources, **file.sources},
            shared_apexes=apexes,
            environment=SiteEnvironment(
                endpoints=tuple(dict.fromkeys((*catalogue.environment.endpoints, *file.environment.endpoints))),
                proxies=tuple(dict.fromkeys((*catalogue.environment.proxies, *file.environment.proxies))),
            ),
        )
    )
