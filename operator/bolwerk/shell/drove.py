"""Changes that come in droves: whom they all concern is looked at once, and not once for each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

__all__ = ["Drove"]

K = TypeVar("K", bound=Hashable)


class Drove(Generic[K]):
    """Gathers keys, and hands all of them on so many seconds after the first came.

    Parameters
    ----------
    hand_on
        Takes one key.
    """

    def __init__(self, hand_on: Callable[[K], None], *, seconds: float) -> None:
        self._hand_on = hand_on
        self._seconds = seconds
        self._gathered: dict[K, None] = {}

    def add(self, keys: Iterable[K]) -> None:
        """Have keys handed on with those that have been gathered already."""
        if not self._gathered:
            asyncio.get_running_loop().call_later(self._seconds, self._go)
        self._gathered.update(dict.fromkeys(keys))

    def _go(self) -> None:
        gathered, self._gathered = self._gathered, {}
        for key in gathered:
            self._hand_on(key)
