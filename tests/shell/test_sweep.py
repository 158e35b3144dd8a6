"""What a sweep finds that no watch reported."""

from collections.abc import Iterator

import pytest

from bolwerk.core.kinds import LOCAL_MODEL, NETWORK_POLICY, PERSISTENT_VOLUME_CLAIM, POD, SERVICE, Ref
from bolwerk.core.plan import Manifest
from bolwerk.shell.cache import WATCHED_KINDS, Cache, Key
from bolwerk.shell.client import Client
from bolwerk.shell.errors import ApiError
from bolwerk.shell.metrics import Metrics
from bolwerk.shell.queue import WorkQueue
from bolwerk.shell.sweep import FEW, Sweeper, selector_of

from .api import MemoryApi
from .conftest import ScriptedServer
from .objects import make, make_model
from .test_client import failure

CHAT = ("team", "chat")


@pytest.fixture
def api(server: ScriptedServer) -> MemoryApi:
    memory = MemoryApi()
    server.script = [memory]
    return memory


@pytest.fixture
def cache() -> Cache:
    return Cache()


@pytest.fixture
async def queue() -> WorkQueue[Key]:
    return WorkQueue(jitter=lambda: 0.0)


@pytest.fixture
def sweeper(client: Client, cache: Cache, queue: WorkQueue[Key]) -> Sweeper:
    return Sweeper(client=client, cache=cache, queue=queue, metrics=Metrics(), jitter=lambda: 0.0)


def keep(api: MemoryApi, *manifests: Manifest) -> None:
    kinds = {kind.name: kind for kind in WATCHED_KINDS}
    for manifest in manifests:
        kind, metadata = kinds[manifest["kind"]], manifest["metadata"]
        path = f"{kind.root}/namespaces/{metadata['namespace']}/{kind.plural}/{metadata['name']}"
        api.objects[path] = manifest


def drain(queue: WorkQueue[Key]) -> set[Key]:
    def keys() -> Iterator[Key]:
        while len(queue):
            task = queue.get()
            try:
                task.send(None)
            except StopIteration as answer:
                queue.done(answer.value)
                yield answer.value

    return set(keys())


async def test_the_first_list_knows_everything_and_has_every_model_looked_at(
    sweeper: Sweeper, api: MemoryApi, cache: Cache, queue: WorkQueue[Key]
) -> None:
    keep(api, make_model("chat", uid="u-chat"), make_model("code"), make(SERVICE, "chat", owner="u-chat"))

    await sweeper.fill()

    assert drain(queue) == {CHAT, ("team", "code")}
    observed = cache.observe(CHAT)
    assert observed is not None
    assert SERVICE in observed.children


async def test_no_decision_is_made_on_half_a_picture(sweeper: Sweeper, server: ScriptedServer) -> None:
    server.script = [failure(403, message="pods is forbidden")]

    with pytest.raises(ApiError, match="pods is forbidden"):
        await sweeper.fill()


async def test_a_deletion_that_no_watch_reported_is_found(
    sweeper: Sweeper, api: MemoryApi, cache: Cache, queue: WorkQueue[Key]
) -> None:
    keep(api, make_model("chat", uid="u-chat"), make(SERVICE, "chat", owner="u-chat"))
    await sweeper.fill()
    drain(queue)
    del api.objects["/api/v1/namespaces/team/services/chat"]

    await sweeper.sweep(SERVICE)

    assert drain(queue) == {CHAT}
    assert cache.find(Ref(SERVICE, *CHAT)) is None


async def test_what_was_made_after_the_list_is_no_ghost(sweeper: Sweeper, api: MemoryApi, cache: Cache) -> None:
    keep(api, make_model("chat", uid="u-chat"))
    await sweeper.fill()
    cache.put(SERVICE, make(SERVICE, "chat", owner="u-chat", version=10_000))

    await sweeper.sweep(SERVICE)

    assert cache.find(Ref(SERVICE, *CHAT)) is not None


@pytest.mark.parametrize("number", [1, FEW + 1], ids=["one by one", "so many that the kind is listed in full"])
async def test_changes_that_no_watch_reported_are_found(
    sweeper: Sweeper, api: MemoryApi, cache: Cache, queue: WorkQueue[Key], number: int
) -> None:
    keep(api, make_model("chat", uid="u-chat"))
    await sweeper.fill()
    drain(queue)
    keep(api, *(make(SERVICE, f"chat-{index}", owner="u-chat", version=50) for index in range(number)))

    await sweeper.sweep(SERVICE)

    assert drain(queue) == {CHAT}
    assert len(cache.entries(SERVICE)) == number


async def test_a_sweep_that_finds_nothing_wakes_nobody(
    sweeper: Sweeper, api: MemoryApi, queue: WorkQueue[Key], server: ScriptedServer
) -> None:
    keep(api, make_model("chat", uid="u-chat"), make(SERVICE, "chat", owner="u-chat"))
    await sweeper.fill()
    drain(queue)
    server.asked.clear()

    for kind in WATCHED_KINDS:
        await sweeper.sweep(kind)

    assert drain(queue) == set()
    assert len(server.asked) == len(WATCHED_KINDS), "one list each, and nothing fetched"
    assert all("PartialObjectMetadataList" in asked.headers["Accept"] for asked in server.asked)


def test_foreign_policies_and_claims_are_seen_and_foreign_pods_are_not() -> None:
    seen = {kind for kind in WATCHED_KINDS if not selector_of(kind)}

    assert seen == {LOCAL_MODEL, NETWORK_POLICY, PERSISTENT_VOLUME_CLAIM}
    assert selector_of(POD) == "app.kubernetes.io/managed-by=bolwerk"
