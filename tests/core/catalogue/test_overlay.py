"""The overlay: what it replaces, adds and removes, and what it is refused for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bolwerk.core.catalogue import Catalogue, CatalogueError, age_days, overlay_text, stale, with_overlay
from core.catalogue.files import catalogue

NEW = {"title": "n", "jurisdiction": "EU", "suffixes": ["new.example"], "sources": ["site"]}


def overlay(**changes: Any) -> str:
    content = {
        "schemaVersion": "bolwerk.dev/catalogue-overlay/v1",
        "version": "2026.12.01",
        "sources": {"site": {"what": "our own observation"}},
        **changes,
    }
    return json.dumps(content)


@pytest.fixture
def shipped() -> Catalogue:
    return catalogue()


def test_groups_are_added_replaced_and_removed(shipped: Catalogue) -> None:
    laid = with_overlay(
        shipped, overlay(groups={"new": NEW, "alpha": NEW | {"suffixes": ["a.example"]}}, remove=["cloud"])
    )
    assert list(laid.groups) == ["alpha", "platform", "new"]
    assert laid.find("x.new.example") is not None
    assert laid.find("x.alpha.example") is None, "a group is replaced as a whole"
    assert laid.find("models.eu-1.cloud.example") is None
    assert shipped.find("x.alpha.example") is not None, "and the shipped catalogue stays what it is"


def test_both_versions_are_said_and_the_digest_is_its_own(shipped: Catalogue) -> None:
    laid = with_overlay(shipped, overlay(groups={"new": NEW}))
    assert laid.version == "2026.11.24 + overlay 2026.12.01"
    assert len(laid.version) <= 63
    assert laid.digest != shipped.digest
    assert laid.digest == with_overlay(catalogue(), overlay(groups={"new": NEW})).digest


def test_variables_and_apexes_are_added(shipped: Catalogue) -> None:
    laid = with_overlay(
        shipped, overlay(environment={"endpoints": ["OUR_URL", "LLM_URL"]}, sharedApexes=["ours.example"])
    )
    assert laid.environment.endpoints == ("LLM_URL", "OUR_URL")
    assert "ours.example" in laid.shared_apexes


def test_a_forgotten_overlay_makes_the_catalogue_old(shipped: Catalogue) -> None:
    laid = with_overlay(shipped, overlay(version="2026.01.01", groups={"new": NEW}))
    assert age_days(laid, datetime(2026, 11, 24, tzinfo=UTC)) == 327


@pytest.mark.parametrize(
    ("content", "want"),
    [
        pytest.param(overlay(remove=["alhpa"]), "there is no group alhpa; did you mean alpha?", id="unknown group"),
        pytest.param(overlay(remove=["zzz"]), "`bolwerk catalogue list` shows all", id="nothing like it"),
        pytest.param(overlay(remove=["alpha"], groups={"alpha": NEW}), "replaces the shipped one", id="both"),
        pytest.param(
            overlay(groups={"new": NEW | {"suffixes": ["alpha.example"]}}), "in group alpha already", id="twice"
        ),
        pytest.param(overlay(groups={"new": NEW | {"sources": ["nobody"]}}), "nobody is not among", id="no source"),
        pytest.param(
            overlay(sharedApexes=["alpha.example"]), "groups.alpha.suffixes: alpha.example takes all of", id="apex"
        ),
        pytest.param(
            overlay(groups={"new": NEW | {"suffixes": ["cloud.example"]}}), "the shared cloud.example", id="all"
        ),
        pytest.param(overlay(schemaVersion="bolwerk.dev/catalogue/v1"), "schemaVersion: Input should be", id="schema"),
        pytest.param("", "has to be a mapping", id="empty"),
        pytest.param(overlay(version=""), "version: String should match", id="no version"),
    ],
)
def test_a_faulty_overlay_is_refused(shipped: Catalogue, content: str, want: str) -> None:
    with pytest.raises(CatalogueError) as refused:
        with_overlay(shipped, content)
    assert want in str(refused.value)


@pytest.mark.parametrize(
    ("config_map", "want"),
    [
        ({}, "holds nothing; the overlay has to stand under catalogue.yaml"),
        ({"data": {"catalog.yaml": ""}}, "holds catalog.yaml; the overlay has to"),
        ({"binaryData": {"catalogue.yaml": ""}}, "holds catalogue.yaml; the overlay has to"),
    ],
)
def test_a_config_map_without_an_overlay_is_refused(config_map: dict[str, Any], want: str) -> None:
    with pytest.raises(CatalogueError, match=want):
        overlay_text(config_map)


@pytest.mark.parametrize(
    ("day", "want_age", "want_stale"),
    [
        (datetime(2026, 11, 24, 23, tzinfo=UTC), 0, False),
        (datetime(2026, 11, 1, tzinfo=UTC), 0, False),
        (datetime(2027, 5, 23, tzinfo=UTC), 180, False),
        (datetime(2027, 5, 24, tzinfo=UTC), 181, True),
    ],
)
def test_an_old_catalogue_says_so_and_an_overlay_does_not_make_it_young(
    shipped: Catalogue, day: datetime, want_age: int, want_stale: bool
) -> None:
    for known in (shipped, with_overlay(shipped, overlay(version="2027.05.01", groups={"new": NEW}))):
        assert age_days(known, day) == want_age
        assert bool(stale(known, day)) == want_stale
