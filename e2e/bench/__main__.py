"""`make bench`: brings up a control plane, lets floor and operator take turns, and prints one table.

Starts only processes of its own and ends them all; keeps its data in a temporary folder. It fails when something
could not be measured or was written wrongly, and never because of a time: times are for people to judge.
"""

import asyncio
import contextlib
import dataclasses
import os
import sys
import tempfile
import time
from pathlib import Path

import click

from bench import fleet, latency, report, rest, rounds
from bench.bolwerk import Measured
from harness import operator, process, tools
from harness.controlplane import ControlPlane

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
_MODELS_IN_A_NAMESPACE = 500
_PROBES = 50
_WARMING = 500


class Bench:
    """One run, with its clock."""

    def __init__(self, *, models: int, turns: int, at_once: int, quiet_minutes: float, latencies: bool) -> None:
        self._models = models
        self._turns = turns
        self._at_once = at_once
        self._quiet_minutes = quiet_minutes
        self._latencies = latencies
        self._started = time.monotonic()

    def run(self) -> report.Result:
        """Measure everything."""
        load = os.getloadavg()[0]
        self.say(report.machine())
        if load > 0.5:
            self.say(f"the load average is {load:.1f}: figures for the record need a machine that does nothing else")
        with contextlib.ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bolwerk-bench-")))
            self.say("control plane: etcd and API server")
            plane = stack.enter_context(ControlPlane(directory))
            operator.install(plane)
            return self._measure(plane, load)

    def _measure(self, plane: ControlPlane, load: float) -> report.Result:
        bolwerk = Measured(plane, say=self.say)
        count = -(-self._models // _MODELS_IN_A_NAMESPACE)
        ground = rounds.Ground(
            plane=plane,
            writer=plane.kubeconfig_for(operator.NAMESPACE, operator.RELEASE),
            writer_name=bolwerk.user,
            namespaces=tuple(f"bench-{number}" for number in range(count)),
            models=self._models,
            at_once=self._at_once,
        )
        asyncio.run(self._prepare(ground))
        self.say("warming up: the first objects of an API server cost it more than all later ones")
        asyncio.run(rounds.floor(dataclasses.replace(ground, models=min(self._models, _WARMING))))
        asyncio.run(rounds.clear(ground))
        floors, ascents = [], []
        for turn in range(1, self._turns + 1):
            floors.append(asyncio.run(rounds.floor(ground)))
            self.say(f"turn {turn}: floor {floors[-1].seconds:.2f} s ({floors[-1].creating:.2f} of it for the creates)")
            asyncio.run(rounds.clear(ground))
            bolwerk.start()
            try:
                bolwerk.wait_until_leading()
                ascents.append(rounds.ascend(ground, bolwerk))
                self.say(f"turn {turn}: operator {ascents[-1].seconds:.2f} s, {ascents[-1].cpu:.2f} s of CPU")
                if turn == self._turns:
                    return self._rest(ground, bolwerk, floors=floors, ascents=ascents, load=load)
                bolwerk.stop()
            finally:
                bolwerk.kill()
            asyncio.run(rounds.clear(ground))
        raise ValueError("at least one turn is needed")

    def _rest(
        self,
        ground: rounds.Ground,
        bolwerk: Measured,
        *,
        floors: list[rounds.Floor],
        ascents: list[rounds.Ascent],
        load: float,
    ) -> report.Result:
        quiet = rest.keep_quiet(bolwerk, minutes=self._quiet_minutes, say=self.say)
        self.say(f"quiet: {dict(quiet.window.writes) or 'no'} writes; restarting with nothing changed")
        again = rest.restart(bolwerk, models=self._models)
        self.say(f"restart: {dict(again.window.writes) or 'no'} writes, steady after {again.steady:.1f} s")
        taken = None
        if self._latencies:
            taken = asyncio.run(self._answer(ground, bolwerk))
        return report.Result(
            models=self._models,
            namespaces=len(ground.namespaces),
            at_once=self._at_once,
            load=load,
            floors=floors,
            ascents=ascents,
            quiet=quiet,
            restart=again,
            latencies=taken,
        )

    async def _prepare(self, ground: rounds.Ground) -> None:
        async with ground.admin() as admin:
            await fleet.prepare(admin, ground.namespaces)

    async def _answer(self, ground: rounds.Ground, bolwerk: Measured) -> latency.Latencies:
        namespace = ground.namespaces[0]
        probes = fleet.names(_PROBES, [namespace], prefix="probe")
        others = [model for model in ground.names if model[0] == namespace]
        async with ground.admin() as admin:
            self.say(f"{_PROBES} more LocalModels to edit and to damage")
            before = bolwerk.reconciles()
            await fleet.create(admin, probes)
            await asyncio.to_thread(
                bolwerk.calm,
                done=lambda: bolwerk.reconciles() >= before + _PROBES,
                what="apply them",
                seconds=rounds.patience(_PROBES),
            )
            return await latency.take(admin, probes, others, say=self.say)

    def say(self, text: str) -> None:
        """Tell the person who waits how far it is."""
        print(f"==> [{time.monotonic() - self._started:6.1f} s] {text}", file=sys.stderr, flush=True)


@click.command()
@click.option("--models", type=click.IntRange(1, 20_000), default=500, show_default=True)
@click.option("--turns", type=click.IntRange(1), default=3, show_default=True, help="Of floor and operator each.")
@click.option("--at-once", type=click.IntRange(1, 256), default=32, show_default=True, help="The floor's concurrency.")
@click.option("--quiet-minutes", type=click.FloatRange(0.05), default=1, show_default=True, help="10 for the record.")
@click.option("--latencies/--no-latencies", default=True, show_default=True, help="Time edits and healed drift too.")
@click.option("--record", is_flag=True, help="Write the table into docs/benchmarks.md.")
def main(*, models: int, turns: int, at_once: int, quiet_minutes: float, latencies: bool, record: bool) -> None:
    """Measure the operator beside a bare client that issues the same writes."""
    if not sys.platform.startswith("linux"):
        raise click.ClickException("CPU and memory are read from /proc: run this on Linux")
    process.clean_up_on_sigterm()
    bench = Bench(models=models, turns=turns, at_once=at_once, quiet_minutes=quiet_minutes, latencies=latencies)
    try:
        result = bench.run()
    except (tools.ToolMissingError, tools.BuildFailedError) as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(report.plain(report.rows(result)))
    if record:
        before = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
        DOCUMENT.write_text(report.recorded(before, report.section(result)), encoding="utf-8")
        bench.say(f"recorded in {DOCUMENT.relative_to(DOCUMENT.parents[1])}")


if __name__ == "__main__":
    main()
