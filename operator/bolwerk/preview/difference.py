"""The difference between a live object and what would be applied, as far as Bolwerk owns its fields.

Both sides are YAML in the same shape, so that a reader sees what changes and nothing that others have put beside it.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from bolwerk.core.merge import MERGE_KEYS
from bolwerk.core.plan import Manifest
from bolwerk.preview.text import as_yaml

__all__ = ["projected", "unified"]


def unified(live: Mapping[str, Any] | None, desired: Mapping[str, Any] | None, *, exact: Sequence[str] = ()) -> str:
    """Return a unified diff, empty where nothing of Bolwerk's differs.

    Parameters
    ----------
    live, desired
        None where there is no object.
    exact
        Top-level fields that are shown as they are: a rule too many matters there.
    """
    before = as_yaml([projected(live, desired, exact=exact)], explicit_start=False) if live and desired else ""
    after = as_yaml([dict(desired)], explicit_start=False) if desired else ""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "live", "desired", lineterm="")
    return "\n".join(lines)


def projected(live: Mapping[str, Any], desired: Mapping[str, Any], *, exact: Sequence[str] = ()) -> Manifest:
    """Return of a live object what stands in the desired one too, in its order."""
    return {
        field: _ordered(live[field], value) if field in exact else _projected(live[field], value, field)
        for field, value in desired.items()
        if field in live
    }


def _projected(live: Any, desired: Any, name: str = "") -> Any:
    if isinstance(live, Mapping) and isinstance(desired, Mapping):
        return {field: _projected(live[field], value, field) for field, value in desired.items() if field in live}
    if isinstance(live, list) and isinstance(desired, Sequence) and not isinstance(desired, str):
        key = MERGE_KEYS.get(name, "")
        keyed = all(isinstance(item, Mapping) and key in item for item in (*live, *desired)) if key else False
        if keyed:
            by_key = {item[key]: item for item in live}
            return [_projected(by_key[item[key]], item) for item in desired if item[key] in by_key]
        if len(live) == len(desired):
            return [_projected(item, wanted) for item, wanted in zip(live, desired, strict=True)]
    return live


def _ordered(live: Any, desired: Any) -> Any:
    """Return all of a live value, its fields in the order of the desired one where both have them."""
    if isinstance(live, Mapping) and isinstance(desired, Mapping):
        both = {field: _ordered(live[field], value) for field, value in desired.items() if field in live}
        return {**both, **{field: value for field, value in live.items() if field not in both}}
    if isinstance(live, list) and isinstance(desired, Sequence) and not isinstance(desired, str):
        pairs = zip(live, desired, strict=False)
        return [*(_ordered(item, wanted) for item, wanted in pairs), *live[len(desired) :]]
    return live
