"""Reads single facts out of the API server's JSON, however little of it is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bolwerk.core.report.facts import Condition

__all__ = ["at", "condition", "conditions", "key", "name_of", "namespace_of", "texts"]


def at(manifest: Mapping[str, Any], *path: str) -> Any:
    """Return what stands at a path, or None where there is no such thing."""
    found: Any = manifest
    for field in path:
        found = found.get(field) if isinstance(found, Mapping) else None
    return found


def texts(manifest: Mapping[str, Any], *path: str) -> tuple[str, ...]:
    """Return a list of texts, empty where there is none."""
    found = at(manifest, *path)
    return tuple(str(each) for each in found) if isinstance(found, list) else ()


def name_of(manifest: Mapping[str, Any]) -> str:
    """Return the name of an object."""
    return str(at(manifest, "metadata", "name") or "")


def namespace_of(manifest: Mapping[str, Any]) -> str:
    """Return the namespace of an object, empty where its kind has none."""
    return str(at(manifest, "metadata", "namespace") or "")


def key(manifest: Mapping[str, Any]) -> tuple[str, str]:
    """Return what an object is sorted by."""
    return namespace_of(manifest), name_of(manifest)


def conditions(manifest: Mapping[str, Any]) -> tuple[Condition, ...]:
    """Return the conditions of a resource, in its order."""
    return tuple(_condition(each) for each in at(manifest, "status", "conditions") or ())


def condition(manifest: Mapping[str, Any], type_: str) -> Condition:
    """Return one condition; Unknown where the operator has not said anything yet."""
    found = (each for each in conditions(manifest) if each.type == type_)
    return next(found, Condition(type_, "Unknown", "NotDecidedYet", "the operator has not told yet", ""))


def _condition(stored: Mapping[str, Any]) -> Condition:
    return Condition(
        type=str(stored.get("type", "")),
        status=str(stored.get("status", "")),
        reason=str(stored.get("reason", "")),
        message=str(stored.get("message", "")),
        since=str(stored.get("lastTransitionTime", "")),
    )
