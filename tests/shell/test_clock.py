"""A clock that is off is noticed from the API server's answers, and one that is right is never suspected."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bolwerk.shell.clock import Clock, certain_skew
from bolwerk.shell.metrics import Metrics

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECONDS = st.floats(0, 30).map(lambda seconds: timedelta(seconds=seconds))


@given(st.floats(-1e6, 1e6), st.floats(0, 1), SECONDS, SECONDS)
def test_what_is_certain_is_never_more_than_what_is(
    skew: float, fraction: float, there: timedelta, back: timedelta
) -> None:
    """Whatever the fraction of the second that the server cuts off, and however long the request takes."""
    served = NOON + timedelta(seconds=fraction)
    ahead = timedelta(seconds=skew)

    found = certain_skew(served.replace(microsecond=0), asked=served - there + ahead, answered=served + back + ahead)

    assert abs(found) <= abs(ahead)
    assert found * ahead.total_seconds() >= timedelta()


@pytest.mark.parametrize("skew", [-3600.0, -5.0, 5.0, 3600.0])
def test_what_is_off_by_more_than_the_server_s_second_is_measured(skew: float) -> None:
    ahead = timedelta(seconds=skew)

    found = certain_skew(NOON, asked=NOON + ahead, answered=NOON + ahead)

    assert abs(found - ahead) <= timedelta(seconds=1)


@pytest.mark.parametrize(("skew", "want"), [(0.0, 0.0), (90.0, 89.0), (-90.0, -90.0)])
def test_it_is_measured_and_told_once(skew: float, want: float, caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    clock = Clock(metrics, now=lambda: NOON + timedelta(seconds=skew))

    for _ in range(3):
        clock.compare(format_datetime(NOON, usegmt=True), asked=NOON + timedelta(seconds=skew))

    assert metrics.registry.get_sample_value("bolwerk_clock_skew_seconds") == want
    assert len(caplog.records) == (1 if skew else 0)


@pytest.mark.parametrize("date", ["", "yesterday", "Tue, 24 Nov 2026 12:00:00"])
def test_a_server_that_does_not_tell_is_no_fault(date: str, caplog: pytest.LogCaptureFixture) -> None:
    Clock(Metrics(), now=lambda: NOON).compare(date, asked=NOON)

    assert not caplog.records
