"""Changes that come in droves."""

from __future__ import annotations

import asyncio

import pytest

from bolwerk.shell.drove import Drove


@pytest.mark.looptime
async def test_who_is_concerned_by_many_changes_is_handed_on_once() -> None:
    handed: list[tuple[float, str]] = []
    loop = asyncio.get_running_loop()
    drove = Drove[str](lambda key: handed.append((round(loop.time()), key)), seconds=5)

    for keys in ("ab", "ba", "bc"):
        drove.add(keys)
        await asyncio.sleep(1)
    assert not handed

    await asyncio.sleep(5)
    assert handed == [(5, "a"), (5, "b"), (5, "c")]

    drove.add("a")
    await asyncio.sleep(6)
    assert handed[3:] == [(13, "a")]
