"""Drafts for the Algoritmeregister: what comes from the resource, what people write, what is missing or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from bolwerk.core.algoritmeregister.draft import Draft, drafts, written
from bolwerk.core.algoritmeregister.standard import FIELDS, faults
from bolwerk.core.report.report import report
from bolwerk.preview.refused import RefusedError
from bolwerk.preview.written import fields_in
from report.cluster import NOW, condition, model, world

GOLDEN = Path(__file__).parent / "golden"
REQUIRED = {
    "name": "Samenvatten van bezwaarschriften",
    "description_short": "Vat bezwaarschriften samen voor de behandelaar.",
    "organization": "Gemeente Noorderhaaks",
    "status": "In gebruik",
    "contact_email": "algoritmes@noorderhaaks.example",
    "publication_category": "Overige algoritmes",
}
MODELS = report(world(), NOW).models


def one(text: Any) -> Draft:
    [draft] = drafts(MODELS[:1], {"team/llama-8b": text})
    return draft


def test_drafts_are_written_as_committed(*, update_golden: bool) -> None:
    fields = {"team/llama-8b": [REQUIRED, {**REQUIRED, "name": "Een tweede toepassing", "goal": "<p>Sneller.</p>"}]}
    text = json.dumps(written(drafts(MODELS, fields), ["team/none"]), indent=2, ensure_ascii=False) + "\n"

    path = GOLDEN / "algoritmeregister.json"
    if update_golden:
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_without_people_all_that_people_write_is_missing() -> None:
    [first, second] = drafts(MODELS, {})

    assert set(first.missing) == set(REQUIRED) == set(second.missing)
    assert not first.faults
    assert not first.complete
    assert set(first.record) == set(first.from_resource)


def test_with_what_people_have_to_write_it_is_complete() -> None:
    draft = one(REQUIRED)

    assert draft.complete, draft
    assert draft.record["lang"] == "nld"
    assert draft.record["standard_version"] == "1.0"
    assert draft.record["source_id"] == "team/llama-8b"


def test_what_people_write_about_the_method_comes_first_and_the_facts_after_it() -> None:
    method = one({**REQUIRED, "methods_and_models": "Een taalmodel vat samen."}).record["methods_and_models"]

    assert method.startswith("Een taalmodel vat samen.\nHet model llama-8b draait als LocalModel")
    assert "PersistentVolumeClaim weights" in method


def test_a_model_for_several_applications_has_a_record_for_each() -> None:
    found = drafts(MODELS[:1], {"team/llama-8b": [REQUIRED, REQUIRED]})

    assert [each.record["source_id"] for each in found] == ["team/llama-8b#1", "team/llama-8b#2"]


@pytest.mark.parametrize(
    ("status", "reason", "want"),
    [
        ("True", "Proven", "Een meting heeft bevestigd"),
        ("False", "OpenedByPolicy", "niet of niet volledig afgesloten"),
        ("Unknown", "NotProven", "een meting hiervan is er niet"),
        ("Unknown", "NotDecidedYet", "is nog niet bekend"),
    ],
)
def test_the_draft_says_no_more_about_isolation_than_is_known(status: str, reason: str, want: str) -> None:
    told = model(conditions=[condition("Isolated", status, reason, "")])
    [draft] = drafts(report(world(models=(told,)), NOW).models, {})

    assert draft.record["methods_and_models"].count("afgesloten") == 1
    assert want in draft.record["methods_and_models"]


def test_names_of_tenants_become_no_tag_in_the_record() -> None:
    hostile = model("x")
    hostile["spec"]["model"]["servedName"] = "<script>alert(1)</script>\x1b[2J"
    [draft] = drafts(report(world(models=(hostile,)), NOW).models, {"team/x": REQUIRED})

    assert draft.complete, draft.faults
    assert "<" not in draft.record["methods_and_models"]
    assert "\x1b" not in draft.record["methods_and_models"]


@pytest.mark.parametrize(
    ("field", "value", "want"),
    [
        pytest.param("name", "x" * 101, "name: has 101 characters; shorten it to 100", id="too long"),
        pytest.param("goal", "x" * 2501, "goal: has 2501 characters; shorten it to 2500", id="a long field too long"),
        pytest.param("status", "Actief", "status: 'Actief' is none of In ontwikkeling, In gebruik", id="no status"),
        pytest.param("publication_category", "Hoog", "is none of Hoog-risico AI-systeem", id="no category"),
        pytest.param("category", ["Vervoer"], "category: 'Vervoer' is none of", id="no theme"),
        pytest.param("category", "Verkeer", "category: write a list", id="a theme by itself"),
        pytest.param("begin_date", "november 2026", "begin_date: write year and month, such as 2026-11", id="no month"),
        pytest.param("begin_date", 2026, "begin_date: write a text, in quotes", id="a number"),
        pytest.param("website", "http://a.example", "website: begin it with https://", id="no secure link"),
        pytest.param("contact_email", "balie", "contact_email: write a mail address", id="no contact"),
        pytest.param("name", "<b>naam</b>", "name: take the tags b out; it takes plain text", id="a tag in plain text"),
        pytest.param("goal", "<script>x</script>", "goal: take the tags script out; allowed are br", id="a script"),
        pytest.param("goal", '<p onclick="x">x</p>', "goal: take the tags p with attributes out", id="an attribute"),
        pytest.param("goal", "<!-- x -->", "goal: take the tags comment out", id="a comment"),
        pytest.param("lang", "eng", "lang: 'eng' is none of nld", id="another language"),
        pytest.param("lars", "27383155", "lars: the register gives it; leave it out", id="what the register gives"),
        pytest.param("naam", "x", "naam: the standard has no such field", id="an unknown field"),
        pytest.param("methods_and_models", 3, "methods_and_models: write a text", id="a number for a text"),
        pytest.param(
            "lawful_basis_grouping", [{"title": "Wet"}], "lawful_basis_grouping[0].link: is missing", id="no link"
        ),
        pytest.param(
            "lawful_basis_grouping",
            [{"title": "x" * 101, "link": "https://a.example"}],
            "lawful_basis_grouping[0].title: has 101 characters",
            id="a long title",
        ),
        pytest.param(
            "source_data_grouping", ["BRP"], "source_data_grouping: write a list of title and link", id="texts"
        ),
        pytest.param(
            "impacttoetsen_grouping", [{"titel": "DPIA"}], "impacttoetsen_grouping[0]: has no titel", id="a wrong part"
        ),
    ],
)
def test_what_the_standard_refuses_is_a_fault_with_the_mend(field: str, value: Any, want: str) -> None:
    found = one({**REQUIRED, field: value}).faults

    assert any(want in fault for fault in found), found


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("goal", "<div><p>" + "x" * 2500 + "</p><br></div>"),
        ("impacttoetsen_grouping", [{"title": "DPIA"}]),
        ("category", ["Verkeer", "Zorg en gezondheid"]),
        ("contact_email", "https://noorderhaaks.example/contact"),
        ("end_date", "2026-12"),
    ],
)
def test_what_the_standard_takes_is_no_fault(field: str, value: Any) -> None:
    assert not list(faults(field, value))


def test_text_that_is_no_mapping_is_a_fault() -> None:
    assert one("samenvatten").faults == (
        "what people wrote is no mapping of fields: write name: …, description_short: …",
    )


def test_every_field_of_the_standard_is_in_the_record_missing_or_left_out() -> None:
    draft = one(REQUIRED)

    assert {*draft.record, *draft.missing, *draft.left_out} == set(FIELDS)


@pytest.mark.parametrize(
    ("content", "want"),
    [
        pytest.param("a: [", "cannot be read", id="no YAML"),
        pytest.param("- x", "under its namespace/name", id="a list"),
        pytest.param("llama-8b: {}", "under its namespace/name", id="no namespace"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, content: str, want: str) -> None:
    file = tmp_path / "fields.yaml"
    file.write_text(content, encoding="utf-8")

    with pytest.raises(RefusedError, match=want):
        fields_in(file)


def test_fields_are_read_by_namespace_and_name(tmp_path: Path) -> None:
    file = tmp_path / "fields.yaml"
    file.write_text(yaml.safe_dump({"team/llama-8b": REQUIRED}), encoding="utf-8")

    assert fields_in(file) == {"team/llama-8b": REQUIRED}
