"""Which hosts a text names."""

import json
import time
from collections.abc import Callable

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bolwerk.core.references.hosts import hosts
from bolwerk.core.references.look import judge
from core.references.cataloguing import rules

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # others use the machine too
ACME = "api.acme.ai"


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param("api.acme.ai", {ACME}, id="a bare host"),
        pytest.param("API.Acme.AI", {ACME}, id="in capitals"),
        pytest.param("api.acme.ai.", {ACME}, id="with the root's dot"),
        pytest.param("api.acme.ai:443", {ACME}, id="with a port"),
        pytest.param("https://api.acme.ai/v1", {ACME}, id="a URL"),
        pytest.param("https://user:pass@api.acme.ai/v1", {ACME}, id="a URL with credentials"),
        pytest.param("HTTPS://API.ACME.AI", {ACME}, id="a URL in capitals"),
        pytest.param("//api.acme.ai/v1", {ACME}, id="a URL without a scheme"),
        pytest.param("https://one.example/v1,https://api.acme.ai/v1", {"one.example", ACME}, id="a list of URLs"),
        pytest.param("a.example;b.example api.acme.ai", {"a.example", "b.example", ACME}, id="other separators"),
        pytest.param("OPENAI_BASE_URL=https://api.acme.ai/v1\nX=1\n", {ACME}, id="an env file"),
        pytest.param("[llm]\nurl = api.acme.ai\n", {ACME}, id="an ini file"),
        pytest.param("llm.url=https\\://api.acme.ai", {"llm.url", ACME}, id="a Java properties file"),
        pytest.param('{"url":"https:\\/\\/api.acme.ai"}', {ACME}, id="JSON with escaped slashes"),
        pytest.param('{"file":"a: b\\napi.acme.ai"}', {ACME}, id="a line end inside of a JSON string"),
        pytest.param('{"a":"\\n# x","b":"api.acme.ai"}', {ACME}, id="a comment inside of a JSON string ends with it"),
        pytest.param("next=https%3A%2F%2Fapi.acme.ai%2Fv1", {ACME, "2fapi.acme.ai"}, id="a URL in a URL"),
        pytest.param("<url>https://api.acme.ai</url>", {ACME}, id="XML"),
        pytest.param("`api.acme.ai`", {ACME}, id="quoted by backticks"),
        pytest.param("https://mirror.example/https://api.acme.ai/v1", {"mirror.example", ACME}, id="behind a mirror"),
        pytest.param("api\uff0eacme\uff0eai", {ACME}, id="full-width dots"),
        pytest.param("\uff41pi\u3002acme.ai", {ACME}, id="a full-width letter and an ideographic dot"),
        pytest.param("url: x # https://api.acme.ai", {ACME}, id="a comment behind a value may be none"),
        pytest.param("# https://api.acme.ai", set(), id="a comment that fills a line"),
        pytest.param("a: 1\n  ; api.acme.ai\n// api.acme.ai\n", set(), id="comments of other formats"),
        pytest.param("someone@api.acme.ai", set(), id="a mail address"),
        pytest.param("name.of@one.example", set(), id="a mail address with a dot in front"),
        pytest.param("registry.example/acme.ai/image:1.2", {"registry.example"}, id="a path that looks like a name"),
        pytest.param("1.2.3", set(), id="a version"),
        pytest.param("10.0.0.1", set(), id="an address alone is no place to connect to"),
        pytest.param("10.0.0.1:3128", {"10.0.0.1"}, id="an address and a port"),
        pytest.param("http://10.0.0.1/", {"10.0.0.1"}, id="an address in a URL"),
        pytest.param("http://u:p@10.0.0.1/", {"10.0.0.1"}, id="an address in a URL with credentials"),
        pytest.param("http://[2001:db8::1]:3128", {"2001:db8::1"}, id="an IPv6 address in a URL"),
        pytest.param("[2001:db8::1]", set(), id="an IPv6 address alone"),
        pytest.param("a" * 300 + ".acme.ai", set(), id="longer than a name may be"),
        pytest.param("", set(), id="nothing"),
    ],
)
def test_hosts_in_a_text(text: str, want: set[str]) -> None:
    assert hosts(text) == want


# What no catalogue name can be made of, whatever stands next to what.
PLAIN = st.text(alphabet="bcdefgh =:/\"'{}[],#\\\n\t-_@%0123456789", max_size=40)
URLS = st.sampled_from(
    [ACME, "https://api.acme.ai/v1", "http://u:p@api.acme.ai:8443", "API.ACME.AI:443", "runtime.eu-1.cloud.example"]
)
TREES = st.recursive(
    PLAIN | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet="bcdefgh_", min_size=1), inner),
    max_leaves=12,
)
FORMATS: st.SearchStrategy[Callable[[object], str]] = st.sampled_from(
    [json.dumps, yaml.safe_dump, lambda tree: json.dumps(json.dumps(tree))]
)


@UNHURRIED
@given(text=PLAIN | TREES.map(json.dumps) | TREES.map(yaml.safe_dump))
def test_a_text_without_names_of_the_catalogue_gives_nothing(text: str) -> None:
    assert judge(text, rules()) == frozenset()


@UNHURRIED
@given(tree=TREES, url=URLS, path=st.lists(st.text(alphabet="bcdefgh", min_size=1), max_size=4), data=st.data())
def test_one_endpoint_is_found_wherever_it_stands(tree: object, url: str, path: list[str], data: st.DataObject) -> None:
    nested: object = {"before": tree, "endpoint": url, "after": tree}
    for step in path:
        nested = data.draw(st.sampled_from([{step: nested}, [tree, nested], {step: json.dumps(nested)}]))

    assert judge(data.draw(FORMATS)(nested), rules()) == {"acme"}


@UNHURRIED
@given(before=PLAIN, url=URLS, after=PLAIN)
def test_an_env_file_with_one_endpoint(before: str, url: str, after: str) -> None:
    assert "acme" in judge(f"BEFORE={before}\nENDPOINT={url}\nAFTER={after}\n", rules())


@UNHURRIED
@given(text=st.text())
def test_any_text_at_all_is_read_without_an_error(text: str) -> None:
    assert all(0 < len(host) <= 253 for host in hosts(text))


@pytest.mark.parametrize("unit", ["\\", "a", "a.", "//@", "/", "//[", "//:", "%41", " ", "@", "//u@a.b", "a.b ", "1."])
def test_the_longest_text_is_read_in_seconds_whatever_it_is(unit: str) -> None:
    text = unit * (1024 * 1024 // len(unit))
    started = time.process_time()

    hosts(text)

    # 0.6 s at most on a slow machine; a pattern that takes time by its square would need hours.
    assert time.process_time() - started < 10
