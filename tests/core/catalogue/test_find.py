"""Names: which group and entry one belongs to, however it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bolwerk.core.catalogue import Match
from bolwerk.core.catalogue.names import normal, parents
from core.catalogue.files import catalogue

NESTED = catalogue(
    hub={"suffixes": ["hub.example"]},
    inference={"suffixes": ["router.hub.example"], "exact": ["hub.example"]},
    regions={
        "patterns": [r"^eu-[a-z]+\.hub\.example$"],
        "examples": {"refused": ["eu-west.hub.example"]},
    },
    one={"exact": ["eu-north.hub.example", "a.router.hub.example"]},
)


@pytest.mark.parametrize(
    ("host", "want"),
    [
        ("x.hub.example", Match("hub", "suffix", "hub.example")),
        ("hub.example", Match("inference", "exact", "hub.example")),
        ("router.hub.example", Match("inference", "suffix", "router.hub.example")),
        ("b.router.hub.example", Match("inference", "suffix", "router.hub.example")),
        ("a.router.hub.example", Match("one", "exact", "a.router.hub.example")),
        ("c.a.router.hub.example", Match("inference", "suffix", "router.hub.example")),
        ("eu-west.hub.example", Match("regions", "pattern", r"^eu-[a-z]+\.hub\.example$")),
        ("eu-north.hub.example", Match("one", "exact", "eu-north.hub.example")),
        ("xhub.example", None),
        ("hub.example.org", None),
        ("example", None),
    ],
)
def test_the_longest_domain_decides(host: str, want: Match | None) -> None:
    assert NESTED.find(host) == want


@pytest.mark.parametrize(
    "host",
    ["X.Hub.EXAMPLE", "x.hub.example.", "\uff58.hub.example", "x\u3002hub\uff0eexample", "X.HUB.EXAMPLE."],
)
def test_a_name_cannot_hide_by_how_it_is_written(host: str) -> None:
    assert NESTED.find(host) == Match("hub", "suffix", "hub.example")


@pytest.mark.parametrize(
    "host",
    ["", ".", "..", "x..hub.example", ".hub.example", "x.hub.example..", "x/hub.example", "x hub.example",
     "x" * 64 + ".hub.example", "a." * 130 + "hub.example", "-x.hub.example", "\n.hub.example", "x.hub.example\n",
     "\ud800.hub.example", "\N{SNOWMAN}" * 5000],
)  # fmt: skip
def test_what_is_no_name_belongs_to_nothing(host: str) -> None:
    assert NESTED.find(host) is None


def test_a_labels_are_compared_as_they_come() -> None:
    known = catalogue(umlaut={"suffixes": ["xn--bcher-kva.example"]})
    assert known.find("xn--bcher-kva.example") == known.find("Bücher.example") is not None


@given(st.text(max_size=300))
def test_normal_form_is_its_own_normal_form(host: str) -> None:
    name = normal(host)
    if name is not None:
        assert normal(name) == name
        assert next(parents(name)) == name
        assert len(name) <= 253


LABEL = st.sampled_from(["a", "b", "ab", "x-1"])
NAME = st.lists(LABEL, min_size=1, max_size=4).map(lambda labels: ".".join([*labels, "example"]))


@given(st.sets(NAME, min_size=1, max_size=6), st.sets(NAME, max_size=4), NAME)
def test_what_is_found_is_what_a_reader_of_the_list_would_say(suffixes: set[str], exact: set[str], host: str) -> None:
    groups = {f"s{number}": {"suffixes": [name]} for number, name in enumerate(sorted(suffixes))}
    groups |= {f"e{number}": {"exact": [name]} for number, name in enumerate(sorted(exact))}
    around = [name for name in suffixes if host == name or host.endswith(f".{name}")]
    found = catalogue(**groups).find(host)
    if host in exact:
        assert found is not None
        assert (found.kind, found.entry) == ("exact", host)
    elif around:
        assert found is not None
        assert (found.kind, found.entry) == ("suffix", max(around, key=len))
    else:
        assert found is None
