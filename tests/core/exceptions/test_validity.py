"""When an exception is in its term, and that nobody reads its dates but `validity`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bolwerk.core.exceptions.clocks import RESOLUTION, clocks, difference
from bolwerk.core.exceptions.validity import has_begun, has_ended, is_active, lasts, term, until_next_change
from core.exceptions.people import exception

SOURCES = Path(__file__).parents[3] / "operator" / "bolwerk"
READER = Path("core/exceptions/validity.py")
SCHEMA = (Path("api/egressexception.py"), Path("api/resources.py"))
PRINTER = Path("core/report/register.py")
"""Prints the texts that `term` gave, under the same names."""
DATES = re.compile(r"valid_?from|valid_?until", re.IGNORECASE)

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TINY = timedelta(microseconds=1)


def dated(begin: Any, end: Any) -> dict[str, Any]:
    return exception(validFrom=begin, validUntil=end)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(NOON - TINY, (False, False, False), id="just before"),
        pytest.param(NOON, (True, False, True), id="its first instant"),
        pytest.param(NOON + timedelta(days=1) - TINY, (True, False, True), id="its last instant"),
        pytest.param(NOON + timedelta(days=1), (True, True, False), id="its end, which is no part of it"),
        pytest.param(NOON + timedelta(days=9), (True, True, False), id="long after"),
        pytest.param((NOON - TINY).astimezone(), (False, False, False), id="another time zone"),
    ],
)
def test_a_term_begins_with_its_first_instant_and_ends_before_its_last(
    now: datetime, expected: tuple[bool, bool, bool]
) -> None:
    made = dated("2026-12-01T12:00:00Z", "2026-12-02T12:00:00Z")

    assert (has_begun(made, now), has_ended(made, now), is_active(made, now)) == expected


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        pytest.param("2026-12-01T13:00:00+01:00", "2026-12-02T12:00:00Z", id="an offset"),
        pytest.param("2026-12-01t12:00:00z", "2026-12-02t12:00:00z", id="lower case, as RFC 3339 has it"),
        pytest.param("2026-12-01T12:00:00.000Z", "2026-12-02T12:00:00.000000Z", id="fractions"),
    ],
)
def test_every_spelling_of_an_instant_is_read(begin: str, end: str) -> None:
    made = dated(begin, end)

    assert not is_active(made, NOON - TINY)
    assert is_active(made, NOON)
    assert lasts(made) == timedelta(days=1)
    assert term(made) == (begin, end)


@pytest.mark.parametrize("broken", [None, "", "soon", "2026-12-01", "2026-12-01T12:00:00", 1764590400, ["now"]])
@pytest.mark.parametrize("field", ["validFrom", "validUntil"])
def test_a_date_that_means_nothing_opens_nothing(field: str, broken: Any) -> None:
    made = exception(**{field: broken})

    for now in (NOON - timedelta(days=99), NOON, NOON + timedelta(days=99)):
        assert not is_active(made, now)
    assert lasts(made) == timedelta()


def test_one_that_is_being_deleted_is_over() -> None:
    made = exception()
    made["metadata"]["deletionTimestamp"] = "2026-12-01T00:00:00Z"

    assert not is_active(made, NOON)
    assert has_ended(made, NOON)


INSTANTS = st.integers(-5, 5).map(lambda seconds: NOON + seconds * SECOND)


SKEWS = st.integers(-4, 4).map(lambda seconds: seconds * SECOND)


@given(st.lists(st.tuples(INSTANTS, INSTANTS), max_size=4), INSTANTS, SKEWS)
def test_until_the_next_change_nothing_changes(
    terms: list[tuple[datetime, datetime]], now: datetime, skew: timedelta
) -> None:
    """By no clock: what is in its term, and what has begun or ended by one of them."""
    made = [dated(begin.isoformat(), end.isoformat()) for begin, end in terms]

    def seen(now: datetime) -> list[Any]:
        both = clocks(now, skew)
        return [(is_active(each, *both), *((has_begun(each, by), has_ended(each, by)) for by in both)) for each in made]

    seconds = until_next_change(made, *clocks(now, skew))

    left = timedelta(days=1) if seconds is None else timedelta(seconds=seconds)
    assert left > timedelta()
    assert seen(now + left - TINY) == seen(now)
    assert seconds is None or seen(now + left) != seen(now)


@given(st.floats(-8, 8), st.floats(0, 1), INSTANTS, INSTANTS, INSTANTS)
@example(2.5, 0.5, NOON - 2 * SECOND, NOON + 9 * SECOND, NOON)
@example(-2.5, 0.5, NOON - 2 * SECOND, NOON + 2.5 * SECOND, NOON)
def test_it_is_active_only_where_both_clocks_say_so(
    ahead: float, unknown: float, begin: datetime, end: datetime, now: datetime
) -> None:
    """Whatever the API server's clock says within the second that it cuts off, beyond one second of difference."""
    made, skew = dated(begin.isoformat(), end.isoformat()), timedelta(seconds=ahead)
    known = skew - timedelta(seconds=unknown) * (1 if ahead > 0 else -1)
    server = now - skew

    found = is_active(made, *clocks(now, known))

    if abs(known) < RESOLUTION:
        assert found == is_active(made, now), "what nobody can tell is no difference"
    elif found:
        assert is_active(made, now)
        assert is_active(made, server)


def test_the_difference_is_told_to_people() -> None:
    said = [difference(*clocks(NOON, timedelta(seconds=skew))) for skew in (599.8, -600)]

    assert said == [
        "the operator's clock is 600 s ahead of the API server's",
        "the operator's clock is 600 s behind the API server's",
    ]


def test_nobody_else_reads_the_dates() -> None:
    readers = {
        path.relative_to(SOURCES): names
        for path in sorted(SOURCES.rglob("*.py"))
        if path.relative_to(SOURCES) not in (READER, PRINTER, *SCHEMA) and (names := list(_read(path)))
    }

    assert readers == {}, "ask core.exceptions.validity, so that all agree on what has expired"


def _read(path: Path) -> Iterator[str]:
    """Yield attributes and keys that are an exception's dates; sentences for people may name them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        word = node.attr if isinstance(node, ast.Attribute) else node.value if isinstance(node, ast.Constant) else None
        if isinstance(word, str) and DATES.fullmatch(word.rpartition(".")[2]):
            yield word


def test_the_reader_itself_is_found() -> None:
    assert list(_read(SOURCES / READER)) == ["validFrom", "validUntil"]
