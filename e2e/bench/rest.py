"""An operator at rest: what it writes when nothing happens, and when it starts over a world that is as it should be."""

import time
from dataclasses import dataclass

from bench import measure
from bench.bolwerk import Measured, Say
from bench.rounds import patience


@dataclass(frozen=True)
class Quiet:
    """A stretch of time in which nothing changed."""

    minutes: float
    window: measure.Window
    cpu: float
    memory: int


@dataclass(frozen=True)
class Restart:
    """A start over LocalModels that are all as they should be; seconds since the process began."""

    looked: float
    """Until every LocalModel had been looked at."""
    steady: float
    """Until there was nothing left to do: watches open, lists compared."""
    window: measure.Window
    cpu: float
    memory: int
    peak: int


def keep_quiet(bolwerk: Measured, *, minutes: float, say: Say) -> Quiet:
    """Do nothing for some minutes, and see whether the operator does."""
    mark, cpu = bolwerk.audit.mark(), measure.cpu_seconds(bolwerk.pid)
    end = time.monotonic() + minutes * 60
    while (left := end - time.monotonic()) > 0:
        say(f"quiet for another {left / 60:.1f} minutes")
        time.sleep(min(left, 60))
        bolwerk.check()
    return Quiet(
        minutes=minutes,
        window=measure.window(bolwerk.audit, mark, user=bolwerk.user),
        cpu=measure.cpu_seconds(bolwerk.pid) - cpu,
        memory=measure.memory_bytes(bolwerk.pid),
    )


def restart(bolwerk: Measured, *, models: int) -> Restart:
    """End the operator as a rolling update would and start it again, with nothing changed."""
    bolwerk.stop()
    mark = bolwerk.audit.mark()
    bolwerk.start()
    looked = 0.0

    def all_looked_at() -> bool:
        nonlocal looked
        looked = measure.age_seconds(bolwerk.pid)
        return bolwerk.reconciles() >= models

    calm_since = bolwerk.calm(done=all_looked_at, what=f"look at {models} LocalModels again", seconds=patience(models))
    return Restart(
        looked=looked,
        steady=measure.age_seconds(bolwerk.pid) - (time.monotonic() - calm_since),
        window=measure.window(bolwerk.audit, mark, user=bolwerk.user),
        cpu=measure.cpu_seconds(bolwerk.pid),
        memory=measure.memory_bytes(bolwerk.pid),
        peak=measure.memory_bytes(bolwerk.pid, peak=True),
    )
