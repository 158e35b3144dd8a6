"""What the client does with each kind of answer, over real sockets on loopback."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web

from bolwerk.core import kinds
from bolwerk.core.kinds import Ref
from bolwerk.shell import request as requests
from bolwerk.shell.client import Client
from bolwerk.shell.errors import (
    ApiError,
    ConflictError,
    FenceClosedError,
    GoneError,
    NotFoundError,
    UnreachableError,
)
from bolwerk.shell.fence import Fence

from .conftest import Answer, ScriptedServer

SERVICE = Ref(kinds.SERVICE, "team", "chat")
MANIFEST = {"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "team", "name": "chat"}}


def ok(body: Any) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(body)

    return answer


def failure(status: int, *, reason: str = "", message: str = "", causes: Any = None, **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        body = {"kind": "Status", "reason": reason, "message": message, "details": {"causes": causes}}
        return web.json_response(body, status=status, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return answer


async def cut_off(request: web.Request) -> web.StreamResponse:
    """Promise more than is sent, then hang up."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"kind":')
    assert request.transport is not None
    request.transport.close()
    return response


async def hang(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    raise AssertionError("nobody waits that long")


async def garbage(_: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>a proxy's idea of an answer</html>")


@pytest.mark.parametrize(
    ("status", "want"),
    [
        (400, ApiError),
        (403, ApiError),
        (404, NotFoundError),
        (409, ConflictError),
        (410, GoneError),
        (413, ApiError),
        (422, ApiError),
    ],
)
async def test_a_lasting_error_is_raised_at_once_with_the_servers_own_words(
    client: Client, server: ScriptedServer, status: int, want: type[ApiError]
) -> None:
    server.script = [failure(status, reason="Because", message="so it is", causes=[{"reason": "Deeper"}])]

    with pytest.raises(ApiError, match="so it is") as raised:
        await client.get(SERVICE)

    assert type(raised.value) is want
    assert (raised.value.status, raised.value.reason, raised.value.causes) == (status, "Because", ("Deeper",))
    assert len(server.asked) == 1


@pytest.mark.parametrize("first", [failure(500), failure(503), failure(504), failure(429), cut_off, garbage])
async def test_a_passing_fault_is_tried_again(client: Client, server: ScriptedServer, first: Answer) -> None:
    server.script = [first, ok({"kind": "Service"})]

    assert await client.get(SERVICE) == {"kind": "Service"}
    assert len(server.asked) == 2


async def test_a_fault_that_stays_is_raised_after_four_attempts(client: Client, server: ScriptedServer) -> None:
    server.script = [failure(500, message="failed calling webhook")]

    with pytest.raises(ApiError, match="failed calling webhook"):
        await client.get(SERVICE)
    assert len(server.asked) == 4


async def test_the_server_decides_how_long_to_wait(client: Client, server: ScriptedServer) -> None:
    server.script = [failure(429, Retry_After="1"), ok({})]
    started = asyncio.get_running_loop().time()

    await client.get(SERVICE)

    assert asyncio.get_running_loop().time() - started >= 1


async def test_an_answer_that_does_not_come_is_given_up(client: Client, server: ScriptedServer) -> None:
    server.script = [hang]

    with pytest.raises(UnreachableError, match="get /api/v1/namespaces/team/services/chat"):
        await client.send(requests.get(SERVICE), attempts=1, seconds=0.05)


async def test_a_server_that_is_away_is_unreachable(client: Client, server: ScriptedServer) -> None:
    await server.server.close()

    with pytest.raises(UnreachableError):
        await client.get(SERVICE)


async def test_no_write_passes_a_closed_fence_and_reads_do(
    client: Client, server: ScriptedServer, fence: Fence
) -> None:
    server.script = [ok({})]
    fence.close()

    for write in (client.apply(kinds.SERVICE, MANIFEST), client.delete(SERVICE, "uid"), client.create_event(MANIFEST)):
        with pytest.raises(FenceClosedError):
            await write
    assert server.asked == []
    assert await client.get(SERVICE) == {}


async def test_a_retry_of_a_write_does_not_pass_a_fence_that_closed_meanwhile(
    client: Client, server: ScriptedServer, fence: Fence
) -> None:
    async def fail_and_close(request: web.Request) -> web.StreamResponse:
        fence.close()
        return await failure(503)(request)

    server.script = [fail_and_close, ok({})]

    with pytest.raises(FenceClosedError):
        await client.apply(kinds.SERVICE, MANIFEST)
    assert len(server.asked) == 1


async def test_a_write_is_not_in_flight_for_longer_than_the_fence_and_its_grace(
    client: Client, server: ScriptedServer, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bolwerk.shell.client.WRITE_GRACE_SECONDS", 0.1)
    server.script = [hang]
    started = asyncio.get_running_loop().time()
    fence.open_until(started + 0.1)

    with pytest.raises((UnreachableError, FenceClosedError)):
        await client.apply(kinds.SERVICE, MANIFEST)
    assert asyncio.get_running_loop().time() - started < 2


async def test_an_apply_is_forced_server_side_apply_by_bolwerk(client: Client, server: ScriptedServer) -> None:
    server.script = [ok({"kind": "Service"})]

    await client.apply(kinds.SERVICE, MANIFEST)

    [asked] = server.asked
    assert (asked.method, asked.path) == ("PATCH", "/api/v1/namespaces/team/services/chat")
    assert asked.query == {"fieldManager": "bolwerk", "force": "true"}
    assert asked.headers["Content-Type"] == "application/apply-patch+yaml"
    assert json.loads(asked.body) == MANIFEST


async def test_a_delete_names_the_uid_that_it_means(client: Client, server: ScriptedServer) -> None:
    server.script = [ok({"kind": "Status"})]

    await client.delete(SERVICE, "1234")

    [asked] = server.asked
    assert asked.method == "DELETE"
    assert json.loads(asked.body)["preconditions"] == {"uid": "1234"}


async def test_a_list_follows_the_pages(client: Client, server: ScriptedServer) -> None:
    server.script = [
        ok({"items": [{"n": 1}, {"n": 2}], "metadata": {"resourceVersion": "9", "continue": "more"}}),
        ok({"items": [{"n": 3}], "metadata": {"resourceVersion": "9"}}),
    ]

    pages = [page async for page in client.pages(kinds.POD, selector="a=b", metadata_only=True)]

    assert [page.items for page in pages] == [[{"n": 1}, {"n": 2}], [{"n": 3}]]
    assert [asked.query for asked in server.asked] == [
        {"limit": "500", "labelSelector": "a=b"},
        {"limit": "500", "labelSelector": "a=b", "continue": "more"},
    ]
    assert "PartialObjectMetadataList" in server.asked[0].headers["Accept"]


async def test_a_page_that_expired_is_for_the_caller_to_begin_again(client: Client, server: ScriptedServer) -> None:
    server.script = [ok({"items": [1], "metadata": {"continue": "more"}}), failure(410, reason="Expired")]

    with pytest.raises(GoneError):
        [page async for page in client.pages(kinds.POD)]


@pytest.mark.parametrize("tokens", [["first", "second"]])
async def test_a_token_that_was_rotated_is_read_again_on_401(client: Client, server: ScriptedServer) -> None:
    server.script = [failure(401), ok({"kind": "Service"})]

    assert await client.get(SERVICE) == {"kind": "Service"}
    assert [asked.headers["Authorization"] for asked in server.asked] == ["Bearer first", "Bearer second"]


async def test_a_token_that_stays_rejected_is_an_error(client: Client, server: ScriptedServer) -> None:
    server.script = [failure(401, message="who are you?")]

    with pytest.raises(ApiError, match="who are you"):
        await client.get(SERVICE)
    assert len(server.asked) == 1


async def test_many_requests_wait_for_each_other_and_the_lease_for_none(client: Client, server: ScriptedServer) -> None:
    """32 requests hang; the 33rd waits for one of them, a renewal does not."""
    release, full = asyncio.Event(), asyncio.Event()
    arrived = 0

    async def wait(request: web.Request) -> web.StreamResponse:
        nonlocal arrived
        if "leases" not in request.path:
            arrived += 1
            if arrived == 32:
                full.set()
            await release.wait()
        return web.json_response({})

    server.script = [wait]
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(client.get(SERVICE)) for _ in range(33)]
        await asyncio.wait_for(full.wait(), 5)
        await client.send(requests.get_lease("team", "bolwerk"), seconds=5)
        assert not any(task.done() for task in waiting)
        assert arrived == 32
        release.set()
    assert len(server.asked) == 34


@pytest.mark.parametrize(
    ("request_", "want"),
    [
        (requests.get(Ref(kinds.NAMESPACE, "", "team")), "/api/v1/namespaces/team"),
        (requests.list_page(kinds.SOVEREIGNTY_POLICY), "/apis/bolwerk.dev/v1alpha1/sovereigntypolicies"),
        (requests.list_page(kinds.POD, namespace="team"), "/api/v1/namespaces/team/pods"),
        (
            requests.apply(kinds.SOVEREIGNTY_POLICY, {"metadata": {"name": "state"}}, subresource="status"),
            "/apis/bolwerk.dev/v1alpha1/sovereigntypolicies/state/status",
        ),
        (
            requests.delete(Ref(kinds.CALICO_TIER, "", "bolwerk"), "uid"),
            "/apis/projectcalico.org/v3/tiers/bolwerk",
        ),
        (requests.discover(kinds.CALICO_TIER), "/apis/projectcalico.org/v3"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_has_no_namespace_is_addressed_without_one(request_: requests.Request, want: str) -> None:
    assert request_.path == want
