"""What cannot be shown, and why."""

from __future__ import annotations

__all__ = ["RefusedError"]


class RefusedError(ValueError):
    """There is nothing to show; the message is for the user and says what to change."""
