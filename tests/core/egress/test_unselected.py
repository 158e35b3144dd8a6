"""The pods that no selector selects: the same ones, told by other selectors."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bolwerk.core.egress.backends.unselected import unselected
from core.egress.simulators import Manifest, selects
from core.egress.worlds import LABELS, SELECTORS

UNHURRIED = settings(deadline=None)  # other work on the machine is no failure
EXISTS = {"key": "app", "operator": "Exists"}
ABSENT = {"key": "app", "operator": "DoesNotExist"}


def by(**labels: str) -> Manifest:
    return {"matchLabels": labels}


def one_of(key: str, *values: str) -> Manifest:
    return {"key": key, "operator": "In", "values": [*values]}


def none_of(key: str, *values: str) -> Manifest:
    return {"key": key, "operator": "NotIn", "values": [*values]}


@pytest.mark.parametrize(
    ("selectors", "want"),
    [
        pytest.param([], [[]], id="no selector leaves everybody"),
        pytest.param([{}], [], id="a selector of everybody leaves nobody"),
        pytest.param([by(app="a")], [[none_of("app", "a")]], id="one label"),
        pytest.param([by(app="a"), by(app="b")], [[none_of("app", "a", "b")]], id="one label of two policies"),
        pytest.param([{"matchExpressions": [EXISTS]}], [[ABSENT]], id="a label that exists"),
        pytest.param([{"matchExpressions": [ABSENT]}], [[EXISTS]], id="a label that does not exist"),
        pytest.param(
            [{"matchExpressions": [none_of("app", "a", "b")]}], [[one_of("app", "a", "b")]], id="all but some values"
        ),
        pytest.param(
            [by(app="a", tier="x"), by(app="b", tier="y")],
            [
                [none_of("app", "a", "b")],
                [one_of("app", "a"), none_of("tier", "x")],
                [one_of("app", "b"), none_of("tier", "y")],
            ],
            id="two labels each, of one chart",
        ),
        pytest.param([by(app="a"), {"matchExpressions": [none_of("app", "a")]}], [], id="two that are everybody"),
    ],
)
def test_told_by_other_selectors(selectors: list[Manifest], want: list[list[Any]]) -> None:
    terms = unselected(selectors, largest=16)

    assert terms is not None
    assert [each.get("matchExpressions", []) for each in terms] == want


@UNHURRIED
@given(selectors=st.lists(SELECTORS, max_size=5), labels=LABELS)
def test_exactly_the_pods_that_no_selector_selects(selectors: list[Manifest], labels: dict[str, str]) -> None:
    terms = unselected(selectors, largest=1000)

    assert terms is not None
    assert any(selects(term, labels) for term in terms) != any(selects(each, labels) for each in selectors)


def test_policies_of_one_chart_need_a_term_each_and_one_for_the_rest() -> None:
    selectors = [by(app=f"app-{number}", instance=f"release-{number}") for number in range(15)]

    terms = unselected(selectors, largest=16)

    assert terms is not None
    assert len(terms) == 16


def test_more_than_the_largest_is_none_and_never_a_part() -> None:
    selectors = [by(app=f"app-{number}", instance=f"release-{number}") for number in range(16)]

    assert unselected(selectors, largest=16) is None


def test_selectors_made_to_take_for_ever_are_given_up() -> None:
    # As hard as it gets: every key is in few selectors, and hardly any leaf is left.
    keys = [f"key-{number}" for number in range(60)]
    selectors = [
        {"matchExpressions": [{"key": keys[(start + step * 7) % 60], "operator": operator} for step in range(3)]}
        for start in range(60)
        for operator in ("Exists", "DoesNotExist")
    ]

    assert unselected(selectors, largest=10**9) is None
