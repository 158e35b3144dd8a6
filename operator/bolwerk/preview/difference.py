"""The difference between a live object and what would be applied, as far as Bolwerk owns its fields.

Both sides are YAML in the same shape, so that a reader sees what changes and nothing that others have put beside it.
What counts as the same is `bolwerk.core.difference`'s to say: that decides whether anything is written at all.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from bolwerk.core.difference import ATOMIC, difference
from bolwerk.core.merge import MERGE_KEYS
from bolwerk.core.plan import Manifest
from bolwerk.preview.text import as_yaml

__all__ = ["projected", "unified"]

ITEM = "item"
"""Stands for the name of a field, which what stands in a list has not."""


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
    after = as_yaml([desired], explicit_start=False) if desired else ""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "live", "desired", lineterm="")
    return "\n".join(lines)


def projected(live: Mapping[str, Any], desired: Mapping[str, Any], *, exact: Sequence[str] = ()) -> Manifest:
    """Return of a live object what stands in the desired one too, in its order and spelling."""
    shown = {}
    for field, value in desired.items():
        if field in live or _same(field, None, value, exact=False):
            shown[field] = _shown(field, live.get(field), value, exact=field in exact)
    return shown


def _shown(name: str, live: Any, desired: Any, *, exact: bool) -> Any:
    if _same(name, live, desired, exact=exact):
        return desired
    exact = exact or name in ATOMIC
    if isinstance(live, Mapping) and isinstance(desired, Mapping):
        common = {
            field: _shown(field, live.get(field), value, exact=exact)
            for field, value in desired.items()
            if field in live or _same(field, None, value, exact=exact)
        }
        return {**common, **{field: value for field, value in live.items() if exact and field not in desired}}
    if isinstance(live, list) and isinstance(desired, Sequence) and not isinstance(desired, str):
        return _shown_items(name, live, desired, exact=exact)
    return live


def _shown_items(name: str, live: list[Any], desired: Sequence[Any], *, exact: bool) -> list[Any]:
    key = MERGE_KEYS.get(name)
    if key and all(isinstance(item, Mapping) and key in item for item in (*live, *desired)):
        by_key = {item[key]: item for item in live}
        wanted = {item[key]: item for item in desired}
        common = [_shown(ITEM, by_key[each], item, exact=exact) for each, item in wanted.items() if each in by_key]
        return [*common, *(item for item in live if exact and item[key] not in wanted)]
    if not exact and len(live) != len(desired):
        return live
    common = [_shown(ITEM, item, wanted, exact=exact) for item, wanted in zip(live, desired, strict=False)]
    return [*common, *live[len(desired) :]]


def _same(name: str, live: Any, desired: Any, *, exact: bool) -> bool:
    return difference({name: desired}, {name: live}, exact=(name,) if exact else ()) is None
