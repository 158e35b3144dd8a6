"""What the operator would do in a cluster, found out by reading: `bolwerk plan`.

Reads with the operator's own client, lists and cache, so that it sees what that sees. The client's fence is never
opened: a write cannot leave this process. What ConfigMaps and Secrets hold that pods refer to is not read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from kubernetes.client import Configuration

from bolwerk.core.kinds import CONFIG_MAP
from bolwerk.core.plan import Manifest
from bolwerk.core.policy.observed import EXCEPTION_KINDS, OPTIONAL_KINDS
from bolwerk.core.settings import Settings
from bolwerk.preview.documents import RECONCILED, Documents
from bolwerk.preview.refused import RefusedError
from bolwerk.preview.rehearsal import Outcome, Rehearsal
from bolwerk.preview.world import World
from bolwerk.shell.client import Client
from bolwerk.shell.connection import Connection, load_configuration
from bolwerk.shell.discovery import served_of
from bolwerk.shell.errors import ApiError, NotFoundError
from bolwerk.shell.executor import Executor
from bolwerk.shell.fence import Fence
from bolwerk.shell.metrics import Metrics
from bolwerk.shell.settings import parse_settings
from bolwerk.shell.sweep import Sweeper

__all__ = [
    "FORBIDDEN",
    "PROGRESS_SECONDS",
    "Question",
    "Tell",
    "answered",
    "preview",
    "reading",
    "settings_map",
    "settings_of",
    "telling",
]

SETTINGS_KEY = "settings.yaml"
SETTINGS_SELECTOR = "app.kubernetes.io/name=bolwerk,app.kubernetes.io/component=operator"
PROGRESS_SECONDS = 2.0
FORBIDDEN = frozenset({401, 403})

T = TypeVar("T")
Tell = Callable[[str], None]
"""Tells people how far it is."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a cluster.

    Attributes
    ----------
    documents
        Laid on what is there, as if they had been applied; only whom they concern is looked at. Everybody when empty.
    namespace
        The operator's own.
    settings
        Those of the operator; found in its namespace when None.
    """

    documents: Documents
    namespace: str
    settings: Settings | None = None


async def preview(
    question: Question, *, now: datetime, tell: Tell, load: Callable[[], Configuration] = load_configuration
) -> tuple[Outcome, ...]:
    """Find out what the operator would do, for one object after the other.

    Raises
    ------
    RefusedError
        When the cluster cannot be asked, or may not be.
    SettingsError, NoConfigurationError
        When the operator's settings cannot be used, or there is no way to a cluster.
    """
    async with reading(load) as client, answered():
        settings = question.settings or settings_of(await settings_map(client, question.namespace))
        return await _outcomes(client, question, replace(settings, namespace=question.namespace), now, tell)


@asynccontextmanager
async def answered() -> AsyncIterator[None]:
    """Turn what the API server refuses into what people can do about it.

    Raises
    ------
    RefusedError
        When it refuses something.
    """
    try:
        yield
    except NotFoundError as error:
        raise RefusedError(
            f"{error.message}: is Bolwerk installed there? Its CRDs come with the chart, or from crds/"
        ) from error
    except ApiError as error:
        mend = ": ask for the ClusterRole that the chart makes for this, <release>-plan, which only reads"
        raise RefusedError(f"{error.message}{mend if error.status in FORBIDDEN else ''}") from error


@asynccontextmanager
async def reading(load: Callable[[], Configuration]) -> AsyncIterator[Client]:
    """Connect to the cluster with a client that cannot write."""
    connection = Connection(load)
    try:
        async with connection.session() as session:
            yield Client(session, connection.server, fence=Fence(time.monotonic))
    finally:
        await connection.close()


async def settings_map(client: Client, namespace: str) -> Manifest:
    """Return the ConfigMap with the operator's settings.

    Raises
    ------
    RefusedError
        When there is none, or more than one.
    """
    found = [
        config_map
        async for page in client.pages(CONFIG_MAP, namespace=namespace, selector=SETTINGS_SELECTOR)
        for config_map in page.items
        if SETTINGS_KEY in (config_map.get("data") or {})
    ]
    if len(found) != 1:
        raise RefusedError(
            f"the namespace {namespace} has {len(found) or 'no'} ConfigMaps with the operator's settings: name the "
            "operator's namespace by --namespace, or a file with its settings by --settings"
        )
    [config_map] = found
    return config_map


def settings_of(config_map: Manifest) -> Settings:
    """Return the settings that stand in their ConfigMap."""
    where = config_map["metadata"]
    return parse_settings(config_map["data"][SETTINGS_KEY], f"ConfigMap {where['namespace']}/{where['name']}")


async def _outcomes(
    client: Client, question: Question, settings: Settings, now: datetime, tell: Tell
) -> tuple[Outcome, ...]:
    world = World(settings, served=await served_of(client, (*OPTIONAL_KINDS, *EXCEPTION_KINDS)))
    cache, metrics = world.cache, Metrics()
    kinds = [kind for kind in cache.kinds if kind != CONFIG_MAP]
    sweeper = Sweeper(
        kinds=kinds,
        polled=lambda: (*world.policies.polled(), *world.models.polled()),
        named=world.models.named,
        client=client,
        cache=cache,
        enqueue=_nobody,
        metrics=metrics,
    )
    await telling(
        sweeper.fill(), tell, lambda: f"listing: {sum(len(cache.entries(kind)) for kind in kinds)} objects so far"
    )
    concerned = world.lay(question.documents) | {ref for ref, _ in question.documents if ref.kind in RECONCILED}
    wanted = [ref for ref in world.refs() if ref in concerned or not question.documents]
    executor = Executor(client=client, cache=cache, enqueue=_nobody, metrics=metrics)
    rehearsal = Rehearsal(world, guard=executor.guard, now=now)
    outcomes: list[Outcome] = []

    async def rehearse() -> None:
        for ref in wanted:
            outcomes.append(await rehearsal.of(ref))
            await asyncio.sleep(0)  # thousands of them: let the progress be told

    await telling(rehearse(), tell, lambda: f"deciding: {len(outcomes)} of {len(wanted)} objects so far")
    return tuple(outcomes)


async def telling(work: Awaitable[T], tell: Tell, how_far: Callable[[], str]) -> T:
    """Await something and tell every two seconds how far it is."""
    task = asyncio.ensure_future(work)
    while True:
        done, _ = await asyncio.wait([task], timeout=PROGRESS_SECONDS)
        if done:
            return task.result()
        tell(how_far())


def _nobody(refs: object) -> None:
    """Have nobody looked at: the rehearsal takes one after the other."""
    del refs
