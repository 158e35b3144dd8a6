"""Which of the kinds that a cluster may or may not serve it serves, and the end of the process when that changes.

kopf cannot watch a kind that is not served and does not notice when it comes. A restart does both, and costs nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from bolwerk.core.kinds import Kind
from bolwerk.shell.client import Client
from bolwerk.shell.errors import ApiError

__all__ = ["ServedKindsChangedError", "check_served", "served_of", "watch_served"]

logger = logging.getLogger(__name__)

LOOK_SECONDS = 30.0


class ServedKindsChangedError(Exception):
    """The API server serves more or fewer kinds than at the start: this process has to end, to start with them."""


async def served_of(client: Client, kinds: Iterable[Kind]) -> frozenset[Kind]:
    """Ask the API server which of these kinds it serves.

    Raises
    ------
    ApiError
        When it cannot be asked: that is never taken for "not served".
    """
    asked = tuple(kinds)
    answers = await asyncio.gather(*(client.serves(kind) for kind in asked))
    return frozenset(kind for kind, serves in zip(asked, answers, strict=True) if serves)


async def check_served(client: Client, kinds: Iterable[Kind], served: frozenset[Kind]) -> None:
    """Ask again, once.

    Raises
    ------
    ServedKindsChangedError
        When the answer is another one than at the start.
    """
    asked = tuple(kinds)
    try:
        now = await served_of(client, asked)
    except ApiError as error:
        logger.warning("which kinds are served cannot be asked", extra={"error": error.message})
        return
    if now != served:
        changes = [f"{_name(kind)} {'came' if kind in now else 'went'}" for kind in sorted(now ^ served)]
        raise ServedKindsChangedError(
            f"the kinds that the API server serves have changed ({', '.join(changes)}); a restart watches them"
        )


async def watch_served(client: Client, kinds: Iterable[Kind], served: frozenset[Kind]) -> None:
    """Ask again and again, for ever.

    Raises
    ------
    ServedKindsChangedError
        When the answer is another one than at the start.
    """
    asked = tuple(kinds)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        await check_served(client, asked, served)


def _name(kind: Kind) -> str:
    return f"{kind.plural}.{kind.group}/{kind.version}"
