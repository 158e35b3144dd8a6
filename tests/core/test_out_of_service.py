"""A breach takes a model out of its Service, where the policy says so, and only a proof brings it back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.builders import after, applied, condition, decide
from core.proofs import HOURS, OUT, SEEN, SELECTOR, make_proof, measured, out_of_service, selector


@pytest.mark.parametrize("verdict", ["Bypass", "NotEnforced"])
def test_a_breach_takes_the_model_out_of_its_service_where_the_policy_says_so(verdict: str) -> None:
    observed = replace(measured(make_proof("Proven"), policy=OUT), proofs=(make_proof(verdict, ago=HOURS / 2),))
    assert selector(observed) == SELECTOR

    plan = decide(observed)
    assert applied(plan) == {"Service": "spec.selector.bolwerk.dev/out-of-service"}
    assert [event.type for event in plan.events] == ["Warning"]

    observed = after(observed, plan)
    assert selector(observed).items() > SELECTOR.items()
    proven = replace(observed, proofs=(make_proof("Proven", ago=HOURS / 4),))
    plan = decide(proven)
    assert applied(plan) == {"Service": "spec.selector"}
    assert selector(after(proven, plan)) == SELECTOR


@pytest.mark.parametrize("verdict", sorted({*SEEN} - {"Proven"}))
def test_doubt_does_not_bring_back_what_a_breach_took_away(verdict: str) -> None:
    observed = out_of_service(make_proof("Bypass", ago=2 * HOURS), make_proof(verdict))

    assert decide(observed).apply == ()
    assert condition(after(observed, decide(observed)).model["status"], "Isolated")["status"] == "False"


@pytest.mark.parametrize("policy", [None, {}, {"onBypass": "Report"}], ids=["none", "the default", "Report"])
def test_by_default_the_service_is_left_alone(policy: Any) -> None:
    observed = measured(make_proof("NotEnforced"), policy=policy)

    assert decide(observed).apply == ()
    assert selector(observed) == SELECTOR


@pytest.mark.parametrize("verdict", ["OverBlocked", "Inconclusive"])
def test_only_a_breach_takes_it_out(verdict: str) -> None:
    assert selector(measured(make_proof(verdict), policy=OUT)) == SELECTOR


def test_a_policy_that_no_longer_asks_for_it_brings_it_back() -> None:
    observed = replace(out_of_service(make_proof("Bypass")), governing=())

    assert applied(decide(observed)) == {"Service": "spec.selector"}


def test_a_model_without_pods_stays_out() -> None:
    observed = replace(out_of_service(make_proof("Bypass")), pods=())

    assert decide(observed).apply == ()
