"""What a policy does about each group."""

from __future__ import annotations

from typing import Any

import pytest

from bolwerk.core.catalogue import Ruling
from bolwerk.core.invalid import InvalidSpecError
from core.catalogue.files import catalogue, decided

KNOWN = catalogue()


@pytest.mark.parametrize(
    ("choice", "want"),
    [
        pytest.param({}, {"alpha": "Refuse", "cloud": "Refuse", "platform": "Alert"}, id="shared groups only alert"),
        pytest.param({"default": "Alert"}, {"alpha": "Alert", "cloud": "Alert", "platform": "Alert"}, id="default"),
        pytest.param(
            {"refuse": ["platform"], "alert": ["cloud"], "allow": ["alpha"]},
            {"alpha": "Allow", "cloud": "Alert", "platform": "Refuse"},
            id="lists",
        ),
        pytest.param(
            {"default": "Alert", "refuse": ["alpha"]},
            {"alpha": "Refuse", "cloud": "Alert", "platform": "Alert"},
            id="refuse one",
        ),
        pytest.param(
            {"entries": [{"name": "ours", "hosts": ["gpt.rival.example"]}], "allow": ["ours"]},
            {"alpha": "Refuse", "cloud": "Refuse", "platform": "Alert", "ours": "Allow"},
            id="own entries are groups",
        ),
    ],
)
def test_each_group_is_decided(choice: dict[str, Any], want: dict[str, str]) -> None:
    assert dict(decided(KNOWN, **choice)) == want


def test_an_own_entry_is_found_by_name() -> None:
    rulings = decided(KNOWN, entries=[{"name": "ours", "suffixes": ["rival.example"]}])
    found = rulings.find("API.rival.example")
    assert isinstance(found, Ruling)
    assert (found.match.group, found.decision) == ("ours", "Refuse")
    assert rulings.find("nobody.example") is None
    assert rulings.catalogue.digest == KNOWN.digest, "the catalogue is still the one that others share"
    assert "ours" not in KNOWN.groups


def test_an_own_entry_for_a_name_in_another_group_has_it() -> None:
    rulings = decided(KNOWN, entries=[{"name": "ours", "suffixes": ["alpha.example"]}], allow=["ours"])
    found = rulings.find("api.alpha.example")
    assert found is not None
    assert found.decision == "Allow"


@pytest.mark.parametrize(
    ("choice", "want"),
    [
        pytest.param(
            {"refuse": ["alpah"]}, "spec.catalogue.refuse: .* no group alpah; did you mean alpha", id="refuse"
        ),
        pytest.param({"alert": ["plattform"]}, "spec.catalogue.alert: .* did you mean platform", id="alert"),
        pytest.param({"allow": ["qqq"]}, "spec.catalogue.allow: .* catalogue list", id="allow"),
        pytest.param({"refuse": ["alpha"], "allow": ["alpha"]}, "alpha stands in another list too", id="in two lists"),
        pytest.param({"entries": [{"name": "alpha", "hosts": ["a.b"]}]}, "alpha is a group's name already", id="taken"),
        pytest.param(
            {"entries": [{"name": "o", "suffixes": ["cluster.local"]}]},
            "takes all of the shared cluster.local",
            id="dns",
        ),
        pytest.param(
            {"entries": [{"name": "o", "hosts": ["a" * 64 + ".example"]}]},
            "spec.catalogue.entries.o: exact",
            id="label",
        ),
    ],
)
def test_a_faulty_choice_is_refused_with_the_mend(choice: dict[str, Any], want: str) -> None:
    with pytest.raises(InvalidSpecError, match=want):
        decided(KNOWN, **choice)
