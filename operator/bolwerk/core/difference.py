"""Whether a live object already is what is desired, and if not, where it first differs.

Server-side apply leaves alone what others own, so `desired` has to be *contained* in `live`, not equal to it. The
answer decides whether there is a write at all, and its text goes to the log and the metric.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bolwerk.core.merge import MERGE_KEYS
from bolwerk.core.quantity import same_quantity

__all__ = ["ATOMIC", "difference"]

QUANTITIES = frozenset({"limits", "requests", "sizeLimit"})
FALSE_IS_ABSENT = frozenset({"hostNetwork", "hostPID", "hostIPC", "stdin", "tty"})
"""Booleans that the API server leaves out when false. For others, absence can mean true."""

EMPTY_IS_ABSENT = frozenset({"labels", "annotations", "matchLabels", "nodeSelector", "limits", "requests"})
"""Maps that the API server leaves out when empty. Elsewhere empty means something: a selector that is there and empty
selects everything, an absent one nothing.
"""

ATOMIC = frozenset({"selector", "matchLabels", "nodeSelector"})
"""Maps that are replaced as a whole by server-side apply: a key too many selects nothing, or the wrong thing."""


def difference(desired: Any, live: Any, *, exact: Sequence[str] = (), path: str = "") -> str | None:
    """Return the path of the first field of `desired` that `live` does not have, or None.

    Null, an empty list and an empty map of `EMPTY_IS_ABSENT` are the same as absent; quantities are compared by amount,
    and keyed lists by key, in any order.

    Parameters
    ----------
    exact
        Top-level fields that must be equal, not only contained: one rule more in a network policy is a hole.
    """
    for field in exact:
        mine, theirs = desired.get(field), live.get(field)
        surplus = difference(theirs, mine, path=field)
        if surplus:
            return surplus
    return _first(desired, live, path, parent="")


def _first(desired: Any, live: Any, path: str, *, parent: str) -> str | None:
    if _empty(desired, parent) and _empty(live, parent):
        return None
    if isinstance(desired, Mapping) and isinstance(live, Mapping):
        if parent in ATOMIC and set(live) - set(desired):
            return path
        return _first_of_map(desired, live, path)
    if _is_list(desired) and (live is None or _is_list(live)):
        return _first_of_list(desired, live or (), path, parent=parent)
    if desired == live and type(desired) is type(live):
        return None
    return None if same_quantity(desired, live) and _holds_quantities(path) else path


def _first_of_map(desired: Mapping[str, Any], live: Mapping[str, Any], path: str) -> str | None:
    for key, value in desired.items():
        found = _first(value, live.get(key), f"{path}.{key}" if path else str(key), parent=str(key))
        if found:
            return found
    return None


def _first_of_list(desired: Sequence[Any], live: Sequence[Any], path: str, *, parent: str) -> str | None:
    key = MERGE_KEYS.get(parent)
    if key and all(isinstance(item, Mapping) and key in item for item in (*desired, *live)):
        by_key = {item[key]: item for item in live}
        for item in desired:
            found = _first(item, by_key.get(item[key]), f"{path}[{item[key]}]", parent="")
            if found:
                return found
        return None
    if len(desired) != len(live):
        return path
    for index, (mine, theirs) in enumerate(zip(desired, live, strict=True)):
        found = _first(mine, theirs, f"{path}[{index}]", parent="")
        if found:
            return found
    return None


def _empty(value: Any, field: str) -> bool:
    return (
        value is None
        or (value is False and field in FALSE_IS_ABSENT)
        or (isinstance(value, list | tuple) and not value)
        or (isinstance(value, Mapping) and not value and field in EMPTY_IS_ABSENT)
    )


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _holds_quantities(path: str) -> bool:
    *_, before, last = ("", *path.split("."))
    return last in QUANTITIES or before in QUANTITIES
