"""A trail that is whole is found whole, and any other is not: which line, and what is wrong with it."""

from __future__ import annotations

import itertools
import json
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bolwerk.core.audit.action import Action
from bolwerk.core.audit.entry import UNANCHORED, Entry, Head, digest
from bolwerk.core.audit.verdict import Fault
from bolwerk.core.audit.verify import verify
from bolwerk.core.line import Line

from .chains import judge, write

LENGTH = 8
TEXTS = st.text(max_size=20)
VALUES = {
    "schema": st.integers(2, 9),
    "sequence": st.integers(0, 20),
    "detail": st.dictionaries(TEXTS, TEXTS | st.integers(), max_size=3),
    **dict.fromkeys(("timestamp", "action", "object", "result", "origin", "actor", "previous", "hash"), TEXTS),
}


def changed(entry: Entry, name: str, value: object) -> str:
    content = json.loads(entry.line)["audit"] | {name: value}
    return json.dumps({"audit": content})


def forged(entry: Entry, **fields: object) -> Entry:
    """Change an entry and give it the hash of its new content, as who knows the format would."""
    altered = replace(entry, **fields)  # type: ignore[arg-type]
    return replace(altered, hash=digest(altered._content()))


def test_a_whole_trail_is_whole() -> None:
    trail = write(LENGTH)

    verdict = judge(trail, expected_heads=[trail[3].hash, trail[-1].hash])

    assert verdict.ok
    assert (verdict.entries, verdict.resumed, verdict.unanchored) == (LENGTH, 0, 0)
    assert verdict.head == trail[-1].head


@given(st.data())
def test_any_change_of_any_field_is_found(data: st.DataObject) -> None:
    trail = write(LENGTH)
    at = data.draw(st.integers(0, LENGTH - 1))
    name = data.draw(st.sampled_from(sorted(VALUES)))
    value = data.draw(VALUES[name].filter(lambda value: value != json.loads(trail[at].line)["audit"][name]))

    verdict = judge([*trail[:at], changed(trail[at], name, value), *trail[at + 1 :]])

    assert verdict.broken is not None
    assert verdict.broken.fault in (Fault.CHANGED, Fault.UNREADABLE)
    assert verdict.broken.where == f"log0:{at + 1}"


@given(st.integers(0, LENGTH - 2), st.sampled_from(["object", "result", "actor", "origin", "timestamp"]), TEXTS)
def test_a_change_with_a_fitting_hash_is_found_by_what_follows(at: int, name: str, value: str) -> None:
    trail = write(LENGTH)
    altered = forged(trail[at], **{name: f"other {value}"})

    verdict = judge([*trail[:at], altered, *trail[at + 1 :]])

    assert verdict.broken is not None
    assert (verdict.broken.where, verdict.broken.fault) == (f"log0:{at + 2}", Fault.FORKED)


@given(st.integers(1, LENGTH - 2), st.integers(1, LENGTH))
def test_any_removal_before_the_end_is_found(at: int, number: int) -> None:
    trail = write(LENGTH)
    number = min(number, LENGTH - 1 - at)

    verdict = judge([*trail[:at], *trail[at + number :]])

    assert verdict.broken is not None
    assert (verdict.broken.where, verdict.broken.fault) == (f"log0:{at + 1}", Fault.REMOVED)
    assert f"{number} missing" in verdict.broken.sentence


@given(st.integers(0, LENGTH - 1))
def test_removal_at_the_end_is_found_by_a_known_head(kept: int) -> None:
    trail = write(LENGTH)

    verdict = judge(trail[:kept], expected_heads=[trail[-1].hash])

    assert verdict.broken is not None
    assert verdict.broken.fault is Fault.TRUNCATED
    assert judge(trail[:kept]).ok, "without one nobody can tell: what is known of the end has to come from elsewhere"


@given(st.integers(1, LENGTH - 1))
def test_removal_at_the_beginning_is_found_where_the_beginning_is_known(at: int) -> None:
    trail = write(LENGTH)

    assert judge(trail[at:], after=trail[at - 1].hash).ok
    verdict = judge(trail[at:], after=trail[0].previous)
    assert verdict.broken is not None
    assert verdict.broken.fault is Fault.REMOVED


@given(st.integers(0, LENGTH - 1), st.integers(0, LENGTH - 1))
def test_any_two_lines_in_each_others_place_are_found(one: int, other: int) -> None:
    first, second = sorted((one, other))
    trail = write(LENGTH)
    swapped = list(trail)
    swapped[first], swapped[second] = trail[second], trail[first]

    verdict = judge(swapped)

    assert verdict.ok == (first == second)
    if verdict.broken is not None and first > 0:
        assert verdict.broken.fault is Fault.REORDERED
        assert f"log0:{second + 1}" in verdict.broken.sentence


@given(st.integers(1, LENGTH), st.integers(0, LENGTH - 1))
def test_any_line_that_stands_there_twice_is_found(at: int, which: int) -> None:
    trail = write(LENGTH)

    verdict = judge([*trail[:at], trail[which], *trail[at:]])

    if which == at:
        assert verdict.broken is not None  # the line itself, twice in a row
    assert not verdict.ok


@given(st.integers(1, LENGTH - 1), TEXTS)
def test_any_forged_line_in_between_is_found(at: int, text: str) -> None:
    trail = write(LENGTH)
    inserted = forged(trail[at], object=f"SovereigntyPolicy {text}!")

    verdict = judge([*trail[:at], inserted, *trail[at:]])

    assert verdict.broken is not None
    assert verdict.broken.fault is Fault.FORKED


@pytest.mark.parametrize("beyond", [0, 1, 5])
def test_a_documented_resumption_is_accepted_and_told(beyond: int) -> None:
    crashed = write(LENGTH)
    resumed = write(4, head=crashed[LENGTH - 1 - beyond].head, origin="pod-b", minutes=1)

    verdict = judge([*crashed, *resumed], expected_heads=[resumed[-1].hash])

    assert verdict.ok
    assert (verdict.resumed, verdict.unanchored) == (1, beyond)
    [told] = verdict.resumptions
    assert (told.origin, told.unanchored) == ("pod-b", beyond)


def test_what_the_former_process_wrote_may_come_late() -> None:
    crashed = write(LENGTH)
    resumed = write(4, head=crashed[4].head, origin="pod-b", minutes=1)

    verdict = judge([*crashed[:6], *resumed[:2], *crashed[6:], *resumed[2:]], expected_heads=[resumed[-1].hash])

    assert verdict.ok
    assert (verdict.entries, verdict.unanchored) == (LENGTH + 4, LENGTH - 5)


def test_a_fork_that_nothing_documents_is_found() -> None:
    crashed = write(LENGTH)
    other = write(4, head=crashed[4].head, origin="pod-b", first=Action.WALL_APPLIED)

    verdict = judge([*crashed, *other])

    assert verdict.broken is not None
    assert verdict.broken.fault is Fault.FORKED


def test_a_resumption_far_back_is_none() -> None:
    crashed = write(UNANCHORED + 10)

    assert judge([*crashed, *write(2, head=crashed[-1 - UNANCHORED].head)]).ok
    assert not judge([*crashed, *write(2, head=crashed[-2 - UNANCHORED].head)]).ok


def test_a_chain_that_begins_anew_is_found() -> None:
    verdict = judge([*write(LENGTH), *write(LENGTH, minutes=1)])

    assert verdict.broken is not None
    assert verdict.broken.fault is Fault.RESTARTED


def test_logs_of_several_processes_are_one_chain_in_whatever_order_they_are_given() -> None:
    first = write(5, origin="pod-a")
    second = write(5, head=first[2].head, origin="pod-b", minutes=1)
    third = write(5, head=second[-1].head, origin="pod-a", minutes=2)
    fourth = write(5, head=second[-1].head, origin="pod-b", minutes=3)
    logs = ([*first, *third], [*second, *fourth])

    for order in itertools.permutations(logs):
        verdict = judge(*order, expected_heads=[fourth[-1].hash])
        assert verdict.ok, verdict.broken
        assert (verdict.entries, verdict.resumed, verdict.unanchored) == (20, 3, 2 + 5)


def test_rotated_files_are_one_chain_in_whatever_order_they_are_given() -> None:
    trail = write(9)

    for order in itertools.permutations((trail[:3], trail[3:6], trail[6:])):
        assert judge(*order).head == trail[-1].head
    assert not judge(trail[:3], trail[6:]).ok


def test_other_lines_of_a_mixed_log_are_nothing_to_it() -> None:
    trail = write(3)
    mixed: list[Entry | str] = [
        "ts=2026-11-24T12:00:00Z level=info msg=leading",
        f"2026-11-24T12:00:00Z stdout F {trail[0].line}",
        '{"level": "info", "audit": "a word of another program"}',
        trail[1],
        "",
        json.dumps(json.loads(trail[2].line), indent=None, separators=(",", ":"), sort_keys=True),
    ]

    assert judge(mixed).entries == 3


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda line: line[:-20], id="cut off"),
        pytest.param(lambda line: line.replace('"result"', '"outcome"'), id="another field"),
        pytest.param(lambda line: line.replace('"result": ', '"result": "Refused", "result": '), id="a field twice"),
        pytest.param(lambda line: line.replace('"schema": 1', '"schema": 2'), id="another schema"),
        pytest.param(lambda line: line.replace('"sequence": 2', '"sequence": true'), id="another type"),
        pytest.param(lambda line: f"{line} {line}", id="two in one line"),
    ],
)
def test_a_line_that_is_no_whole_entry_is_found(spoil: Callable[[str], str]) -> None:
    trail = write(3)

    log: list[Entry | str] = [trail[0], spoil(trail[1].line), trail[2]]
    verdict = judge(log)

    assert verdict.broken is not None
    assert verdict.broken.fault is Fault.UNREADABLE
    assert verdict.broken.where == "log0:2"


def test_memory_does_not_grow_with_the_log() -> None:
    def log(number: int) -> Iterator[Line]:
        head = Head()
        for batch in range(number // 100):
            entries = write(100, head=head if batch else None)
            head = entries[-1].head
            yield from (Line("log", entry.line) for entry in entries)

    def peak(number: int) -> int:
        tracemalloc.start()
        try:
            assert verify([log(number)]).entries == number
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    short = peak(2 * UNANCHORED - 48)
    assert peak(10_000) < short + 200_000
