"""Reading a probe's document: strict, and never with anything but a sentence for what it does not take."""

from __future__ import annotations

import dataclasses
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bolwerk.core.proof.document import LENGTH, Document, Result
from bolwerk.core.proof.reading import Expected, RefusedDocumentError, read_document

AT = datetime(2026, 12, 1, 12, tzinfo=UTC)
EXPECTED = Expected(
    run="feedbeef00",
    pod="uid-1",
    node="gpu-1",
    addresses=("10.244.1.7", "fd00:244::7"),
    targets=2,
    earliest=AT,
    latest=AT + timedelta(seconds=20),
)
GOOD: dict[str, Any] = {
    "run": "feedbeef00",
    "pod": "uid-1",
    "node": "gpu-1",
    "addresses": ["fd00:244::7", "10.244.1.7"],
    "started": "2026-12-01T12:00:02Z",
    "finished": "2026-12-01T12:00:08.123456Z",
    "results": [{"o": "TimedOut", "n": 3}, {"o": "Connected"}],
}
UNTIDY = "no probe writes it like this"


def _text(document: Any) -> str:
    """Return JSON as a probe writes it, if it is what a probe would write."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _result(**fields: Any) -> dict[str, Any]:
    return {"results": [{"o": "TimedOut", **fields}, {"o": "Connected"}]}


def _refusal(text: str, expected: Expected = EXPECTED) -> str:
    with pytest.raises(RefusedDocumentError) as refused:
        read_document(text, expected)
    return str(refused.value)


def test_what_a_probe_writes_is_read() -> None:
    document = read_document(_text(GOOD), EXPECTED)

    assert [each.o for each in document.results] == ["TimedOut", "Connected"]


@pytest.mark.parametrize("edge", ["2026-12-01T12:00:00Z", "2026-12-01T12:00:20Z", "2026-12-01T13:00:10+01:00"])
def test_any_time_within_the_pods_life_will_do(edge: str) -> None:
    read_document(_text({**GOOD, "started": edge, "finished": edge}), EXPECTED)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        # Somebody else's.
        ({"run": "feedbeef01"}, "it is of another run"),
        ({"pod": "uid-2"}, "it is of another pod"),
        ({"node": "gpu-2"}, "it is of another node"),
        ({"node": "GPU-1"}, "it is of another node"),
        ({"addresses": ["10.244.1.7"]}, "it tells other addresses than the kubelet"),
        ({"addresses": ["10.244.1.7", "fd00:244::8"]}, "it tells other addresses than the kubelet"),
        ({"addresses": [*GOOD["addresses"], "10.244.1.7"]}, "it tells other addresses than the kubelet"),
        ({"addresses": ["10.244.1.7", "fd00:244::7", "10.244.1.8"]}, "it tells other addresses than the kubelet"),
        ({"results": GOOD["results"][:1]}, "it has not one result for each target"),
        ({"results": GOOD["results"] * 2}, "it has not one result for each target"),
        # Of another time.
        ({"started": "2026-12-01T12:00:09Z"}, "it ends before it begins"),
        ({"started": "2026-12-01T11:59:59.999999Z"}, "it is of another time than the pod"),
        ({"finished": "2026-12-01T12:00:20.000001Z"}, "it is of another time than the pod"),
        ({"started": "2025-12-01T12:00:02Z", "finished": "2025-12-01T12:00:08Z"}, "it is of another time than the pod"),
        ({"started": "2026-12-01T12:00:02+01:00"}, "it is of another time than the pod"),
        ({"started": "0001-01-01T00:00:00+23:59"}, "it is of another time than the pod"),
        ({"finished": "9999-12-31T23:59:59-23:59"}, "it is of another time than the pod"),
        ({"started": "2026-12-01T12:00:02"}, "started: Input should have timezone info"),
        ({"finished": "2026-12-01T12:00:08"}, "finished: Input should have timezone info"),
        ({"started": "2026-02-30T12:00:00Z"}, "started: "),
        ({"started": "99999-12-01T12:00:02Z"}, "started: "),
        ({"started": "now"}, "started: "),
        ({"started": 1e300}, "started: "),
        ({"started": float("inf")}, "started: "),
        ({"started": None}, "started: "),
        ({"started": 1796126402, "finished": 1796126402}, "started: "),
        ({"started": "1796126402", "finished": "1796126402"}, UNTIDY),
        ({"started": "2026-12-01 12:00:02Z"}, UNTIDY),
        # Of another form.
        ({"v": 2}, "v: "),
        ({"v": 1}, UNTIDY),
        ({"verdict": "Proven"}, "verdict: "),
        ({"run": ""}, "run: "),
        ({"run": ["feedbeef00"]}, "run: "),
        ({"addresses": []}, "addresses: "),
        ({"addresses": ["10.244.1.7"] * 5}, "addresses: "),
        ({"addresses": "10.244.1.7"}, "addresses: "),
        ({"results": []}, "results: "),
        ({"results": [{"o": "TimedOut"}] * 97}, "results: "),
        ({"results": {"0": {"o": "TimedOut"}}}, "results: "),
        (_result(o="Fine"), "results.0.o: "),
        (_result(o="timedout"), "results.0.o: "),
        (_result(n=0), "results.0.n: "),
        (_result(n=101), "results.0.n: "),
        (_result(n=2.5), "results.0.n: "),
        (_result(n=float("nan")), "results.0.n: "),
        (_result(n=float("inf")), "results.0.n: "),
        (_result(n=10**400), "results.0.n: "),
        (_result(n=3.0), "results.0.n: "),
        (_result(n="3"), "results.0.n: "),
        (_result(n=True), "results.0.n: "),
        (_result(d="x" * 128), "results.0.d: "),
        (_result(d=None), "results.0.d: "),
        (_result(outcome="Connected"), "results.0.outcome: "),
        # Too long, in characters or in bytes.
        ({"node": "x" * 5000}, f"it has more than {LENGTH} bytes"),
        ({"node": "é" * 2100}, f"it has more than {LENGTH} bytes"),
    ],
)
def test_what_is_not_the_pods_own_is_refused_with_a_sentence(changes: dict[str, Any], why: str) -> None:
    assert _refusal(_text({**GOOD, **changes})).startswith(why)


@pytest.mark.parametrize("field", GOOD)
def test_every_field_has_to_be_there(field: str) -> None:
    assert _refusal(_text({key: value for key, value in GOOD.items() if key != field})).startswith(f"{field}: ")


@pytest.mark.parametrize(
    "text",
    [
        _text(GOOD).replace('"o":"TimedOut"', '"o":"Connected","o":"TimedOut"'),
        _text(GOOD).replace('{"run"', '{"run":"feedbeef01","run"'),
        _text(GOOD) + " ",
        json.dumps(GOOD),
        json.dumps(GOOD, indent=1),
        _text(dict(reversed(GOOD.items()))),
        _text(GOOD).replace("uid-1", r"\u0075id-1"),
    ],
    ids=["result told twice", "run told twice", "blank", "spaces", "lines", "order", "escapes"],
)
def test_what_can_be_read_in_two_ways_is_refused(text: str) -> None:
    assert _refusal(text) == UNTIDY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"Proven"',
        "nothing was measured",
        "[" * 4000,
        '{"results":' * 370,
        '{"results":[' + "[" * 1500 + "]" * 1500 + "]}",
        _text(GOOD) + _text(GOOD),
        "\ufeff" + _text(GOOD),
        "\x00" + _text(GOOD),
        '"\ud800"',
        _text({**GOOD, "node": "gpu-\ud800"}),
    ],
)
def test_what_is_no_document_is_refused_with_a_sentence(text: str) -> None:
    assert _refusal(text)


def test_cut_off_anywhere_it_is_no_document() -> None:
    text = _text(GOOD)

    assert all(_refusal(text[:length]) for length in range(len(text)))


@given(
    st.text(max_size=400)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*GOOD, "o", "n", "d", "v"]), inner),
        max_leaves=20,
    ).map(_text)
)
def test_whatever_is_written_there_is_a_sentence(text: str) -> None:
    assert _refusal(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.datetimes().map(str),
    st.lists,
    max_leaves=5,
)


@given(st.sampled_from(sorted(GOOD)), JSON)
def test_whatever_a_field_holds_nothing_else_is_raised(field: str, value: Any) -> None:
    with suppress(RefusedDocumentError):
        read_document(_text({**GOOD, field: value}), EXPECTED)


@given(st.data())
def test_whatever_is_changed_in_its_text_it_says_what_it_is_read_as(data: st.DataObject) -> None:
    """Nothing that was changed is read as another pod's, or as anything else than it says in the one way to say it."""
    text = _text(GOOD)
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.text(max_size=4)) + text[at + data.draw(st.integers(0, 4)) :]
    assume(changed != text)
    with suppress(RefusedDocumentError):
        document = read_document(changed, EXPECTED)
        assert document.model_dump_json(exclude_defaults=True) == changed
        assert (document.run, document.pod, document.node) == (EXPECTED.run, EXPECTED.pod, EXPECTED.node)
        assert set(document.addresses) == set(EXPECTED.addresses)


WHO = st.builds(
    Expected,
    run=st.sampled_from(["feedbeef00", "feedbeef01"]),
    pod=st.sampled_from(["uid-1", "uid-2"]),
    node=st.sampled_from(["gpu-1", "gpu-2"]),
    addresses=st.sampled_from([("10.0.0.1",), ("10.0.0.1", "fd00::1"), ("fd00::1",)]),
    targets=st.integers(1, 3),
    earliest=st.just(AT),
    latest=st.just(AT + timedelta(seconds=20)),
)
RESULTS = st.builds(
    Result,
    o=st.sampled_from(["Connected", "Answered", "Refused", "TimedOut", "Unreachable", "NoSuchName", "Failed"]),
    n=st.integers(1, 10),
    d=st.text(st.characters(exclude_categories=["Cs"]), max_size=127),
)
ZONES = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))


@given(WHO, WHO, st.data())
def test_one_pods_document_is_its_own_and_nobody_elses(own: Expected, other: Expected, data: st.DataObject) -> None:
    at = AT + timedelta(microseconds=data.draw(st.integers(0, 20_000_000)))
    document = Document(
        run=own.run,
        pod=own.pod,
        node=own.node,
        addresses=own.addresses,
        started=at.astimezone(data.draw(ZONES)),
        finished=at,
        results=tuple(data.draw(RESULTS) for _ in range(own.targets)),
    )
    text = document.model_dump_json(exclude_defaults=True)

    assert read_document(text, own) == document
    assert _refusal(text, dataclasses.replace(own, earliest=at + timedelta(microseconds=1)))
    if other != own:
        assert _refusal(text, other)
