"""What DNS answers while exceptions are open: what they ask for and nothing else, and admission spares nobody."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from bolwerk.api.sovereigntypolicy import Catalogue as Choice
from bolwerk.core.catalogue import decisions
from bolwerk.core.kinds import CONFIG_MAP, VALIDATING_ADMISSION_POLICY, Ref
from bolwerk.core.policy.spared import sparing
from core.exceptions.people import approval, exception
from core.policy.world import SETTINGS, SHARED, World

DNS = Ref(CONFIG_MAP, "bolwerk-system", "bolwerk-government-dns")
BEGIN, END = (datetime.fromisoformat(f"2026-12-{day}T12:00:00Z") for day in ("01", "31"))


def answered(*domains: str) -> Any:
    choice = Choice()
    decided = decisions(SETTINGS.catalogue, choice)
    told = decisions(SETTINGS.catalogue, sparing(choice, decided, domains))
    return lambda name: (decided.find(name).decision, told.find(name).decision)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("asked", "name", "decision"),
    [
        pytest.param(["api.openai.com"], "api.openai.com", "Alert", id="the name"),
        pytest.param(["api.openai.com"], "eu.api.openai.com", "Refuse", id="not what is under it"),
        pytest.param(["api.openai.com"], "api.mistral.ai", "Refuse", id="nor another"),
        pytest.param(["*.mistral.ai"], "api.mistral.ai", "Alert", id="everything under a name"),
        pytest.param(["*.mistral.ai", "api.mistral.ai"], "api.mistral.ai", "Alert", id="both"),
        pytest.param(
            ["api.internal.example", "db.team.svc.cluster.local"], "api.openai.com", "Refuse", id="none known"
        ),
    ],
)
def test_a_name_is_told_of_and_no_longer_refused(asked: list[str], name: str, decision: str) -> None:
    assert answered(*asked)(name) == ("Refuse", decision)


def test_a_whole_group_is_spared_however_large() -> None:
    suffixes = SETTINGS.catalogue.groups["openai"].suffixes
    find = answered(*suffixes, *(f"*.{name}" for name in suffixes))

    assert {find(name) for name in suffixes} == {("Refuse", "Alert")}
    assert {find(f"any.{name}") for name in suffixes} == {("Refuse", "Alert")}


def test_dns_answers_as_long_as_the_exception_is_open_and_admission_stays_as_it_is() -> None:
    asked = exception(destinations=[{"domain": "api.openai.com", "ports": [{"port": 443}]}])
    cluster = World(served=SHARED, exceptions=(asked,), approvals=(approval(asked),), now=BEGIN)
    cluster.now = datetime.fromisoformat("2026-11-30T12:00:00Z")
    cluster.step()
    before = dict(cluster.objects)

    cluster.now = BEGIN
    cluster.step()
    during = dict(cluster.objects)
    cluster.now = END
    cluster.step()

    assert during[DNS]["data"] != before[DNS]["data"]
    assert cluster.objects[DNS]["data"] == before[DNS]["data"]
    for ref in before:
        if ref.kind == VALIDATING_ADMISSION_POLICY:
            assert during[ref]["spec"] == before[ref]["spec"]
