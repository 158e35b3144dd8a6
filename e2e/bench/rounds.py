"""The same LocalModels written by a bare client and by the operator, in turns: the floor and what stands on it."""

import asyncio
import collections
import time
from dataclasses import dataclass
from pathlib import Path

from bench import fleet, measure
from bench.bolwerk import Measured
from bench.client import Api, Manifest, each
from harness.controlplane import ControlPlane

_SERVERS = ("etcd", "kube-apiserver")
_PATIENCE = 120.0  # seconds, and as much again for every thousand LocalModels
ADMIN_AGENT = "bench"


def patience(models: int) -> float:
    """Return for how many seconds to wait for work on so many LocalModels before giving up."""
    return _PATIENCE * (1 + models / 1000)


@dataclass(frozen=True)
class Floor:
    """One turn of the bare client; seconds, by the API server's clock where it is about requests."""

    creating: float
    writing: float
    cpu: float
    """Of the client, for the children and statuses."""
    server_cpu: float
    """Of etcd and API server, for the creates, the children and the statuses."""
    writes: int

    @property
    def seconds(self) -> float:
        """From nothing to LocalModels with children and statuses."""
        return self.creating + self.writing


@dataclass(frozen=True)
class Ascent:
    """One turn of the operator, from the first LocalModel created to the last child or status written."""

    seconds: float
    cpu: float
    server_cpu: float
    memory_before: int
    memory_after: int
    requests: collections.Counter[tuple[str, str]]
    writes: collections.Counter[tuple[str, str]]
    failed: collections.Counter[tuple[str, str, int]]


@dataclass(frozen=True)
class Ground:
    """Where the turns take place: the control plane, whose rights the writers have, and how many models there are."""

    plane: ControlPlane
    writer: Path
    """The operator's own kubeconfig: the floor passes the same authorizer and the same request queues."""
    writer_name: str
    namespaces: tuple[str, ...]
    models: int
    at_once: int

    @property
    def names(self) -> list[tuple[str, str]]:
        """Namespace and name of every LocalModel."""
        return fleet.names(self.models, self.namespaces, prefix="model")

    def admin(self) -> Api:
        """Return a client with all rights."""
        return Api(self.plane.kubeconfig, agent=ADMIN_AGENT)

    def server_cpu(self) -> float:
        """Return the CPU seconds that etcd and API server have used."""
        return sum(measure.cpu_seconds(self.plane.pids[name]) for name in _SERVERS)


async def floor(ground: Ground) -> Floor:
    """Let the bare client write everything into namespaces without LocalModels."""
    audit, server_cpu = ground.plane.audit, ground.server_cpu()
    mark = audit.mark()
    async with ground.admin() as admin:
        models = await fleet.create(admin, ground.names)
        server_cpu = ground.server_cpu() - server_cpu
        creating = measure.window(audit, mark, user="admin", resource="localmodels")
        where = await fleet.surroundings(admin)
        todo = [(model, fleet.wanted_for(model, where)) for model in models]  # not timed: a floor decides nothing
        mark, servers_before = audit.mark(), ground.server_cpu()
        async with Api(ground.writer, agent="floor") as writer:

            async def write(item: tuple[Manifest, fleet.Wanted]) -> None:
                await fleet.write(writer, *item)

            cpu = time.process_time()
            await each(todo, write, at_once=ground.at_once)
            cpu = time.process_time() - cpu
        server_cpu += ground.server_cpu() - servers_before
        await _demand_finished(admin, ground)
    expected = sum(len(wanted.children) + 1 for _, wanted in todo)
    written = measure.window(audit, mark, user=ground.writer_name)
    if written.writes.total() != expected:
        raise RuntimeError(f"the audit log has {written.writes.total()} writes of the floor, not {expected}")
    return Floor(
        creating=creating.last - creating.first,
        writing=written.last_write - written.first,
        cpu=cpu,
        server_cpu=server_cpu,
        writes=expected,
    )


def ascend(ground: Ground, bolwerk: Measured) -> Ascent:
    """Create LocalModels under a running operator that has none yet, and wait until it has nothing left to do."""
    audit, mark = ground.plane.audit, ground.plane.audit.mark()
    cpu, server_cpu = measure.cpu_seconds(bolwerk.pid), ground.server_cpu()
    before, reconciles = measure.memory_bytes(bolwerk.pid), bolwerk.reconciles()

    async def create() -> None:
        async with ground.admin() as admin:
            await fleet.create(admin, ground.names)

    asyncio.run(create())
    bolwerk.calm(
        done=lambda: bolwerk.reconciles() >= reconciles + ground.models,
        what=f"apply the children of {ground.models} LocalModels",
        seconds=patience(ground.models),
    )
    cpu, server_cpu = measure.cpu_seconds(bolwerk.pid) - cpu, ground.server_cpu() - server_cpu
    after = measure.memory_bytes(bolwerk.pid)
    created = measure.window(audit, mark, user="admin", resource="localmodels")
    done = measure.window(audit, mark, user=bolwerk.user)

    async def check() -> None:
        async with ground.admin() as admin:
            await _demand_finished(admin, ground)

    asyncio.run(check())
    return Ascent(
        seconds=done.last_write - created.first,
        cpu=cpu,
        server_cpu=server_cpu,
        memory_before=before,
        memory_after=after,
        requests=done.requests,
        writes=done.writes,
        failed=done.failed,
    )


async def clear(ground: Ground) -> None:
    """Take everything away again; no operator may be running."""
    async with ground.admin() as admin:
        await fleet.remove(admin, ground.namespaces)


async def _demand_finished(admin: Api, ground: Ground) -> None:
    faults = await fleet.unfinished(admin, ground.namespaces, await fleet.surroundings(admin))
    if faults:
        raise RuntimeError(f"{len(faults)} objects are not as they must be, such as {faults[0]}")
