"""What the report says of use, of what left without an exception, and of what flows do not cover."""

from __future__ import annotations

import pytest

from bolwerk.core.flows.found import Flows
from bolwerk.core.report.report import report
from bolwerk.core.report.text import as_text
from bolwerk.core.report.told import told
from report.cluster import NOW, flows, world

NO_FLOW = flows(records=0, first_at="", last_at="", nodes=(), uses=(), uncovered=(), more_uncovered=0, unjudged=())
NO_USE = flows(uses=(), uncovered=(), more_uncovered=0)


def text(found: Flows | None) -> str:
    return " ".join(as_text(told(report(world(flows=found), NOW))).split())


@pytest.mark.parametrize(
    ("found", "want"),
    [
        pytest.param(None, "not known: no flow records were given (--flows)", id="no flows"),
        pytest.param(NO_FLOW, "not known: there is no flow record in what was given", id="an empty log"),
        pytest.param(
            NO_USE, "no use seen in flows from 2026-11-21T08:00:00.000Z to 2026-11-24T08:00:00.000Z", id="no use"
        ),
        pytest.param(
            flows(),
            "used: 3 new connections, 12 flow records, from 2026-11-21T09:00:00.000Z to 2026-11-23T17:00:00.000Z, by "
            "team/translator-1",
            id="used",
        ),
    ],
)
def test_use_is_told_as_far_as_it_is_known(found: Flows | None, want: str) -> None:
    by_name = {each.name: each for each in report(world(flows=found), NOW).exceptions.items}

    assert by_name["translate"].use == want
    assert by_name["asked"].use.startswith(("not known: ", "no use seen in flows from "))
    assert f"Use {want}" in text(found)


@pytest.mark.parametrize(
    ("found", "want", "unwanted"),
    [
        pytest.param(None, "Not read: no flow records were given", "The flows", id="no flows"),
        pytest.param(NO_FLOW, "none: there is no flow", "no governed pod was let out", id="an empty log shows nothing"),
        pytest.param(NO_USE, "In these flows no governed pod was let out", "Each is a question", id="nothing left"),
        pytest.param(flows(), "team/crawler-1 to 198.51.100.7, TCP 443", "no governed pod was let out", id="some left"),
        pytest.param(flows(), "and 6 records of other pods or destinations", "In these flows no", id="and more"),
        pytest.param(
            flows(), "events.log:17: Invalid JSON: EOF", "In these flows no", id="what was refused, and where"
        ),
    ],
)
def test_what_left_is_told_as_far_as_it_is_known(found: Flows | None, want: str, unwanted: str) -> None:
    shown = text(found)

    assert want in shown
    assert unwanted not in shown


@pytest.mark.parametrize(
    ("found", "want"),
    [
        (None, {"How often exceptions were used"}),
        (NO_FLOW, {"What left nodes", "Flows that Hubble", "Lines of flows"}),
        (
            flows(),
            {"What left before", "What left nodes", "Flows that Hubble", "Lines of flows", "Flow records of governed"},
        ),
        (flows(silent_nodes=(), lost=0, refused=0, unjudged=()), {"What left before"}),
    ],
)
def test_what_flows_do_not_cover_is_named(found: Flows | None, want: set[str]) -> None:
    beginnings = ("How often exc", "What left ", "Flows that H", "Lines of f", "Flow records")
    named = [each for each in report(world(flows=found), NOW).not_checked if each.startswith(beginnings)]

    assert len(named) == len(want)
    assert all(any(each.startswith(one) for each in named) for one in want)
