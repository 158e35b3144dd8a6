"""The shipped catalogue: what a review of it has to leave behind, whoever does the next one."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import yaml

from bolwerk.core.catalogue import parse
from bolwerk.core.catalogue.names import parents
from bolwerk.core.catalogue.patterns import compiled
from bolwerk.core.catalogue.schema import Group
from bolwerk.data import catalogue_text

TEXT = catalogue_text()
CATALOGUE = parse(TEXT)
WRITTEN: dict[str, Any] = yaml.safe_load(TEXT)
REVIEW = (Path(__file__).parents[3] / "docs" / "catalogue-review.md").read_text(encoding="utf-8")

each_group = pytest.mark.parametrize("group", CATALOGUE.groups.values(), ids=CATALOGUE.groups)

SHARED = (
    *CATALOGUE.shared_apexes,
    *(
        "amazonaws.com",
        "azure.com",
        "cloudflare.com",
        "github.com",
        "googleapis.com",
        "huggingface.co",
        "microsoft.com",
    ),
)
ORDINARY = ("bolwerk-test", "www-7", "xn--unrelated", "mail", "eu-west-1", "a.b.eu-west-1")

GENERAL_CREDENTIALS = {
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_CLIENT_SECRET"),
    *("CLOUDFLARE_API_TOKEN", "DATABRICKS_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN", "GITHUB_TOKEN", "GITLAB_TOKEN"),
    *("GOOGLE_APPLICATION_CREDENTIALS", "HETZNER_API_KEY", "NGC_API_KEY", "SCW_SECRET_KEY", "VULTR_API_KEY"),
    *("QDRANT_API_KEY", "WANDB_API_KEY", "WEAVIATE_API_KEY"),
}


def _examples(group: Group) -> tuple[tuple[str, ...], tuple[str, ...]]:
    assert group.examples is not None, group.name
    return group.examples.refused, group.examples.not_refused


@each_group
def test_every_entry_has_an_example_that_shows_it(group: Group) -> None:
    refused, not_refused = _examples(group)
    for suffix in group.suffixes:
        assert any(suffix in parents(name) for name in refused), suffix
    for exact in group.exact:
        assert exact in refused
    for pattern in group.patterns:
        assert any(compiled(pattern).matches(name) for name in refused), pattern
    assert not_refused, "say what looks like it and is not meant"


@each_group
def test_patterns_are_anchored_and_miss_the_counterexamples(group: Group) -> None:
    for pattern in group.patterns:
        assert pattern.startswith("^")
        assert pattern.endswith("$")
        program = compiled(pattern)
        for name in _examples(group)[1]:
            assert not program.matches(name), (pattern, name)
        for name in _examples(group)[0]:
            assert not program.matches(f"{name}.example.org"), (pattern, name)
            assert not program.matches(f"x.{name}"), (pattern, name)


@each_group
def test_examples_belong_to_their_group_and_counterexamples_do_not(group: Group) -> None:
    refused, not_refused = _examples(group)
    for name in refused:
        match = CATALOGUE.find(name)
        assert match is not None, name
        assert match.group == group.name, name
    for name in not_refused:
        match = CATALOGUE.find(name)
        assert match is None or match.group != group.name, name


@pytest.mark.parametrize("apex", SHARED)
def test_no_group_takes_a_shared_domain(apex: str) -> None:
    for group in CATALOGUE.groups.values():
        assert not {*parents(apex)} & {*group.suffixes}, group.name
    for label in ORDINARY:
        assert CATALOGUE.find(f"{label}.{apex}") is None, label


def test_lists_are_sorted_and_nothing_stands_twice() -> None:
    for name, group in WRITTEN["groups"].items():
        for key in ("suffixes", "exact", "patterns", "sources"):
            assert group.get(key, []) == sorted({*group.get(key, [])}), (name, key)
        environment = group.get("environment", {})
        assert environment.get("endpoints", []) == sorted({*environment.get("endpoints", [])}), name
        assert [*environment.get("keys", {})] == sorted(environment.get("keys", {})), name
    assert [*WRITTEN["sources"]] == sorted(WRITTEN["sources"])
    assert WRITTEN["sharedApexes"] == sorted({*WRITTEN["sharedApexes"]})
    entries = [e for g in CATALOGUE.groups.values() for e in (*g.suffixes, *g.exact, *g.patterns)]
    assert len(entries) == len({*entries})


@each_group
def test_no_entry_is_covered_by_another_of_its_group(group: Group) -> None:
    for name in (*group.suffixes, *group.exact):
        above = {*itertools.islice(parents(name), 1, None)} & {*group.suffixes}
        assert not above, f"{name} is in {above}"
    assert not {*group.exact} & {*group.suffixes}


def test_every_group_has_a_source_and_every_source_is_used() -> None:
    used = {source for group in CATALOGUE.groups.values() for source in group.sources}
    assert all(group.sources for group in CATALOGUE.groups.values())
    assert used == {*CATALOGUE.sources}


def test_nothing_rests_on_general_knowledge() -> None:
    assert "k" not in {source.lower() for source in CATALOGUE.sources}
    assert "(K)" not in TEXT
    assert "unverified" not in TEXT.lower()


def test_an_environment_variable_belongs_to_one_place() -> None:
    owners: dict[str, str] = dict.fromkeys(CATALOGUE.environment.endpoints + CATALOGUE.environment.proxies, "the file")
    for group in CATALOGUE.groups.values():
        for variable in (*group.environment.endpoints, *group.environment.keys):
            assert owners.setdefault(variable, group.name) == group.name, variable


def test_credentials_that_say_nothing_about_ai_are_no_keys() -> None:
    keys = {key for group in CATALOGUE.groups.values() for key in group.environment.keys}
    assert not keys & GENERAL_CREDENTIALS


def test_groups_that_also_serve_other_traffic_have_no_keys() -> None:
    for group in CATALOGUE.groups.values():
        assert not (group.shared and group.environment.keys), group.name


@pytest.mark.parametrize(
    ("host", "want"),
    [
        ("api.openai.com", "openai"),
        ("westus.privatelink.api.openai.com", "openai"),
        ("aws-external-anthropic.eu-central-1.api.aws", "anthropic"),
        ("gemeente.openai.azure.com", "azure-ai"),
        ("gemeente.privatelink.cognitiveservices.azure.com", "azure-ai"),
        ("models.inference.ai.azure.com", "github-ai"),
        ("bedrock-mantle.eu-central-1.api.aws", "amazon-bedrock"),
        ("bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "amazon-bedrock"),
        ("bedrock-runtime.eusc-de-east-1.amazonaws.eu", "amazon-bedrock"),
        ("vpce-0a1-us-east-1a.bedrock-runtime.us-east-1.vpce.amazonaws.com", "amazon-bedrock"),
        ("aiplatform.eu.rep.googleapis.com", "google-vertex-ai"),
        ("europe-west4-aiplatform.googleapis.com", "google-vertex-ai"),
        ("huggingface.co", "huggingface-hub"),
        ("cas-bridge.xethub.hf.co", "huggingface-hub"),
        ("router.huggingface.co", "huggingface-inference"),
        ("api-inference.modelscope.cn", "chinese-providers"),
        ("www.modelscope.cn", "modelscope-hub"),
        ("api.scaleway.ai", "european-inference"),
        ("eu.openrouter.ai", "model-routers"),
        ("dns.google", "encrypted-dns"),
        ("gemeente.snowflakecomputing.com", "shared-platform-apis"),
    ],
)
def test_well_known_hosts_are_in_the_group_that_decides_about_them(host: str, want: str) -> None:
    match = CATALOGUE.find(host)
    assert match is not None
    assert match.group == want


@pytest.mark.parametrize(
    "host",
    [
        "browser-intake-datadoghq.com",
        "copilot-telemetry.githubusercontent.com",
        "o33249.ingest.sentry.io",
        "smith.langchain.com",
        "huggingface.co.example.org",
        "m365.cloud.microsoft",
        "storage.googleapis.com",
        "s3.eu-central-1.amazonaws.com",
        "login.microsoftonline.com",
    ],
)
def test_telemetry_and_everyday_hosts_are_in_no_group(host: str) -> None:
    assert CATALOGUE.find(host) is None


def test_the_review_speaks_of_this_version_and_of_every_group() -> None:
    assert f"version {WRITTEN['version']}" in REVIEW
    for name in CATALOGUE.groups:
        assert f"| `{name}` |" in REVIEW, name
    for source in CATALOGUE.sources:
        assert f"`{source}`" in REVIEW, source
