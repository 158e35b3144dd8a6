"""A document as one HTML page that needs nothing else: readable in a browser, on paper, and by a screen reader."""

from __future__ import annotations

from jinja2 import Environment, StrictUndefined

from bolwerk.core.report.document import Document, Said, Value
from bolwerk.core.report.visible import NOTHING, visible

__all__ = ["as_html"]


def as_html(document: Document, template: str) -> str:
    """Return the page.

    Parameters
    ----------
    template
        The shipped one; it gets the document, and escapes every text.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"visible": visible, "items": _items}
    environment.tests["said"] = _is_said
    return environment.from_string(template).render(document=document) + "\n"


def _items(value: Value) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _is_said(text: str) -> bool:
    """Whether somebody else has written it: shown with a direction of its own."""
    return isinstance(text, Said) and visible(text) != NOTHING
