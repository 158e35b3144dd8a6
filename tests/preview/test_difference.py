"""What of a live object is shown beside what would be applied."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bolwerk.core.difference import difference
from bolwerk.preview.difference import projected, unified


@pytest.mark.parametrize(
    ("live", "desired", "want"),
    [
        pytest.param({"a": 1, "b": 2}, {"a": 1}, {"a": 1}, id="what others own is left out"),
        pytest.param({}, {"a": 1}, {}, id="what is missing stays missing"),
        pytest.param(
            {"containers": [{"name": "sidecar"}, {"name": "engine", "image": "x", "stdin": False}]},
            {"containers": [{"name": "engine", "image": "y"}]},
            {"containers": [{"name": "engine", "image": "x"}]},
            id="items with a key are found by it",
        ),
        pytest.param(
            {"rules": [{"to": "a", "default": 1}]},
            {"rules": [{"to": "b"}]},
            {"rules": [{"to": "a"}]},
            id="items of lists of one length are paired",
        ),
        pytest.param(
            {"limits": {"cpu": "1"}, "paused": True},
            {"limits": {"cpu": "1000m"}, "hostNetwork": False, "labels": {}, "paused": True},
            {"limits": {"cpu": "1000m"}, "hostNetwork": False, "labels": {}, "paused": True},
            id="what counts as the same is shown the same",
        ),
        pytest.param(
            {"containers": [{"name": "engine", "args": ["--a=1", "--b=1"], "stdin": False}]},
            {"containers": [{"name": "engine", "args": ["--a=1", "--b=2"]}]},
            {"containers": [{"name": "engine", "args": ["--a=1", "--b=1"]}]},
            id="a plain item that differs is shown as it is",
        ),
        pytest.param(
            {"selector": {"app": "chat", "other": "x"}, "type": "ClusterIP"},
            {"selector": {"app": "chat"}},
            {"selector": {"app": "chat", "other": "x"}},
            id="a label too many in a selector is shown",
        ),
        pytest.param({"rules": [1, 2]}, {"rules": [1]}, {"rules": [1, 2]}, id="an item too many is shown"),
    ],
)
def test_projection(live: dict[str, Any], desired: dict[str, Any], want: dict[str, Any]) -> None:
    assert projected(live, desired) == want


def test_where_everything_counts_all_of_it_is_shown_in_one_order() -> None:
    live: dict[str, Any] = {"spec": {"ingress": [{}], "podSelector": {}}}

    shown = projected(live, {"spec": {"podSelector": {}}}, exact=("spec",))

    assert list(shown["spec"]) == ["podSelector", "ingress"]


def test_the_difference_is_one_of_lines() -> None:
    text = unified({"spec": {"replicas": 1, "paused": True}}, {"spec": {"replicas": 2}})

    assert text.splitlines() == [
        "--- live",
        "+++ desired",
        "@@ -1,2 +1,2 @@",
        " spec:",
        "-  replicas: 1",
        "+  replicas: 2",
    ]


def test_what_is_the_same_has_no_difference() -> None:
    assert not unified({"spec": {"replicas": 2, "paused": True}}, {"spec": {"replicas": 2}})


PRESENT = st.sampled_from([False, True, 0, 1, "a", "b"])
FIELDS = st.sampled_from(["a", "b", "labels", "hostNetwork", "matchLabels", "selector", "limits"])


def objects(scalars: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    values = st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=3), max_leaves=8
    )
    return st.dictionaries(FIELDS, values, max_size=4)


OBJECTS = objects(PRESENT | st.none())
# No builder writes null and no API server answers it.
WRITTEN = objects(PRESENT)


@given(desired=OBJECTS, live=OBJECTS)
@example(desired={"args": [1]}, live={"args": [2]})
@example(desired={"matchLabels": {}}, live={"matchLabels": {"a": None}})
def test_something_is_shown_exactly_where_something_would_be_written(
    desired: dict[str, Any], live: dict[str, Any]
) -> None:
    assume(live)
    assume(desired)

    assert bool(unified(live, desired)) == (difference(desired, live) is not None)


@given(desired=WRITTEN, live=WRITTEN)
def test_where_everything_counts_a_field_too_many_is_shown_too(desired: dict[str, Any], live: dict[str, Any]) -> None:
    shown = unified({"spec": live}, {"spec": desired}, exact=("spec",))

    assert bool(shown) == (difference({"spec": desired}, {"spec": live}, exact=("spec",)) is not None)
