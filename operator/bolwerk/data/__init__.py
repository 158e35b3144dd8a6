"""What ships inside the package as data. The core never reads it: it is handed to it."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["catalogue_text", "report_template"]


def catalogue_text() -> str:
    """Return the shipped catalogue of external AI endpoints."""
    return files(__name__).joinpath("catalogue.yaml").read_text(encoding="utf-8")


def report_template() -> str:
    """Return the template of the report's page."""
    return files(__name__).joinpath("report.html.j2").read_text(encoding="utf-8")
