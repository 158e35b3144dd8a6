"""How the sentences of a proof name many things."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["some"]


def some(texts: Sequence[str], most: int) -> str:
    """Return the first of them, and how many more there are."""
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
