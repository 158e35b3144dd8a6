"""What an entry looks like, and what it never holds."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bolwerk.core.audit.action import Action
from bolwerk.core.audit.entry import GENESIS, Entry, Fact, Head, chain

from .chains import NOON

BIO2 = ("action", "object", "result", "origin", "actor", "timestamp")


def one(fact: Fact) -> Entry:
    [entry] = chain(Head(), [fact], origin="pod-a", actor="operator", now=NOON)
    return entry


def test_an_entry_has_the_six_fields_and_its_place_in_the_chain() -> None:
    entry = one(Fact(Action.WALL_APPLIED, "SovereigntyPolicy baseline", detail={"count": 2, "names": ("a", "b")}))

    content = json.loads(entry.line)["audit"]
    assert {name: content[name] for name in BIO2} == {
        "action": "WallApplied",
        "object": "SovereigntyPolicy baseline",
        "result": "Done",
        "origin": "pod-a",
        "actor": "operator",
        "timestamp": "2026-11-24T12:00:00.000Z",
    }
    assert (content["sequence"], content["previous"]) == (1, GENESIS)
    assert content["detail"] == {"count": 2, "names": ["a", "b"]}


def test_who_asked_is_named_where_it_is_known() -> None:
    assert one(Fact(Action.EXCEPTION_REQUESTED, "x", actor="jan@example.nl")).actor == "jan@example.nl"


@given(
    st.text(),
    st.dictionaries(st.text(), st.text(max_size=2000) | st.integers() | st.tuples(st.text(), st.text()), max_size=40),
)
def test_whatever_it_is_told_it_is_one_bounded_line_that_reads_back(name: str, detail: dict[str, str]) -> None:
    entry = one(Fact(Action.WALL_APPLIED, name * 50, detail=detail))

    assert "\n" not in entry.line
    assert entry.line.isascii()
    assert len(json.dumps(entry.detail, ensure_ascii=False)) < 64_000
    assert Entry.parse(entry.line) == entry
    assert entry.genuine
