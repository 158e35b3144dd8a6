"""An HTTP server on loopback that answers from a script, and a client that talks to it."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import test_utils, web
from kubernetes.client import Configuration

from bolwerk.core.kinds import CONFIG_MAP, LOCAL_MODEL, Ref
from bolwerk.core.model.observed import Observed
from bolwerk.core.settings import Settings
from bolwerk.shell.audit import Auditor
from bolwerk.shell.cache import Cache, Index
from bolwerk.shell.client import Client
from bolwerk.shell.connection import Connection
from bolwerk.shell.controller import Controller, Reconcile
from bolwerk.shell.events import Recorder
from bolwerk.shell.fence import Fence
from bolwerk.shell.head import Store
from bolwerk.shell.metrics import Metrics
from bolwerk.shell.models import LocalModels
from bolwerk.shell.queue import WorkQueue
from bolwerk.shell.sink import Sink
from bolwerk.shell.trail import Trail

from .api import MemoryApi
from .chat import UID
from .objects import make_model

HEAD = Ref(CONFIG_MAP, "bolwerk", "bolwerk-audit")

Assemble = Callable[[Index[Any], Reconcile[Any]], Controller[Any]]
Make = Callable[[Reconcile[Observed]], Controller[Observed]]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclasses.dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class ScriptedServer:
    """Answers each request with the next entry of `script`; the last one is repeated."""

    def __init__(self) -> None:
        self.script: list[Answer] = []
        self.asked: list[Asked] = []
        application = web.Application()
        application.router.add_route("*", "/{tail:.*}", self._answer)
        self.server = test_utils.TestServer(application, host="127.0.0.1")

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.asked.append(Asked(request.method, request.path, dict(request.query), dict(request.headers), body))
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return await answer(request)


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    scripted = ScriptedServer()
    await scripted.server.start_server()
    yield scripted
    await scripted.server.close()


@pytest.fixture
def tokens() -> list[str]:
    """The tokens that reading the configuration yields, one after the other; the last one is repeated."""
    return ["first"]


@pytest.fixture
async def connection(server: ScriptedServer, tokens: list[str]) -> AsyncIterator[Connection]:
    def load() -> Configuration:
        configuration = Configuration()
        configuration.host = str(server.server.make_url("/")).rstrip("/")
        configuration.api_key["BearerToken"] = f"Bearer {tokens.pop(0) if len(tokens) > 1 else tokens[0]}"
        return configuration

    connected = Connection(load)
    yield connected
    await connected.close()


@pytest.fixture
async def session(connection: Connection) -> AsyncIterator[aiohttp.ClientSession]:
    async with connection.session() as opened:
        yield opened


@pytest.fixture
async def fence() -> Fence:
    """A fence that is open for long."""
    fence = Fence(asyncio.get_running_loop().time)
    fence.open_until(asyncio.get_running_loop().time() + 3600)
    return fence


@pytest.fixture
def client(
    session: aiohttp.ClientSession, connection: Connection, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> Client:
    # Real sockets, so real time: only shorter.
    monkeypatch.setattr("bolwerk.shell.client.FIRST_BACKOFF_SECONDS", 0.001)
    return Client(session, connection.server, fence=fence, jitter=lambda: 0.0)


@pytest.fixture
def api(server: ScriptedServer) -> MemoryApi:
    """An API server that keeps what it is given."""
    memory = MemoryApi()
    server.script = [memory]
    return memory


@pytest.fixture
def cache() -> Cache:
    return Cache()


@pytest.fixture
async def queue() -> WorkQueue[Ref]:
    return WorkQueue(jitter=lambda: 0.0)


@pytest.fixture
def concerned() -> set[Ref]:
    """Whom changes have concerned, beside who made them."""
    return set()


@pytest.fixture
def audit_log(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


@pytest.fixture
def make_trail(client: Client, audit_log: Path) -> Callable[[str], Trail]:
    """Make the trail of a process of this name."""
    return lambda identity: Trail(
        sink=Sink(audit_log),
        store=Store(client, HEAD),
        identity=identity,
        actor="operator",
        metrics=Metrics(),
        now=lambda: datetime.now(UTC),
    )


@pytest.fixture
async def trail(make_trail: Callable[[str], Trail], api: MemoryApi) -> AsyncIterator[Trail]:
    """A trail of which nothing is stored yet."""
    assert not api.objects
    opened = make_trail("test")
    await opened.open()
    yield opened
    opened._sink.close()


@pytest.fixture
def assemble(client: Client, cache: Cache, queue: WorkQueue[Ref], concerned: set[Ref], trail: Trail) -> Assemble:
    """Make a controller of the kind of an index."""

    def build(index: Index[Any], reconcile: Reconcile[Any]) -> Controller[Any]:
        return Controller(
            index=index,
            reconcile=reconcile,
            settings=Settings(),
            client=client,
            cache=cache,
            queue=queue,
            enqueue=concerned.update,
            auditor=Auditor(trail),
            recorder=Recorder(client, instance="test", now=lambda: datetime.now(UTC)),
            metrics=Metrics(),
            now=lambda: datetime.now(UTC),
        )

    return build


@pytest.fixture
def make_controller(api: MemoryApi, cache: Cache, assemble: Assemble) -> Make:
    """Make a controller of LocalModels, of which the API server and the cache know one: `chat`."""
    models = LocalModels(cache, settings=Settings())
    api.keep(LOCAL_MODEL, chat := make_model("chat", uid=UID))
    cache.put(LOCAL_MODEL, chat)
    return lambda reconcile: assemble(models, reconcile)
