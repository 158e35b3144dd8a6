"""Regions: each pod lies in exactly one, and that says exactly which selectors select it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bolwerk.core.egress.backends.regions import regions
from core.egress.simulators import selects
from core.egress.worlds import LABELS, SELECTORS


@settings(deadline=None)
@given(st.lists(SELECTORS, max_size=4), LABELS)
def test_every_pod_lies_in_one_region_that_tells_who_selects_it(
    selectors: list[Mapping[str, Any]], labels: dict[str, str]
) -> None:
    found = regions(selectors, largest=1000)
    assert found is not None

    (mine,) = [each for each in found if selects({"matchExpressions": each.expressions}, labels)]

    assert mine.selected_by == {number for number, each in enumerate(selectors) if selects(each, labels)}


def test_one_label_for_each_exception_makes_few_regions() -> None:
    apps = [{"matchLabels": {"app": f"app-{number}"}} for number in range(100)]

    found = regions(apps, largest=200)

    assert found is not None
    assert len(found) == 101


def test_what_cannot_be_told_apart_in_few_regions_is_not_tried_for_ever() -> None:
    tangled = [{"matchLabels": {f"key-{number}": "a"}} for number in range(30)]

    assert regions(tangled, largest=128) is None
