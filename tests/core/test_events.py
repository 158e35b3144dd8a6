"""Events tell of transitions, once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bolwerk.core.conclusion import transitions
from bolwerk.core.kinds import DEPLOYMENT
from bolwerk.core.model.children.deployment import TEMPLATE_HASH
from bolwerk.core.model.reconcile import ALARMING
from core.builders import (
    after,
    child,
    decide,
    make_claim,
    make_model,
    make_pod,
    settled,
)


def _line(type_: str, status: str, reason: str = "R") -> dict[str, str]:
    return {"type": type_, "status": status, "reason": reason, "message": "m"}


@pytest.mark.parametrize(
    ("before", "now", "want"),
    [
        pytest.param([], [_line("Ready", "True")], ["Normal R"], id="it became ready"),
        pytest.param([_line("Ready", "True")], [_line("Ready", "True")], [], id="it still is"),
        pytest.param([_line("Ready", "True")], [_line("Ready", "False")], ["Warning R"], id="it is no longer"),
        pytest.param([], [_line("Ready", "False")], [], id="it is not yet"),
        pytest.param([_line("Ready", "False", "A")], [_line("Ready", "False", "B")], [], id="for another reason"),
        pytest.param([], [_line("Stalled", "True")], ["Warning R"], id="it stalled"),
        pytest.param(
            [_line("Stalled", "True", "A")], [_line("Stalled", "True")], ["Warning R"], id="for another reason too"
        ),
        pytest.param([], [_line("Isolated", "False")], ["Warning R"], id="it is open"),
        pytest.param([], [_line("Isolated", "Unknown"), _line("Scheduled", "False")], [], id="nothing that is news"),
        pytest.param(
            [_line("Ready", "True", "Ready")],
            [_line("Ready", "False"), _line("Isolated", "False"), _line("Stalled", "True")],
            ["Warning R"],
            id="three conditions that turn for one reason are one Event",
        ),
    ],
)
def test_events_are_transitions(before: Any, now: Any, want: list[str]) -> None:
    assert [f"{event.type} {event.reason}" for event in transitions(before, now, alarming=ALARMING)] == want


def test_a_pod_that_only_changes_the_schedulers_words_is_a_write_and_no_event() -> None:
    observed = settled(make_model(), claim=make_claim())
    digest = child(observed, DEPLOYMENT)["metadata"]["annotations"][TEMPLATE_HASH]
    observed = replace(observed, pods=(make_pod(digest, unschedulable="0/3 nodes"),))
    observed = after(observed, decide(observed))

    plan = decide(replace(observed, pods=(make_pod(digest, unschedulable="0/4 nodes"),)))

    assert plan.status is not None
    assert plan.events == ()
