"""A clock that is off is noticed from the API server's answers, and one that is right is never suspected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bolwerk.core.exceptions.clocks import RESOLUTION
from bolwerk.shell.clock import Clock
from bolwerk.shell.metrics import Metrics

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECONDS = st.floats(0, 30)


@dataclass
class Machines:
    """Two machines: seconds that have passed, and what is added to them on each clock."""

    passed: float = 0.0
    own: float = 0.0
    server: float = 0.0
    jumps: int = 0

    def __post_init__(self) -> None:
        self.metrics = Metrics()
        self.clock = Clock(self.metrics, now=self.now, monotonic=lambda: self.passed + 1e4, jumped=self.note)

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.passed + self.own)

    def note(self) -> None:
        self.jumps += 1

    def ask(self, there: float = 0.0, back: float = 0.0) -> None:
        asked = self.passed + 1e4
        self.passed += there
        served = NOON + timedelta(seconds=self.passed + self.server)
        self.passed += back
        self.clock.compare(format_datetime(served.replace(microsecond=0), usegmt=True), asked=asked)


@given(st.floats(-1e6, 1e6), st.lists(st.tuples(SECONDS, SECONDS, SECONDS), min_size=1, max_size=20))
def test_what_is_told_is_never_more_than_what_is(skew: float, asked: list[tuple[float, float, float]]) -> None:
    """Whatever the fraction of the second that the server cuts off, and however long the requests take."""
    machines = Machines(own=skew)

    for wait, there, back in asked:
        machines.passed += wait
        machines.ask(there, back)

        found = machines.clock.skew().total_seconds()
        assert abs(found) <= abs(skew) + 1e-5
        assert found * skew >= 0 or abs(found) < 1e-5
        assert abs(found) >= abs(skew) - 1 - max(there + back for _, there, back in asked) - 1e-5


@pytest.mark.parametrize("skew", [-3600.0, -5.0, 5.0, 3600.0])
def test_many_answers_come_near_the_truth(skew: float) -> None:
    machines = Machines(own=skew)

    for _ in range(20):
        machines.passed += 2.07
        machines.ask(0.01, 0.01)

    assert abs(machines.clock.skew().total_seconds() - skew) <= 0.15


@pytest.mark.parametrize(("skew", "want"), [(0.0, 0.0), (90.0, 89.0), (-90.0, -90.0)])
def test_it_is_measured_and_told_once(skew: float, want: float, caplog: pytest.LogCaptureFixture) -> None:
    machines = Machines(own=skew)

    for _ in range(3):
        machines.ask()

    assert machines.metrics.registry.get_sample_value("bolwerk_clock_skew_seconds") == want
    assert len(caplog.records) == machines.jumps == (1 if skew else 0)


@pytest.mark.parametrize("jump", [-600.0, 600.0])
def test_it_is_known_at_once_when_this_machine_s_clock_is_set(jump: float) -> None:
    machines = Machines()
    machines.ask()

    machines.own = jump
    assert machines.clock.skew() == timedelta(seconds=jump), "without asking anybody"
    machines.ask()
    assert machines.jumps == 1, "what depends on it is looked at again"

    machines.own = 0.0
    machines.ask()
    assert (machines.clock.skew(), machines.jumps) == (timedelta(), 2)


@pytest.mark.parametrize("jump", [-600.0, 600.0])
def test_it_is_known_with_the_next_answer_when_the_server_s_clock_is_set(jump: float) -> None:
    machines = Machines()
    machines.ask()

    machines.server = jump
    machines.ask()

    assert abs(machines.clock.skew() + timedelta(seconds=jump)) <= RESOLUTION
    assert machines.jumps == 1


def test_a_machine_that_slept_is_in_doubt_until_the_next_answer() -> None:
    """The monotonic clock stood still, so the API server's seems to be behind: what is over by ours is closed."""
    machines = Machines()
    machines.ask()

    machines.own = machines.server = 3600.0
    assert machines.clock.skew() == timedelta(hours=1)
    for _ in range(10):
        machines.passed += 1.3
        machines.ask()

    assert abs(machines.clock.skew()) < RESOLUTION


@pytest.mark.parametrize("date", ["", "yesterday", "Tue, 24 Nov 2026 12:00:00"])
def test_a_server_that_does_not_tell_is_no_fault(date: str, caplog: pytest.LogCaptureFixture) -> None:
    machines = Machines(own=600.0)
    machines.clock.compare(date, asked=0.0)

    assert not caplog.records
    assert machines.clock.skew() == timedelta()
