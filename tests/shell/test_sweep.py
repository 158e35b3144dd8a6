"""What a sweep finds that no watch reported."""

import pytest

from bolwerk.core.kinds import (
    CILIUM_NETWORK_POLICY,
    CLUSTER_NETWORK_POLICY,
    LOCAL_MODEL,
    NAMESPACE,
    NETWORK_POLICY,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    SERVICE,
    SOVEREIGNTY_POLICY,
    VALIDATING_ADMISSION_POLICY,
    Ref,
)
from bolwerk.core.settings import Settings
from bolwerk.shell.cache import Cache
from bolwerk.shell.client import Client
from bolwerk.shell.errors import ApiError
from bolwerk.shell.metrics import Metrics
from bolwerk.shell.models import LocalModels
from bolwerk.shell.sweep import FEW, Sweeper, selector_of

from .api import MemoryApi
from .conftest import ScriptedServer
from .objects import make, make_model
from .test_client import failure

CHAT = Ref(LOCAL_MODEL, "team", "chat")
CLAIM = Ref(PERSISTENT_VOLUME_CLAIM, "team", "weights")

Concerned = set[Ref]


@pytest.fixture
def models(cache: Cache) -> LocalModels:
    return LocalModels(cache, settings=Settings())


@pytest.fixture
def sweeper(client: Client, cache: Cache, models: LocalModels, concerned: Concerned) -> Sweeper:
    """A sweeper that lists all kinds but the claims, of which it polls one."""
    return Sweeper(
        kinds=[kind for kind in models.kinds if kind != CLAIM.kind],
        polled=lambda: [CLAIM],
        client=client,
        cache=cache,
        enqueue=concerned.update,
        metrics=Metrics(),
        jitter=lambda: 0.0,
    )


async def test_the_first_list_knows_everything_and_has_every_model_looked_at(
    sweeper: Sweeper, api: MemoryApi, models: LocalModels, concerned: Concerned
) -> None:
    api.keep(LOCAL_MODEL, make_model("chat", uid="u-chat", claim="weights"), make_model("code"))
    api.keep(SERVICE, make(SERVICE, "chat", owner="u-chat"))
    api.keep(CLAIM.kind, make(CLAIM.kind, "weights"), make(CLAIM.kind, "other"))

    await sweeper.fill()

    assert concerned == {CHAT, Ref(LOCAL_MODEL, "team", "code")}
    observed = models.observe(CHAT.key)
    assert observed is not None
    assert SERVICE in observed.children
    assert observed.claim is not None


async def test_no_decision_is_made_on_half_a_picture(sweeper: Sweeper, server: ScriptedServer) -> None:
    server.script = [failure(403, message="pods is forbidden")]

    with pytest.raises(ApiError, match="pods is forbidden"):
        await sweeper.fill()


async def test_a_deletion_that_no_watch_reported_is_found(
    sweeper: Sweeper, api: MemoryApi, cache: Cache, concerned: Concerned
) -> None:
    api.keep(LOCAL_MODEL, make_model("chat", uid="u-chat"))
    api.keep(SERVICE, make(SERVICE, "chat", owner="u-chat"))
    await sweeper.fill()
    concerned.clear()
    del api.objects["/api/v1/namespaces/team/services/chat"]

    await sweeper.sweep(SERVICE)

    assert concerned == {CHAT}
    assert cache.find(Ref(SERVICE, *CHAT.key)) is None


async def test_what_was_made_after_the_list_is_no_ghost(sweeper: Sweeper, api: MemoryApi, cache: Cache) -> None:
    api.keep(LOCAL_MODEL, make_model("chat", uid="u-chat"))
    await sweeper.fill()
    cache.put(SERVICE, make(SERVICE, "chat", owner="u-chat", version=10_000))

    await sweeper.sweep(SERVICE)

    assert cache.find(Ref(SERVICE, *CHAT.key)) is not None


@pytest.mark.parametrize("number", [1, FEW + 1], ids=["one by one", "so many that the kind is listed in full"])
async def test_changes_that_no_watch_reported_are_found(
    sweeper: Sweeper, api: MemoryApi, cache: Cache, concerned: Concerned, number: int
) -> None:
    api.keep(LOCAL_MODEL, make_model("chat", uid="u-chat"))
    await sweeper.fill()
    concerned.clear()
    api.keep(SERVICE, *(make(SERVICE, f"chat-{index}", owner="u-chat", version=50) for index in range(number)))

    await sweeper.sweep(SERVICE)

    assert concerned == {CHAT}
    assert len(cache.entries(SERVICE)) == number


async def test_a_sweep_that_finds_nothing_wakes_nobody(
    sweeper: Sweeper, api: MemoryApi, models: LocalModels, server: ScriptedServer, concerned: Concerned
) -> None:
    api.keep(LOCAL_MODEL, make_model("chat", uid="u-chat"))
    api.keep(SERVICE, make(SERVICE, "chat", owner="u-chat"))
    await sweeper.fill()
    concerned.clear()
    server.asked.clear()

    for kind in models.kinds:
        await sweeper.sweep(kind)

    assert not concerned
    assert len(server.asked) == len(models.kinds), "one list each, and nothing fetched"
    assert all("PartialObjectMetadataList" in asked.headers["Accept"] for asked in server.asked)


async def test_a_poll_finds_what_came_changed_and_went(
    sweeper: Sweeper, api: MemoryApi, cache: Cache, concerned: Concerned
) -> None:
    api.keep(LOCAL_MODEL, make_model("chat", uid="u-chat", claim="weights"))
    await sweeper.fill()
    concerned.clear()

    async def poll() -> Concerned:
        concerned.clear()
        await sweeper._look_at_polled()
        return set(concerned)

    assert await poll() == set()
    api.keep(CLAIM.kind, make(CLAIM.kind, "weights", version=7))
    assert await poll() == {CHAT}
    assert await poll() == set(), "nothing new"
    api.keep(CLAIM.kind, make(CLAIM.kind, "weights", version=8, status={"phase": "Bound"}))
    assert await poll() == {CHAT}
    api.objects.pop("/api/v1/namespaces/team/persistentvolumeclaims/weights")
    assert await poll() == {CHAT}
    assert cache.find(CLAIM) is None
    api.keep(CLAIM.kind, make(CLAIM.kind, "weights", uid="another", version=9))
    assert await poll() == {CHAT}


async def test_what_is_polled_is_no_ghost_because_no_list_has_it(
    sweeper: Sweeper, api: MemoryApi, cache: Cache
) -> None:
    """The canary's Service is the chart's, and only Bolwerk's own are listed."""
    api.keep(LOCAL_MODEL, make_model("chat", uid="u-chat"))
    await sweeper.fill()
    cache.put(CLAIM.kind, make(CLAIM.kind, "weights", version=1))
    cache.put(CLAIM.kind, make(CLAIM.kind, "others", version=1))

    await sweeper.sweep(CLAIM.kind)

    assert set(cache.entries(CLAIM.kind)) == {CLAIM.key}


async def test_an_object_that_is_made_while_the_poll_is_told_that_it_is_absent_stays_known(
    sweeper: Sweeper, api: MemoryApi, cache: Cache, server: ScriptedServer
) -> None:
    api.keep(LOCAL_MODEL, make_model("chat", uid="u-chat", claim="weights"))
    cache.put(CLAIM.kind, make(CLAIM.kind, "weights", uid="former", version=5))

    async def made_meanwhile(_: object) -> object:
        cache.put(CLAIM.kind, make(CLAIM.kind, "weights", uid="new", version=9))
        return await failure(404)(_)  # type: ignore[arg-type]

    server.script = [made_meanwhile]  # type: ignore[list-item]
    await sweeper._look_at_polled()

    entry = cache.find(CLAIM)
    assert entry is not None
    assert entry.uid == "new"


def test_foreign_policies_and_claims_are_seen_and_foreign_pods_are_not() -> None:
    own = "app.kubernetes.io/managed-by=bolwerk"
    for kind in (LOCAL_MODEL, SOVEREIGNTY_POLICY, NAMESPACE, NETWORK_POLICY, PERSISTENT_VOLUME_CLAIM):
        assert selector_of(kind) == ""
    for kind in (CLUSTER_NETWORK_POLICY, CILIUM_NETWORK_POLICY):
        assert selector_of(kind) == "", "what somebody else wrote may reopen what Bolwerk closed"
    for kind in (POD, SERVICE, VALIDATING_ADMISSION_POLICY):
        assert selector_of(kind) == own
