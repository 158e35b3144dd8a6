"""Reading a probe's document: strict, and never with anything but a sentence for what it does not take."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bolwerk.core.proof.reading import Expected, RefusedDocumentError, read_document

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # others use the machine too
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
    "v": 1,
    "run": "feedbeef00",
    "pod": "uid-1",
    "node": "gpu-1",
    "addresses": ["fd00:244::7", "10.244.1.7"],
    "started": "2026-12-01T12:00:02Z",
    "finished": "2026-12-01T12:00:08.123456Z",
    "results": [{"o": "TimedOut", "n": 3}, {"o": "Connected"}],
}


def test_what_a_probe_writes_is_read() -> None:
    document = read_document(json.dumps(GOOD), EXPECTED)

    assert [each.o for each in document.results] == ["TimedOut", "Connected"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"run": "feedbeef01"}, "it is of another run"),
        ({"pod": "uid-2"}, "it is of another pod"),
        ({"node": "gpu-2"}, "it is of another node"),
        ({"addresses": ["10.244.1.7"]}, "it tells other addresses than the kubelet"),
        ({"results": GOOD["results"][:1]}, "it has not one result for each target"),
        ({"results": GOOD["results"] * 2}, "it has not one result for each target"),
        ({"started": "2026-12-01T12:00:09Z"}, "it ends before it begins"),
        ({"started": "2026-12-01T11:59:59Z"}, "it is of another time than the pod"),
        ({"finished": "2026-12-01T12:00:21Z"}, "it is of another time than the pod"),
        ({"started": "2026-12-01T12:00:02"}, "its times have no zone"),
        ({"v": 2}, "v: "),
        ({"verdict": "Proven"}, "verdict: "),
        ({"results": [{"o": "Fine"}, {"o": "Fine"}]}, "results.0.o: "),
        ({"results": [{"o": "TimedOut", "n": 0}] * 2}, "results.0.n: "),
        ({"results": [{"o": "TimedOut", "d": "x" * 128}] * 2}, "results.0.d: "),
        ({"node": "x" * 5000}, "it has more than 4096 bytes"),
        ({"node": "é" * 2100}, "it has more than 4096 bytes"),
    ],
)
def test_what_is_not_the_pods_own_is_refused_with_a_sentence(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(RefusedDocumentError) as refused:
        read_document(json.dumps({**GOOD, **changes}, ensure_ascii=False), EXPECTED)

    assert str(refused.value).startswith(why)


@UNHURRIED
@given(
    st.text(max_size=400)
    | st.just('"\ud800"')
    | st.integers(0, 300).map(lambda cut: json.dumps(GOOD)[:-cut] if cut else "[" * 4000)
)
def test_whatever_is_written_there_is_a_sentence(text: str) -> None:
    with pytest.raises(RefusedDocumentError):
        read_document(text, EXPECTED)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30), st.lists, max_leaves=5
)


@UNHURRIED
@given(st.sampled_from(sorted(GOOD)), JSON)
def test_whatever_a_field_holds_nothing_else_is_raised(field: str, value: Any) -> None:
    with suppress(RefusedDocumentError):
        read_document(json.dumps({**GOOD, field: value}), EXPECTED)
