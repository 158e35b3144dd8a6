"""The operator under measurement: when it has caught up, and what it used for that."""

import time
import urllib.request
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from bench import measure
from harness import operator
from harness.audit import AuditLog
from harness.controlplane import ControlPlane

_EVERY = 0.25  # seconds between two looks
_CALM = 2.0  # seconds without work, after which the work before them counts as ended
_CALM_SHARE = 0.08  # of a core; an idle operator takes about a fifth of that
_TELL_EVERY = 15.0  # seconds

Say = Callable[[str], None]


class Measured(operator.Operator):
    """The operator's process, with what the measurements ask of it."""

    def __init__(self, plane: ControlPlane, *, say: Say) -> None:
        super().__init__(plane, name="bench")
        self._plane = plane
        self._say = say
        self._log_mark = 0

    @property
    def audit(self) -> AuditLog:
        """The log in which the API server notes what this operator asks of it."""
        return self._plane.audit

    def reconciles(self) -> int:
        """Return how many reconciliations ended so far, by the operator's own metric."""
        # The address is this machine's, with the port that the harness chose.
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        return sum(
            int(sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "bolwerk_reconciles_total"
        )

    def wait_until_leading(self, *, seconds: float = 60) -> None:
        """Wait until it has taken the Lease and its watches are open."""
        self.calm(done=lambda: "listed" in self.log_of_this_run(), what="lead", seconds=seconds)

    def log_of_this_run(self) -> str:
        """Return what the running process has logged so far."""
        with self.log.open("rb") as file:
            file.seek(self._log_mark)
            return file.read().decode(errors="replace")

    def start(self) -> None:
        """Start the process and wait until it is alive."""
        self._log_mark = self.log.stat().st_size if self.log.exists() else 0
        super().start()

    def calm(self, *, done: Callable[[], bool], what: str, seconds: float) -> float:
        """Wait until something is done and the process has had nothing to do for two seconds.

        Returns
        -------
        float
            The instant, on the monotonic clock, since which it has had nothing to do.

        Raises
        ------
        TimeoutError
            It did not come to rest in time.
        """
        deadline = time.monotonic() + seconds
        told = calm_since = time.monotonic()
        used = measure.cpu_seconds(self.pid)
        is_done = False
        while True:
            started = time.monotonic()
            time.sleep(_EVERY)
            self.check()
            now, using = time.monotonic(), measure.cpu_seconds(self.pid)
            # One tick of the kernel's clock is 10 ms: two of them in a quarter of a second are idling.
            if (using - used) / (now - started) > _CALM_SHARE:
                calm_since = now
            used = using
            is_done = is_done or done()
            if is_done and now - calm_since >= _CALM:
                return calm_since
            if now > deadline:
                raise TimeoutError(f"waited {seconds:.0f} s in vain for the operator to {what}; see {self.log}")
            if now - told >= _TELL_EVERY:
                told = now
                self._say(f"still waiting for the operator to {what}: {'done, but busy' if is_done else 'not done'}")
