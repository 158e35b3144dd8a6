"""kopf as a watcher: what it is told, and what is noticed of what it does."""

import asyncio
from typing import Any

import kopf
import pytest

from bolwerk.core.kinds import LOCAL_MODEL, NETWORK_POLICY, POD, SERVICE, Kind, Ref
from bolwerk.core.settings import Settings
from bolwerk.shell.cache import Cache
from bolwerk.shell.connection import Connection
from bolwerk.shell.models import LocalModels
from bolwerk.shell.watch import Backoffs, Watcher, make_settings

from .conftest import ScriptedServer
from .objects import make, make_model
from .test_client import failure, ok


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def opened() -> list[Kind]:
    return []


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def concerned() -> list[Ref]:
    """Who has been enqueued."""
    return []


@pytest.fixture
async def watcher(connection: Connection, opened: list[Kind], concerned: list[Ref], clock: Clock) -> Watcher:
    cache = Cache()
    return Watcher(
        kinds=LocalModels(cache, settings=Settings()).kinds,
        connection=connection,
        cache=cache,
        enqueue=concerned.extend,
        stop=asyncio.Event(),
        opened=opened.append,
        clock=clock,
    )


async def test_a_watch_that_follows_a_list_is_noticed_and_one_that_goes_on_is_not(
    watcher: Watcher, server: ScriptedServer, opened: list[Kind]
) -> None:
    server.script = [ok({})]
    session = (await watcher._login()).aiohttp_session

    async def ask(path: str, **query: str) -> None:
        async with session.get(f"{watcher._connection.server}{path}", params=query):
            pass

    services, pods = "/api/v1/services", "/api/v1/pods"
    await ask(services, labelSelector="a=b")
    await ask(pods)
    assert opened == []
    await ask(services, watch="true")
    assert opened == [SERVICE]
    await ask(services, watch="true", resourceVersion="7")
    assert opened == [SERVICE], "nothing was missed: it goes on where it was"
    await ask(services)
    await ask(services, watch="true")
    assert opened == [SERVICE, SERVICE], "listed anew: deletions may have been missed"
    server.script = [failure(410)]
    await ask(pods, watch="true")
    assert opened == [SERVICE, SERVICE]
    await session.close()


async def test_a_login_that_is_repeated_at_once_has_to_wait(watcher: Watcher, clock: Clock) -> None:
    first = await watcher._login()

    with pytest.raises(kopf.TemporaryError):
        await watcher._login()
    clock.now = 5.0
    second = await watcher._login()

    assert second.aiohttp_session is not first.aiohttp_session
    for login in (first, second):
        await login.aiohttp_session.close()


async def event(watcher: Watcher, kind: Kind, type_: str | None, body: Any) -> None:
    await watcher._event(event={"type": type_, "object": body}, param=kind)


async def test_events_feed_the_cache_and_the_queue(watcher: Watcher, concerned: list[Ref], clock: Clock) -> None:
    chat = Ref(LOCAL_MODEL, "team", "chat")
    clock.now = 3.0
    await event(watcher, LOCAL_MODEL, None, make_model("chat", uid="u-chat"))
    await event(watcher, SERVICE, "ADDED", make(SERVICE, "chat", owner="u-chat"))
    await event(watcher, SERVICE, "ADDED", make(SERVICE, "chat", owner="u-chat"))
    assert concerned == [chat, chat], "the same news twice is no news"

    await event(watcher, SERVICE, "DELETED", make(SERVICE, "chat", owner="u-chat", version=2))

    assert concerned == [chat, chat, chat]
    assert watcher.last_event_at == {LOCAL_MODEL: 3.0, SERVICE: 3.0}


async def test_a_handler_that_fails_ends_the_operator(watcher: Watcher) -> None:
    """kopf would log it and go on, with a cache that has a hole."""
    with pytest.raises(KeyError):
        await event(watcher, SERVICE, "ADDED", {"no": "metadata"})

    assert isinstance(watcher.failure, KeyError)
    assert watcher._stop.is_set()


def test_kopf_is_told_to_write_nothing_and_to_ask_for_no_more_than_is_needed() -> None:
    settings = make_settings(LocalModels.kinds)

    assert settings.posting.enabled is False
    assert settings.scanning.disabled is True

    def selectors(kind: Kind) -> list[str]:
        resource = kopf.Resource(
            group=kind.group, version=kind.version, plural=kind.plural, namespaced=True, preferred=True
        )
        return settings.watching.label_selectors.collect(resource)

    assert selectors(POD) == selectors(SERVICE) == ["app.kubernetes.io/managed-by=bolwerk"]
    assert selectors(LOCAL_MODEL) == selectors(NETWORK_POLICY) == []


def test_back_offs_last_ten_minutes_and_are_new_for_each_request() -> None:
    backoffs = Backoffs()
    first, second = list(backoffs), list(backoffs)

    assert 600 <= sum(first) < 640
    assert first != second
    assert first[0] < 1.3
    assert max(first) <= 36
