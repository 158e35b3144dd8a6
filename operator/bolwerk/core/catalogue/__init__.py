"""The catalogue of external AI endpoints: its file, its matching, and what a policy decides about it."""

from bolwerk.core.catalogue.age import age_days, stale
from bolwerk.core.catalogue.catalogue import Catalogue, Match
from bolwerk.core.catalogue.decisions import Decision, Decisions, Ruling, decisions
from bolwerk.core.catalogue.overlay import overlay_text, with_overlay
from bolwerk.core.catalogue.parse import parse
from bolwerk.core.catalogue.reading import CatalogueError
from bolwerk.core.catalogue.schema import Group

__all__ = [
    "Catalogue",
    "CatalogueError",
    "Decision",
    "Decisions",
    "Group",
    "Match",
    "Ruling",
    "age_days",
    "decisions",
    "overlay_text",
    "parse",
    "stale",
    "with_overlay",
]
