"""Whatever a log of flows holds: each line is counted or refused with its place, and nothing of a request is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bolwerk.core.flows import tally
from bolwerk.core.line import Line
from bolwerk.core.report.flows import flows
from core.flows.hubble import TRACE, event, flow, pod, read, world


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("level=info msg=started", "Invalid JSON"),
        (flow()[:-30], "Invalid JSON: EOF"),
        ("[" * 100_000, "recursion limit"),
        ("[]", "object"),
        ("{}", "no event of Hubble"),
        ('{"flow": 5}', "flow: Input should be an object"),
        ('{"flow": {}}', "has no time"),
        (flow(at="yesterday"), "flow.time"),
        (flow(at="0001-01-01T00:00:00+14:00"), "before the first year"),
        (flow(to="<nil>"), "it is no address"),
        (flow(IP={"destination": 7}), "flow.IP.destination"),
        (flow(source={"namespace": "team", "labels": [5]}), "flow.source.labels.0"),
        (event(lost_events={"num_events_lost": "many"}), "num_events_lost"),
        (event(lost_events={"num_events_lost": -1}), "num_events_lost"),
        ('{"flow": {"verdict": "\\ud800"}}', "Invalid JSON"),
    ],
)
def test_what_is_no_event_is_refused_with_its_place_and_counted(text: str, why: str) -> None:
    found = read(flow(), text, flow())

    assert (found.refused, found.records) == (1, 2)
    assert found.refusals[0].startswith("flows:2: ")
    assert why in found.refusals[0]
    assert "secret" not in found.refusals[0]


def test_a_line_that_is_not_whole_is_refused_whatever_it_says() -> None:
    cut = replace(Line("flows:1", flow()), fault="the line is longer than 1048576 bytes")

    found = flows(world(), "flows", [[cut]])

    assert found.refusals == ("flows:1: the line is longer than 1048576 bytes",)
    assert found.records == 0


def test_memory_is_bounded_and_what_is_not_listed_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOST_REFUSALS", "MOST_DESTINATIONS", "MOST_PODS", "MOST_UNCOVERED", "MOST_NODES"):
        monkeypatch.setattr(tally, name, 3)
    inside = (flow(to=f"203.0.113.{n}", source=pod(f"p{n}", app="translator")) for n in range(9))
    outside = (flow(to=f"198.51.100.{n}", source=pod(f"p{n}")) for n in range(9))
    nodes = (json.dumps({**json.loads(flow()), "node_name": f"n{n}"}) for n in range(9))

    found = read(*inside, *outside, *nodes, *["nonsense"] * 9)

    (use,) = found.uses
    assert (len(use.pods), len(use.destinations), use.more, use.records) == (3, 3, True, 18)
    assert (len(found.uncovered), found.more_uncovered) == (3, 6)
    assert (len(found.refusals), found.refused) == (3, 9)
    assert len(found.nodes) == 4
    assert sum(each.records for each in found.nodes) == found.records == 27


def test_nothing_of_a_request_is_kept() -> None:
    assert "secret" not in json.dumps(asdict(read(flow(), flow(to="198.51.100.1"), flow()[:-9])))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = sorted({*json.loads(flow())["flow"], "trace_observation_point", "destination_names", "aggregate"})


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A flow of which one thing is not as Hubble writes it: a value, or the line."""
    made = json.loads(flow())
    place = made["flow"]
    if draw(st.booleans()):
        place[draw(st.sampled_from(FIELDS))] = draw(json_values)
    else:
        part = place[draw(st.sampled_from(["IP", "l4", "source", "destination", "event_type"]))]
        part[draw(st.sampled_from(sorted(part)))] = draw(json_values)
    text = json.dumps(made)
    return text[: draw(st.integers(0, len(text)))] if draw(st.booleans()) else text


@settings(max_examples=400, deadline=None)
@given(st.lists(damaged() | st.text(max_size=40) | json_values.map(json.dumps), max_size=4))
def test_whatever_stands_there_is_counted_or_refused_and_the_rest_is_read(texts: list[str]) -> None:
    found = read(flow(), *texts, flow())

    written = [each for each in texts if each.strip()]
    assert found.records + found.others + found.left_out + found.refused == 2 + len(written)
    assert found.uses
    assert found.uses[0].records >= 2


@settings(max_examples=50, deadline=None)
@given(st.permutations([flow(), flow(port=1), flow(**TRACE), "x", flow(at="2026-12-09T08:00:00Z"), flow(to="::1")]))
def test_the_order_of_lines_and_files_does_not_matter(texts: list[str]) -> None:
    def facts(lines: Callable[[], list[str]]) -> dict[str, Any]:
        return {**asdict(read(*lines())), "refusals": ()}

    assert facts(lambda: texts) == facts(lambda: sorted(texts))
