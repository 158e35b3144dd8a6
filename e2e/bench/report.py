"""What was measured, as one table for people; and its place in docs/benchmarks.md. Pure but for reading the machine."""

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.latency import Latencies
from bench.measure import Spread
from bench.rest import Quiet, Restart
from bench.rounds import Ascent, Floor
from harness import families

INTRODUCTION = """# Benchmarks

Written by `make bench ARGS=--record`; run `make bench` to measure on your own machine. Floor and operator take turns in
one run, against the same etcd and kube-apiserver (no simulated nodes, no other controllers), with the same rights.

* **The floor** is a bare asynchronous client that creates the LocalModels and then server-side applies the very
  manifests that `bolwerk render` gives for them, and one status each, without looking at anything. It decides nothing
  and reads nothing: no operator can be faster.
* **The operator** is `bolwerk run` from the chart's own arguments and rights, at rest when the first LocalModel is
  created. Its time ends with its last write, by the API server's audit log. Afterwards every child is compared with
  what was rendered.
* Requests are counted in the API server's audit log. Leases are left out of the counts and named apart.
"""

Row = tuple[str, str, str]


@dataclass(frozen=True)
class Result:
    """Everything that one run measured."""

    models: int
    namespaces: int
    at_once: int
    load: float
    floors: Sequence[Floor]
    ascents: Sequence[Ascent]
    quiet: Quiet
    restart: Restart
    latencies: Latencies | None


def rows(result: Result) -> list[Row]:
    """Return (what, measured, goal)."""
    found = [*_rising(result), *_resting(result)]
    return found + (_answering(result.latencies) if result.latencies else [])


def ratio(result: Result) -> float:
    """Return how many times as long as the floor the operator takes, by the medians of their turns."""
    floor = Spread(tuple(each.seconds for each in result.floors)).median
    return Spread(tuple(each.seconds for each in result.ascents)).median / floor


def _rising(result: Result) -> list[Row]:
    models = result.models
    last = result.ascents[-1]
    writing = Spread(tuple(each.writing for each in result.floors)).median
    seconds = Spread(tuple(each.seconds for each in result.ascents))
    children = result.floors[-1].writes // models - 1
    writes = max(each.writes.total() for each in result.ascents) / models
    cpu = _all_cpu(result.ascents) / _all_cpu(result.floors)
    verbs = ", ".join(f"{count / models:.2f} {verb} {name}" for (verb, name), count in sorted(last.requests.items())
                      if count >= models / 100)  # fmt: skip
    failed = ", ".join(f"{count} {verb} {name} {code}" for (verb, name, code), count in sorted(last.failed.items()))
    return [
        ("floor: LocalModels, children, statuses", _seconds([each.seconds for each in result.floors]), ""),
        ("operator: the same, to its last write", _seconds(seconds.values), ""),
        ("**ratio to the floor**", f"**{ratio(result):.2f}**", "1.5"),
        ("ratio to the floor's children and statuses alone", f"{seconds.median / writing:.2f}", ""),
        (f"API writes for each new LocalModel ({children} children)", f"{writes:.2f}", f"{children + 2}"),
        ("requests of all verbs for each", f"{last.requests.total() / models:.2f} ({verbs})", ""),
        ("answers from 400 up (404: looked up before it is made)", failed or "none", ""),
        ("ratio of all CPU used: client, API server, etcd", f"{cpu:.2f}", ""),
        ("client CPU for each, floor", _milliseconds([each.cpu / models for each in result.floors]), ""),
        ("operator CPU for each", _milliseconds([each.cpu / models for each in result.ascents]), ""),
        ("etcd and API server CPU for each, under the floor", _milliseconds(
            [each.server_cpu / models for each in result.floors]), ""),
        ("etcd and API server CPU for each, under the operator", _milliseconds(
            [each.server_cpu / models for each in result.ascents]), ""),
    ]  # fmt: skip


def _all_cpu(turns: Sequence[Floor] | Sequence[Ascent]) -> float:
    return Spread(tuple(each.cpu + each.server_cpu for each in turns)).median


def _resting(result: Result) -> list[Row]:
    quiet, restart, base = result.quiet, result.restart, result.ascents[-1].memory_before
    reads = quiet.window.requests.total() - quiet.window.writes.total()
    grown = [memory - base for memory in (quiet.memory, restart.memory)]
    each = ", ".join(f"{max(size, 0) / result.models / 1000:.0f} kB" for size in grown)
    return [
        ("operator memory without a LocalModel", f"{base / 1e6:.0f} MB", ""),
        ("more for each LocalModel: after making them, after a restart", each, "60 kB at 10,000"),
        (f"writes in {quiet.minutes:g} quiet minutes", str(quiet.window.writes.total()), "0"),
        ("reads, Lease writes and CPU in that time", f"{reads}, {quiet.window.leases}, {quiet.cpu:.1f} s", ""),
        ("writes at a restart with nothing changed", str(restart.window.writes.total()), "0"),
        ("restart: every LocalModel looked at / nothing left to do",
         f"{restart.looked:.1f} s / {restart.steady:.1f} s", "30 s at 10,000"),
        ("restart: CPU, peak memory", f"{restart.cpu:.1f} s, {restart.peak / 1e6:.0f} MB", ""),
    ]  # fmt: skip


def _answering(taken: Latencies) -> list[Row]:
    return [
        ("an edit reaches the Deployment, at rest", _latency(taken.at_rest), "100 ms"),
        (f"the same while {len(taken.others) // taken.bursts} others change, {taken.rate:.0f} a second",
         _latency(taken.in_the_crowd), "p99 1 s"),
        ("those others", _latency(taken.others), ""),
        ("a NetworkPolicy opened by hand is closed again", _latency(taken.opened), "1 s"),
        ("a NetworkPolicy deleted by hand stands again", _latency(taken.deleted), "1 s"),
    ]  # fmt: skip


def _seconds(values: Sequence[float]) -> str:
    ordered = ", ".join(f"{value:.2f}" for value in values)
    return f"{Spread(tuple(values)).median:.2f} s ({ordered})"


def _milliseconds(values: Sequence[float]) -> str:
    return f"{Spread(tuple(values)).median * 1000:.1f} ms"


def _latency(values: Sequence[float]) -> str:
    spread = Spread(tuple(values))
    p50, p99, worst = (f"{spread.at(share) * 1000:.0f}" for share in (0.5, 0.99, 1.0))
    return f"p50 {p50}, p99 {p99}, max {worst} ms (n={len(values)})"


def section(result: Result) -> str:
    """Return the result as a section of Markdown."""
    circumstances = (
        f"{datetime.now(UTC):%Y-%m-%d}, {machine()}; load average before the start: {result.load:.1f}; "
        f"namespaces: {result.namespaces}; LocalModels that the floor writes at once: {result.at_once}."
    )
    lines = [
        f"## {result.models:,} LocalModels",
        "",
        circumstances,
        "",
        "| what | measured | goal |",
        "|---|---|---|",
        *(f"| {what} | {measured} | {goal} |" for what, measured, goal in rows(result)),
    ]
    return "\n".join(lines) + "\n"


def plain(found: Sequence[Row]) -> str:
    """Return the rows for a terminal."""
    width = max(len(what) for what, _, _ in found)
    return "\n".join(
        f"  {what.replace('*', ''):{width}}  {measured.replace('*', '')}" + (f"   [goal: {goal}]" if goal else "")
        for what, measured, goal in found
    )


def machine() -> str:
    """Describe this machine by what decides about speed, and by nothing that names it."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    release = re.match(r"\d+(\.\d+)*", platform.release())
    model = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return (
        f"{cores} cores ({model.group(1) if model else platform.machine()}), {memory:.0f} GiB, "
        f"Linux {release.group(0) if release else ''}, Python {platform.python_version()}, "
        f"Kubernetes {families.named('kubernetes').version}, etcd {families.named('etcd').version}"
    )


def recorded(document: str, added: str) -> str:
    """Return the document with a section added, in the place of an earlier one with the same heading."""
    heading = added.splitlines()[0]
    _, *earlier = re.split(r"^(?=## )", document, flags=re.MULTILINE)
    kept = [each for each in earlier if each.splitlines()[0] != heading]
    sections = sorted([*(each.rstrip("\n") + "\n" for each in kept), added], key=_models)
    return "\n".join([INTRODUCTION, *sections])


def _models(one: str) -> int:
    found = re.match(r"## ([\d,]+)", one)
    return int(found.group(1).replace(",", "")) if found else 0
