"""What was found beside a wall: an object of somebody else, and a sentence about it for the status."""

from __future__ import annotations

from dataclasses import dataclass

from bolwerk.core.kinds import Kind

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One object that is in the way of a wall.

    Attributes
    ----------
    kind, namespace, name
        Which object; `namespace` is empty where the kind has none.
    sentence
        What it does to the wall and what to do about it.
    """

    kind: Kind
    namespace: str
    name: str
    sentence: str
