"""A long list tells how far it is."""

from __future__ import annotations

import asyncio

import pytest

from bolwerk.preview.cluster import PROGRESS_SECONDS, telling


@pytest.mark.looptime
async def test_people_are_told_as_long_as_it_takes() -> None:
    told: list[str] = []

    await telling(asyncio.sleep(PROGRESS_SECONDS * 2.5), told.append, lambda: f"{len(told)} so far")

    assert told == ["0 so far", "1 so far"]


@pytest.mark.looptime
async def test_what_goes_wrong_is_passed_on() -> None:
    async def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await telling(fail(), print, str)
