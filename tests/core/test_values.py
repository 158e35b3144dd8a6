"""Merging, quantities, selectors, and how conditions are written down."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bolwerk.api.localmodel import LocalModelSpec
from bolwerk.core.conditions import MESSAGE_LENGTH, Condition, written
from bolwerk.core.merge import merge
from bolwerk.core.model import startup
from bolwerk.core.quantity import same_quantity, to_bytes
from bolwerk.core.reasons import Reason
from bolwerk.core.selectors import matches
from core.builders import LATER, NOW

GIBIBYTE = 2**30


@pytest.mark.parametrize(
    ("base", "patch", "want"),
    [
        pytest.param({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}, id="maps key by key"),
        pytest.param({"a": [1, 2]}, {"a": [3]}, {"a": [3]}, id="other lists are replaced"),
        pytest.param(
            {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
            {"env": [{"name": "C", "value": "3"}, {"name": "B", "value": "4"}]},
            {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "4"}, {"name": "C", "value": "3"}]},
            id="keyed lists item by item, what is new at the end",
        ),
        pytest.param({"env": [{"name": "A"}]}, {"env": [{"x": 1}]}, {"env": [{"x": 1}]}, id="items without their key"),
        pytest.param({"env": [{"name": "A"}]}, {"env": "junk"}, {"env": "junk"}, id="a patch of another shape"),
        pytest.param({"a": 1}, {"a": None}, {"a": None}, id="null replaces"),
    ],
)
def test_merge(base: Any, patch: Any, want: Any) -> None:
    before = copy.deepcopy((base, patch))

    assert merge(base, patch) == want
    assert (base, patch) == before, "merging changed what it was given"


@pytest.mark.parametrize(
    ("quantity", "want"),
    [
        ("16Gi", 16 * GIBIBYTE), ("1G", 10**9), (5, 5), ("1500m", 2), ("0.5Ki", 512), ("1e3", 1000), ("2E", 2 * 10**18),
        ("1e40", 10**40), (".5", 1), ("123456789012345678901234567890", 123456789012345678901234567890),
    ],
)  # fmt: skip
def test_bytes_of_a_quantity(quantity: str | int, want: int) -> None:
    assert to_bytes(quantity) == want


@pytest.mark.parametrize("nonsense", ["", "lots", "1Xi", True, None, [], 1.5])
def test_what_is_no_quantity_is_an_error_and_equal_to_nothing(nonsense: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        to_bytes(nonsense)
    assert not same_quantity(nonsense, "1")


def test_amounts_that_the_api_server_cuts_off_are_the_same() -> None:
    assert same_quantity("1e40", "9223372036854775807")
    assert not same_quantity("1e18", "9223372036854775807")


@pytest.mark.parametrize(
    ("selector", "want"),
    [
        pytest.param({}, True, id="an empty selector selects everything"),
        pytest.param({"matchLabels": None, "matchExpressions": None}, True, id="nulls are empty"),
        pytest.param({"matchLabels": {"a": "1"}}, True, id="a label that is there"),
        pytest.param({"matchLabels": {"a": "2"}}, False, id="a label with another value"),
        pytest.param({"matchLabels": {"a": "1", "b": "1"}}, False, id="all labels have to match"),
        *(
            pytest.param({"matchExpressions": [{"key": key, "operator": operator, "values": values}]}, want,
                         id=f"{key} {operator} {values}")
            for key, operator, values, want in [
                ("a", "In", ["1", "2"], True), ("a", "In", ["2"], False), ("b", "In", ["1"], False),
                ("a", "NotIn", ["1"], False), ("a", "NotIn", ["2"], True), ("b", "NotIn", ["1"], True),
                ("a", "Exists", [], True), ("b", "Exists", [], False),
                ("a", "DoesNotExist", [], False), ("b", "DoesNotExist", [], True),
            ]
        ),
    ],
)  # fmt: skip
def test_selectors(selector: Any, want: bool) -> None:
    assert matches(selector, {"a": "1"}) is want


def test_an_unknown_operator_is_an_error_and_not_a_match() -> None:
    with pytest.raises(ValueError, match="Near"):
        matches({"matchExpressions": [{"key": "a", "operator": "Near"}]}, {})


def _write(status: Any, *, message: str = "m", before: list[Any] | None = None, now: Any = LATER) -> dict[str, Any]:
    (line,) = written([Condition("Ready", status, Reason.READY, message)], before=before or [], generation=2, now=now)
    return line


def test_a_transition_time_moves_with_the_status_only() -> None:
    before = [_write("True", now=NOW)]

    assert _write("True", message="other", before=before)["lastTransitionTime"] == "2026-11-24T08:00:00Z"
    assert _write("False", before=before)["lastTransitionTime"] == "2026-11-24T09:00:00Z"


def test_a_message_is_one_short_line() -> None:
    message = _write("False", message="one\n  two\tthree " + "x" * 5000)["message"]

    assert message.startswith("one two three x")
    assert len(message) == MESSAGE_LENGTH


@pytest.mark.parametrize(
    ("spec", "want_seconds"),
    [
        pytest.param({}, 30 * 60, id="a model of unknown size gets half an hour"),
        pytest.param({"size": "1Gi"}, 10 * 60, id="a small model gets ten minutes"),
        pytest.param(
            {"size": "140G"}, 1050 + 480, id="a large one gets what reading it takes, and what starting takes"
        ),
        pytest.param({"size": "1E"}, 86400, id="an absurd one gets a day, which still is a number of 32 bits"),
    ],
)
def test_the_time_for_a_start_follows_from_the_size(spec: dict[str, Any], want_seconds: int) -> None:
    assert startup.startup_seconds(_spec(model=spec)) == want_seconds


def test_the_time_for_a_start_is_the_users_to_say() -> None:
    assert startup.startup_seconds(_spec(model={"size": "1T"}, rollout={"startupTimeoutSeconds": 60})) == 60


@pytest.mark.parametrize("seconds", [60, 61, 599, 600, 86400])
def test_a_start_ends_before_the_rollout_is_called_failed(seconds: int) -> None:
    probes = startup.probe_failures(seconds) * startup.PROBE_PERIOD_SECONDS

    assert seconds <= probes < startup.progress_deadline_seconds(seconds)


def _spec(*, model: dict[str, Any], **rest: Any) -> LocalModelSpec:
    source = {"persistentVolumeClaim": {"claimName": "x"}}
    return LocalModelSpec.model_validate({"model": {"source": source, **model}, "engine": {"vllm": {}}, **rest})
