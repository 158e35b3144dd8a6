"""When an exception is in its term, and that nobody reads its dates but `validity`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bolwerk.core.exceptions.validity import has_begun, has_ended, is_active, lasts, next_change, term
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


@given(st.lists(st.tuples(INSTANTS, INSTANTS), max_size=4), INSTANTS)
def test_between_now_and_the_next_change_nothing_changes(terms: list[tuple[datetime, datetime]], now: datetime) -> None:
    made = [dated(begin.isoformat(), end.isoformat()) for begin, end in terms]

    change = next_change(made, now)

    until = change or NOON + timedelta(days=1)
    assert until > now
    before = [is_active(each, now) for each in made]
    assert [is_active(each, until - TINY) for each in made] == before
    if change:
        assert any(change in each for each in terms)


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
