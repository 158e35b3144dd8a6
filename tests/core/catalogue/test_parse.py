"""The file: every fault is said by its place, and nothing that is odd about YAML gets through."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bolwerk.core.catalogue import CatalogueError, parse
from core.catalogue.files import FILE, file, text, with_group


def _refusal(content: str) -> str:
    with pytest.raises(CatalogueError) as refused:
        parse(content)
    return str(refused.value)


def test_a_good_file_is_read() -> None:
    catalogue = parse(text(FILE))
    assert list(catalogue.groups) == ["alpha", "cloud", "platform"]
    assert catalogue.version == "2026.11.24"
    assert catalogue.groups["alpha"].environment.keys["ALPHA_API_KEY"] == ("ALPHA_BASE_URL",)
    assert catalogue.environment.proxies == ("HTTPS_PROXY",)


def test_the_digest_is_of_what_is_said_and_not_of_how() -> None:
    shuffled = dict(reversed(FILE.items()))
    assert parse("# a comment\n" + text(shuffled)).digest == parse(text(FILE)).digest
    assert parse(text(file(version="2026.11.25"))).digest != parse(text(FILE)).digest
    assert parse(text(with_group("alpha", jurisdiction="CA"))).digest != parse(text(FILE)).digest


ALPHA: dict[str, Any] = FILE["groups"]["alpha"]


@pytest.mark.parametrize(
    ("content", "want"),
    [
        pytest.param(file(extra=1), "extra: Extra inputs", id="an unknown field"),
        pytest.param(file(schemaVersion="v2"), "schemaVersion: Input should be", id="another schema"),
        pytest.param(file(version="2026.13.01"), "version: Value error, month must be", id="a month 13"),
        pytest.param(file(version="1.0"), "version: String should match", id="a version that is no day"),
        pytest.param(with_group("alpha", sufixes=[]), "groups.alpha.sufixes: Extra", id="a misspelt field"),
        pytest.param(with_group("alpha", name="x"), "groups.alpha.name: the key is the", id="a name in the group"),
        pytest.param(with_group("Alpha"), "groups.Alpha", id="a name in upper case"),
        pytest.param(with_group("beta"), "groups.beta: needs suffixes", id="an empty group"),
        pytest.param(
            with_group("alpha", shared="yes"), "groups.alpha.shared: Input should be a", id="a text as a switch"
        ),
        pytest.param(with_group("alpha", suffixes=["Alpha.example"]), "groups.alpha.suffixes.0", id="upper case"),
        pytest.param(with_group("alpha", suffixes=["alpha.example."]), "groups.alpha.suffixes.0", id="a trailing dot"),
        pytest.param(with_group("alpha", suffixes=["*.alpha.example"]), "groups.alpha.suffixes.0", id="a wildcard"),
        pytest.param(with_group("alpha", suffixes=["com"]), "groups.alpha.suffixes.0", id="a top-level domain"),
        pytest.param(with_group("alpha", suffixes=["a.example", "a.example"]), "more than once", id="a suffix twice"),
        pytest.param(with_group("alpha", sources=["hearsay"]), "hearsay is not among", id="an unknown source"),
        pytest.param(with_group("alpha", sources=[]), "groups.alpha.sources: say where", id="no source"),
        pytest.param(with_group("alpha", patterns=["^a"]), "groups.alpha.patterns: ^a is not anchored", id="a pattern"),
        pytest.param(
            with_group("alpha", environment={"keys": {"K": ["URL"]}}), "keys.K: URL has to stand", id="a stray lead"
        ),
        pytest.param(with_group("beta", suffixes=["alpha.example"]), "stands in group alpha already", id="two owners"),
        pytest.param(
            with_group("beta", suffixes=["cloud.example"]), "takes all of the shared cloud.example", id="a shared apex"
        ),
        pytest.param(with_group("beta", exact=["cloud.example"]), "cloud.example is shared", id="the apex itself"),
        pytest.param(
            with_group("beta", patterns=[r"^[a-z-]+\.cloud\.example$"]), "in the shared cloud.example", id="all of it"
        ),
        pytest.param(
            with_group("beta", suffixes=["cluster.local"]), "takes all of the shared cluster.local", id="the cluster"
        ),
        pytest.param(
            with_group("cloud", examples={"refused": ["nothing.example"]}),
            "no example for the pattern ^models",
            id="a pattern that shows nothing",
        ),
        pytest.param(
            with_group("alpha", examples={"refused": ["api.beta.example"]}),
            "groups.alpha.examples.refused: api.beta.example belongs to nothing",
            id="an example of nothing",
        ),
        pytest.param(
            with_group("alpha", examples={"refused": ["a.alpha.example"], "notRefused": ["b.alpha.example"]}),
            "notRefused: b.alpha.example is matched by suffix alpha.example of group alpha",
            id="an example that is refused",
        ),
        pytest.param(
            file(groups={f"g{i}": {**ALPHA, "suffixes": [f"a{i}.example"]} for i in range(201)}),
            "groups: Dictionary should have at most 200 items",
            id="201 groups",
        ),
        pytest.param(
            with_group("alpha", suffixes=[f"a{i}.example" for i in range(257)]),
            "groups.alpha.suffixes: Tuple should have at most 256",
            id="257 suffixes",
        ),
    ],
)
def test_a_fault_is_said_by_its_place(content: dict[str, Any], want: str) -> None:
    assert want in _refusal(text(content))


@pytest.mark.parametrize(
    ("content", "want"),
    [
        pytest.param("", "has to be a mapping", id="nothing"),
        pytest.param("- a\n", "has to be a mapping", id="a list"),
        pytest.param("a: [", "not YAML", id="no YAML"),
        pytest.param("groups: &a {}\nother: *a\n", "aliases are not read", id="an alias"),
        pytest.param("version: a\nversion: b\n", "version stands twice", id="a key twice"),
        pytest.param("version: 2026-13-45\n", "not YAML", id="a date that is none"),
        pytest.param("version: 2026-11-24\n", "put quotes around it", id="a date"),
        pytest.param("version: " + "9" * 5000, "not YAML", id="a number of 5000 digits"),
        pytest.param("{1: {2: 3}}", "Field required", id="numbers as keys"),
        pytest.param("[" * 100_000, "nested too deeply", id="100,000 levels"),
        pytest.param("a: " + "x" * (1 << 19), "at most 524288 are read", id="too long"),
        pytest.param("? [a]\n: b\n", "not YAML", id="a list as a key"),
        pytest.param("a: !!python/object/apply:os.system [x]", "not YAML", id="a tag of Python's"),
        pytest.param("groups: [a]\n", "groups: Input should be", id="groups as a list"),
        pytest.param("groups: {a: b}\n", "groups.a", id="a group as a text"),
    ],
)
def test_what_is_odd_about_yaml_is_refused(content: str, want: str) -> None:
    assert want in _refusal(content)


def test_many_faults_are_counted_and_not_all_told() -> None:
    content = file(groups={f"G{i}": ALPHA for i in range(50)})
    assert "more" in _refusal(text(content))
    assert len(_refusal(text(content))) < 4000


@given(st.text(max_size=300))
def test_no_text_does_worse_than_to_be_refused(content: str) -> None:
    assert _refusal(content)
