"""The probe: tries everything that its task names, all at once, and writes down what the network said.

Runs in a pod of its own for some seconds. It decides nothing: what was expected, and what it means, is the operator's
to say.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, datetime

from bolwerk.core.proof.document import LENGTH, Document, Result
from bolwerk.core.proof.task import CLUSTER_DNS, Target, Task
from bolwerk.programs import attempt
from bolwerk.programs.attempt import GOT_THROUGH, Said

__all__ = ["measure", "written"]

NAMES_AT_ONCE = 40
PAUSE = 1.0
DETAIL = 127


async def measure(task: Task, *, pod: str, node: str, addresses: tuple[str, ...]) -> Document:
    """Try all targets and return the document."""
    threads = ThreadPoolExecutor(NAMES_AT_ONCE)
    started = datetime.now(UTC)
    results = await asyncio.gather(*(_tried(target, task, threads) for target in task.targets))
    # Not waited for: those that a resolver leaves without an answer have been given up.
    threads.shutdown(wait=False, cancel_futures=True)
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
    """Return the document as JSON that the kubelet keeps whole: the longest details are shortened first.

    Raises
    ------
    ValueError
        When it is too long even without any detail.
    """
    results = list(document.results)
    while (length := len((text := _json(document, results)).encode())) > LENGTH:
        longest = max(range(len(results)), key=lambda index: len(results[index].d))
        if not results[longest].d:
            raise ValueError(f"the document has {length} bytes, and the kubelet keeps {LENGTH}: try fewer targets")
        results[longest] = results[longest].model_copy(update={"d": _shorter(results[longest])})
    return text


def _json(document: Document, results: Iterable[Result]) -> str:
    return document.model_copy(update={"results": tuple(results)}).model_dump_json(exclude_defaults=True)


def _shorter(result: Result) -> str:
    # Half an address is another address.
    return result.d.rpartition(",")[0] if result.o == "Answered" else result.d[: len(result.d) // 2]


async def _tried(target: Target, task: Task, threads: Executor) -> Result:
    began = time.monotonic()
    tries, (said, detail) = await _several(target, task, threads)
    while said in GOT_THROUGH and target.arm == "Treatment" and time.monotonic() - began < task.patience_seconds:
        await asyncio.sleep(PAUSE)
        more, (said, detail) = await _several(target, task, threads)
        tries += more
    return Result(o=said, n=tries, d=detail[:DETAIL])


async def _several(target: Target, task: Task, threads: Executor) -> tuple[int, Said]:
    """Try until one gets through, and return how many it took and what the last said."""
    # A resolver of the C library's own tries again by itself.
    most = 1 if target.vector == "Name" else task.attempts
    tries = 0
    while True:
        tries += 1
        said = await _attempt(target, task, threads)
        if said[0] in GOT_THROUGH or tries == most:
            return tries, said


async def _attempt(target: Target, task: Task, threads: Executor) -> Said:
    seconds = task.timeout_seconds
    match target.vector:
        case "TCP" | "Metadata":
            return await attempt.connect(target.address, target.port, seconds=seconds)
        case "UDP":
            return await attempt.datagram(target.address, target.port, seconds=seconds)
        case "Proxy":
            return await attempt.proxied(target.address, target.port, to=target.to, seconds=seconds)
        case "DNS":
            return await _query(target, seconds)
        case "Name":
            outcome, addresses = await attempt.name(target.to, seconds=seconds * task.attempts, threads=threads)
            found = _telling_first(addresses, task.allowed) if outcome == "Answered" else addresses
            return outcome, found


async def _query(target: Target, seconds: float) -> Said:
    if target.address != CLUSTER_DNS:
        return await attempt.query(target.address, target.port, asked=target.to, seconds=seconds)
    try:
        servers, domains = attempt.resolvers()
    except OSError as error:
        return "Failed", f"resolv.conf: {error.strerror}"
    # By the name that it has in the cluster: any other is passed on to the outside, where nobody may answer.
    cluster = next((each for each in domains if each.startswith("svc.")), "")
    asked = f"{target.to.removesuffix('.svc')}.{cluster}" if cluster else target.to
    said: Said = ("Failed", "resolv.conf names no resolver")
    for server in servers:
        said = await attempt.query(server, target.port, asked=asked, seconds=seconds)
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
