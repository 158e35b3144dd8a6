"""Leader election: the decision as a table, and whole campaigns in virtual time against a Lease in memory."""

import asyncio
import json
from dataclasses import replace

import pytest

from bolwerk.core.plan import Manifest
from bolwerk.shell.errors import ApiError, ConflictError, FenceClosedError, NotFoundError, UnreachableError
from bolwerk.shell.fence import Fence
from bolwerk.shell.lease import Action, Elector, LeadershipLostError, Record, Seen, State, step
from bolwerk.shell.request import Request

OTHERS = Record(holder="other", version="7")
OWN = Record(holder="me", version="8")
STANDBY = State("me")
WATCHING = State("me", record=OTHERS, seen_at=100.0)
LEADING = State("me", record=OWN, seen_at=100.0, renewed_at=100.0)


@pytest.mark.parametrize(
    ("state", "now", "seen", "want"),
    [
        pytest.param(STANDBY, 0, Seen.ABSENT, Action.CREATE, id="nobody ever led: create the lease"),
        pytest.param(STANDBY, 0, Seen.UNKNOWN, Action.WAIT, id="the API server is away: wait"),
        pytest.param(STANDBY, 1e9, OTHERS, Action.WAIT, id="somebody's lease, seen for the first time: wait"),
        pytest.param(WATCHING, 114.9, OTHERS, Action.WAIT, id="unchanged for less than its duration: wait"),
        pytest.param(WATCHING, 115.0, OTHERS, Action.TAKE, id="unchanged for its duration: take it"),
        pytest.param(WATCHING, 115.0, replace(OTHERS, version="9"), Action.WAIT, id="renewed at the last moment: wait"),
        pytest.param(WATCHING, 101, Record(holder="", version="9"), Action.TAKE, id="released: take it at once"),
        pytest.param(WATCHING, 106, replace(OTHERS, duration=5.0), Action.TAKE, id="the holder's own duration counts"),
        pytest.param(WATCHING, 999, Seen.UNKNOWN, Action.WAIT, id="expired but unreadable: wait"),
        pytest.param(LEADING, 102, OWN, Action.RENEW, id="held: renew"),
        pytest.param(LEADING, 102, Seen.ABSENT, Action.CREATE, id="held, and deleted by hand: create it anew"),
        pytest.param(LEADING, 109.9, Seen.UNKNOWN, Action.WAIT, id="not renewed, before the deadline: keep trying"),
        pytest.param(LEADING, 110.0, Seen.UNKNOWN, Action.LOST, id="not renewed until the deadline: lost"),
        pytest.param(LEADING, 110.0, OWN, Action.LOST, id="late although it still says so: lost"),
        pytest.param(LEADING, 101, replace(OTHERS, version="9"), Action.LOST, id="another holds it: lost"),
    ],
)
def test_step(state: State, now: float, seen: Record | Seen, want: Action) -> None:
    after, action = step(state, now, seen)

    assert action is want
    assert (after.renewed_at is None) == (state.renewed_at is None or want is Action.LOST)


class LeaseServer:
    """A Lease as the API server keeps it, behind the client's `send`; `fault` is raised instead of an answer."""

    def __init__(self) -> None:
        self.lease: Manifest | None = None
        self.fault: ApiError | None = None
        self.hangs = False
        self.writes = 0

    async def send(self, request: Request, *, attempts: int, seconds: float) -> Manifest:
        assert attempts == 1
        assert request.urgent
        if self.hangs:
            await asyncio.sleep(seconds)
            raise UnreachableError("timed out")
        await asyncio.sleep(0.01)
        if self.fault is not None:
            raise self.fault
        if request.method == "GET":
            if self.lease is None:
                raise NotFoundError("absent", status=404)
            return self.lease
        assert request.body is not None
        lease: Manifest = json.loads(request.body)
        live = self.lease["metadata"]["resourceVersion"] if self.lease else None
        if lease["metadata"].get("resourceVersion") != live:
            raise ConflictError("changed", status=409)
        self.writes += 1
        lease["metadata"]["resourceVersion"] = str(self.writes)
        self.lease = lease
        return lease


class Replica:
    def __init__(self, server: LeaseServer, identity: str) -> None:
        clock = asyncio.get_running_loop().time
        self.fence = Fence(clock)
        self.elector = Elector(
            server,  # type: ignore[arg-type] # all of the client that it uses
            namespace="bolwerk-system",
            name="bolwerk",
            identity=identity,
            fence=self.fence,
            clock=clock,
            jitter=lambda: 0.0,
        )
        self.task = asyncio.create_task(self.elector.run())

    @property
    def may_write(self) -> bool:
        try:
            self.fence.check()
        except FenceClosedError:
            return False
        return True

    async def crash(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.mark.looptime
async def test_the_first_replica_leads_and_the_second_waits() -> None:
    server = LeaseServer()
    first = Replica(server, "first")
    await asyncio.sleep(0.5)
    second = Replica(server, "second")
    await asyncio.sleep(3600)

    assert (first.elector.leading.is_set(), second.elector.leading.is_set()) == (True, False)
    assert (first.may_write, second.may_write) == (True, False)
    assert server.lease is not None
    assert server.lease["spec"]["leaseTransitions"] == 0
    await first.crash()
    await second.crash()


@pytest.mark.looptime
async def test_after_a_crash_the_other_leads_when_the_lease_has_expired_and_never_both() -> None:
    server = LeaseServer()
    first = Replica(server, "first")
    await asyncio.sleep(0.5)
    second = Replica(server, "second")
    await asyncio.sleep(60)
    await first.crash()
    crashed_at = asyncio.get_running_loop().time()

    while not second.elector.leading.is_set():
        assert not (first.may_write and second.may_write)
        await asyncio.sleep(0.1)

    assert not first.may_write
    assert 13 < asyncio.get_running_loop().time() - crashed_at < 19
    assert server.lease is not None
    assert server.lease["spec"]["leaseTransitions"] == 1
    await second.crash()


@pytest.mark.looptime
async def test_after_a_release_the_other_leads_within_a_retry_period() -> None:
    server = LeaseServer()
    first = Replica(server, "first")
    await asyncio.sleep(0.5)
    second = Replica(server, "second")
    await asyncio.sleep(60)
    await first.crash()
    released_at = asyncio.get_running_loop().time()

    await first.elector.release()
    assert not first.may_write

    await asyncio.wait_for(second.elector.leading.wait(), 10)
    assert asyncio.get_running_loop().time() - released_at < 2.5
    await second.crash()


@pytest.mark.looptime
@pytest.mark.parametrize("hangs", [False, True], ids=["refused", "hanging"])
async def test_a_leader_that_cannot_renew_stops_writing_at_the_deadline_and_then_ends(hangs: bool) -> None:
    server = LeaseServer()
    leader = Replica(server, "leader")
    await asyncio.sleep(0.5)
    server.hangs, server.fault = hangs, UnreachableError("connection refused")
    left = leader.fence.remaining

    await asyncio.sleep(left - 0.1)
    assert leader.may_write
    await asyncio.sleep(0.1)
    assert not leader.may_write
    with pytest.raises(LeadershipLostError):
        await asyncio.wait_for(leader.task, 5)


@pytest.mark.looptime
async def test_a_short_outage_does_not_cost_the_lead() -> None:
    server = LeaseServer()
    leader = Replica(server, "leader")
    await asyncio.sleep(0.5)

    server.fault = UnreachableError("connection refused")
    await asyncio.sleep(7)
    server.fault = None
    await asyncio.sleep(60)

    assert leader.elector.leading.is_set()
    assert leader.may_write
    await leader.crash()


@pytest.mark.looptime
async def test_a_leader_whose_lease_is_taken_ends_and_its_fence_is_closed() -> None:
    server = LeaseServer()
    leader = Replica(server, "leader")
    await asyncio.sleep(0.5)
    assert server.lease is not None
    server.lease["spec"]["holderIdentity"] = "thief"
    server.lease["metadata"]["resourceVersion"] = "stolen"

    with pytest.raises(LeadershipLostError):
        await asyncio.wait_for(leader.task, 5)
    assert not leader.may_write
    assert not leader.elector.leading.is_set()


@pytest.mark.looptime
async def test_of_two_that_see_an_expired_lease_only_one_takes_it() -> None:
    server = LeaseServer()
    gone = Replica(server, "gone")
    await asyncio.sleep(0.5)
    await gone.crash()
    rivals = [Replica(server, name) for name in ("left", "right")]

    await asyncio.sleep(30)

    assert sorted(rival.elector.leading.is_set() for rival in rivals) == [False, True]
    for rival in rivals:
        await rival.crash()
