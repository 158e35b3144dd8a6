"""Whose an object is, as the owner writes it down."""

from __future__ import annotations

from typing import Any

from bolwerk.core.kinds import Kind

__all__ = ["owned_by"]


def owned_by(kind: Kind, name: str, uid: str) -> list[dict[str, Any]]:
    """Return the owner references of what one object controls: it goes when that goes.

    No blockOwnerDeletion: it would need the right to change finalizers of the owner's kind.
    """
    return [{"apiVersion": kind.api_version, "kind": kind.name, "name": name, "uid": uid, "controller": True}]
