"""The probe: tries everything that its task names, all at once, and writes down what the network said.

Runs in a pod of its own for some seconds. It decides nothing: what was expected, and what it means, is the operator's
to say.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from bolwerk.core.proof.document import LENGTH, Document, Result
from bolwerk.core.proof.task import CLUSTER_DNS, Target, Task
from bolwerk.programs import attempt
from bolwerk.programs.attempt import GOT_THROUGH, Said

__all__ = ["measure", "written"]

NAMES_AT_ONCE = 40
DETAIL = 127


async def measure(task: Task, *, pod: str, node: str, addresses: tuple[str, ...]) -> Document:
    """Try all targets and return the document."""
    # The C library resolves names, a thread for each.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(NAMES_AT_ONCE))
    started = datetime.now(UTC)
    results = await asyncio.gather(*(_tried(target, task) for target in task.targets))
    return Document(
        run=task.run,
        pod=pod,
        node=node,
        addresses=addresses,
        started=started,
        finished=datetime.now(UTC),
        results=tuple(results),
    )


def written(document: Document) -> str:
    """Return the document as JSON that the kubelet keeps whole: the longest details go first.

    Raises
    ------
    ValueError
        When it is too long even without any detail.
    """
    while len(text := document.model_dump_json(exclude_defaults=True)) > LENGTH:
        longest = max(range(len(document.results)), key=lambda index: len(document.results[index].d))
        if not document.results[longest].d:
            raise ValueError(f"the document has {len(text)} bytes, and the kubelet keeps {LENGTH}: try fewer targets")
        results = list(document.results)
        results[longest] = results[longest].model_copy(update={"d": results[longest].d[: len(results[longest].d) // 2]})
        document = document.model_copy(update={"results": tuple(results)})
    return text


async def _tried(target: Target, task: Task) -> Result:
    said: Said = ("Failed", "not tried")
    tries = 0
    # A resolver of the C library's own tries again by itself.
    for _ in range(1 if target.vector == "Name" else task.attempts):
        tries += 1
        said = await _attempt(target, task)
        if said[0] in GOT_THROUGH:
            break
    return Result(o=said[0], n=tries, d=said[1][:DETAIL])


async def _attempt(target: Target, task: Task) -> Said:
    seconds = task.timeout_seconds
    match target.vector:
        case "TCP" | "Metadata":
            return await attempt.connect(target.address, target.port, seconds=seconds)
        case "UDP":
            return await attempt.datagram(target.address, target.port, seconds=seconds)
        case "Proxy":
            return await attempt.proxied(target.address, target.port, to=target.to, seconds=seconds)
        case "DNS":
            return await _asked(target, seconds)
        case "Name":
            outcome, addresses = await attempt.name(target.to, seconds=seconds * task.attempts)
            found = _telling_first(addresses, task.allowed) if outcome == "Answered" else addresses
            return outcome, found


async def _asked(target: Target, seconds: float) -> Said:
    if target.address != CLUSTER_DNS:
        return await attempt.query(target.address, target.port, names=[target.to], seconds=seconds)
    servers, domains = attempt.resolvers()
    # Names of the cluster first: another name is passed on to the outside, where nobody may answer.
    names = [*(f"{target.to.removesuffix('.svc')}.{each}" for each in domains if each.startswith("svc.")), target.to]
    said: Said = ("Failed", "resolv.conf names no resolver")
    for server in servers:
        said = await attempt.query(server, target.port, names=names[:1], seconds=seconds)
        if said[0] in GOT_THROUGH:
            break
    return said


def _telling_first(addresses: str, allowed: Iterable[str]) -> str:
    """Put those first that lie where pods may go: of a long list only the beginning is kept."""
    networks = [ipaddress.ip_network(each, strict=False) for each in allowed]

    def is_outside(address: str) -> bool:
        parsed = ipaddress.ip_address(address.partition("%")[0])
        return not any(parsed.version == network.version and parsed in network for network in networks)

    kept = ""
    for each in sorted(addresses.split(","), key=is_outside):
        longer = f"{kept},{each}" if kept else each
        if len(longer) > DETAIL:
            break
        kept = longer
    return kept
