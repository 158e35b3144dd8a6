"""A report for machines: the facts as they are, under camelCase names, in ASCII so that no terminal obeys them."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic.alias_generators import to_camel

from bolwerk.core.report.facts import Report

__all__ = ["SCHEMA", "as_json"]

SCHEMA = "bolwerk.dev/report/v1alpha1"


def as_json(report: Report) -> str:
    """Return the report as JSON."""
    return json.dumps({"schema": SCHEMA, **_plain(report)}, indent=2, ensure_ascii=True)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {to_camel(field.name): _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value
