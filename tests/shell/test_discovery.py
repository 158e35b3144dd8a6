"""Which kinds are served, and that a change of that ends the process while a failed question does not."""

import asyncio

import pytest

from bolwerk.core.kinds import (
    ADMIN_NETWORK_POLICY,
    CILIUM_CLUSTERWIDE_NETWORK_POLICY,
    CILIUM_NETWORK_POLICY,
    CLUSTER_NETWORK_POLICY,
    Kind,
)
from bolwerk.shell.client import Client
from bolwerk.shell.discovery import LOOK_SECONDS, ServedKindsChangedError, served_of, watch_served
from bolwerk.shell.errors import ApiError, UnreachableError

from .api import MemoryApi
from .conftest import ScriptedServer
from .test_client import failure, ok

KINDS = (CLUSTER_NETWORK_POLICY, ADMIN_NETWORK_POLICY, CILIUM_CLUSTERWIDE_NETWORK_POLICY, CILIUM_NETWORK_POLICY)


async def test_what_is_served_is_told_apart_by_version_and_by_name(client: Client, server: ScriptedServer) -> None:
    memory = MemoryApi()
    memory.served = {ADMIN_NETWORK_POLICY, CILIUM_NETWORK_POLICY}
    server.script = [memory]

    assert await served_of(client, KINDS) == memory.served
    assert {asked.path for asked in server.asked} == {
        "/apis/policy.networking.k8s.io/v1alpha2",
        "/apis/policy.networking.k8s.io/v1alpha1",
        "/apis/cilium.io/v2",
    }


@pytest.mark.parametrize("status", [401, 403, 500, 503])
async def test_a_question_that_fails_is_no_answer(client: Client, server: ScriptedServer, status: int) -> None:
    server.script = [failure(status, message="not now")]

    with pytest.raises(ApiError, match="not now"):
        await served_of(client, KINDS)


async def test_an_empty_group_serves_nothing(client: Client, server: ScriptedServer) -> None:
    server.script = [ok({"kind": "APIResourceList", "resources": None})]

    assert await served_of(client, KINDS) == frozenset()


class Served:
    """Stands for the client: serves what it is told to, or fails."""

    def __init__(self, *kinds: Kind) -> None:
        self.kinds = set(kinds)
        self.failing = False
        self.asked = 0

    async def serves(self, kind: Kind) -> bool:
        self.asked += 1
        if self.failing:
            raise UnreachableError("no answer")
        return kind in self.kinds


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("now", "want"),
    [
        pytest.param(
            {CLUSTER_NETWORK_POLICY, CILIUM_NETWORK_POLICY}, "ciliumnetworkpolicies.cilium.io/v2 came", id="one more"
        ),
        pytest.param(set(), "clusternetworkpolicies.policy.networking.k8s.io/v1alpha2 went", id="one less"),
    ],
)
async def test_a_change_ends_the_process_and_says_which(now: set[Kind], want: str) -> None:
    server = Served(CLUSTER_NETWORK_POLICY)
    watching = asyncio.create_task(watch_served(server, KINDS, frozenset(server.kinds)))  # type: ignore[arg-type]
    await asyncio.sleep(10 * LOOK_SECONDS + 1)
    assert not watching.done()

    server.kinds = now
    with pytest.raises(ServedKindsChangedError, match=want):
        await asyncio.wait_for(watching, LOOK_SECONDS + 1)


@pytest.mark.looptime
async def test_failures_change_nothing(caplog: pytest.LogCaptureFixture) -> None:
    server = Served(CLUSTER_NETWORK_POLICY)
    watching = asyncio.create_task(watch_served(server, KINDS, frozenset(server.kinds)))  # type: ignore[arg-type]

    server.failing = True
    await asyncio.sleep(3 * LOOK_SECONDS + 1)

    assert not watching.done()
    assert "cannot be asked" in caplog.text
    watching.cancel()
