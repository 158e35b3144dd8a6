"""Patterns: what is refused and why, and that none takes long, whatever is thrown at it."""

from __future__ import annotations

import contextlib
import re

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from bolwerk.core.catalogue.patterns import PatternError, compiled


@pytest.mark.parametrize(
    ("text", "want_domain", "want_match", "want_none"),
    [
        (r"^a\.b\.example$", "b.example", "a.b.example", "xa.b.example"),
        (r"^(api|chat)\.b\.example$", "b.example", "chat.b.example", "chat.b.example.org"),
        (r"^(?:x-)?[a-z0-9-]+\.rt\.b\.example$", "rt.b.example", "x-1.rt.b.example", "x.y.rt.b.example"),
        (r"^[a-z]{2,4}_v\.b\.example$", "b.example", "eu_v.b.example", "e_v.b.example"),
    ],
)
def test_a_good_pattern_knows_its_domain(text: str, want_domain: str, want_match: str, want_none: str) -> None:
    pattern = compiled(text)
    assert pattern.domain == want_domain
    assert pattern.matches(want_match)
    assert not pattern.matches(want_none)
    assert not pattern.matches(f"{want_match}\n")


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param(r"a\.b\.example$", "not anchored", id="no ^"),
        pytest.param(r"^a\.b\.example", "not anchored", id="no $"),
        pytest.param(r"^a|b\.c\.example$", "outside parentheses", id="an alternative that escapes the anchor"),
        pytest.param(r"^(a)|(b)\.c\.example$", "outside parentheses", id="an alternative between groups"),
        pytest.param(r"^a.b\.c\.example$", "bare dot", id="a dot that means anything"),
        pytest.param(r"^.*\.c\.example$", "bare dot", id="all of a domain"),
        pytest.param(r"^[^x]\.c\.example$", "negated class", id="a class that matches dots"),
        pytest.param(r"^[a-z\.]\.c\.example$", "backslash in a class", id="an escape in a class"),
        pytest.param(r"^[](a]|b\.c\.example$", "which ] stands first", id="a class that begins with its end"),
        pytest.param(r"^[[:alpha:](]|b\.c\.example$", "[ in a class", id="a class in a class"),
        pytest.param(r"^\d\.c\.example$", "only \\. is known", id="an escape of Perl's"),
        pytest.param(r"^\Ca\.c\.example$", "no host name has", id="an escape that RE2 has and Go has not"),
        pytest.param(r"^(?=a)a\.c\.example$", "no host name has", id="a look-ahead"),
        pytest.param(r"^(?i)a\.c\.example$", "flags or a look-around", id="flags"),
        pytest.param(r"^A\.c\.example$", "no host name has", id="upper case"),
        pytest.param(r"^é\.c\.example$", "no host name has", id="not ASCII"),
        pytest.param("^a\\.c\\.example\n$", "no host name has", id="a line end"),
        pytest.param(r"^a$\.c\.example$", "in the middle", id="an anchor in the middle"),
        pytest.param(r"^a\.example$", "literal domain of two labels", id="a top-level domain"),
        pytest.param(r"^a\.(b\.example|c\.example)$", "literal domain of two labels", id="two domains"),
        pytest.param(r"^(a\.b\.example$", "refused by RE2", id="unbalanced"),
        pytest.param(r"^a{2000}\.b\.example$", "refused by RE2", id="a repetition without bound"),
        pytest.param(r"^((a{100}){100}){100}\.b\.example$", "refused by RE2", id="repetitions that multiply"),
        pytest.param("^" + "a" * 600 + r"\.b\.example$", "split it", id="too long to be read"),
        pytest.param("", "not anchored", id="nothing"),
    ],
)
def test_a_bad_pattern_is_refused_with_the_reason(text: str, want: str) -> None:
    with pytest.raises(PatternError, match=re.escape(want)):
        compiled(text)


@pytest.mark.parametrize(
    "text",
    [
        r"^(a+)+\.b\.example$",
        r"^(a|aa)+\.b\.example$",
        r"^([a-z]+-?)*\.b\.example$",
        r"^(a?){50}a{50}\.b\.example$",
    ],
)
def test_what_backtracks_elsewhere_is_linear_here(text: str) -> None:
    # No clock: RE2 has no backtracking to time. What is asserted is that it is RE2 which runs, on the longest name that
    # `normal` lets through and far beyond; Python's own engine would not come back from the third of these.
    pattern = compiled(text)
    assert type(pattern._program).__module__.startswith("re2")
    assert not pattern.matches("a" * 100_000 + "!.b.example")


PIECES = [*"ab-.[]()|?+*^$:", "\\.", "[a-z]", "[](]", "[[:alpha:](]", "[(]", "[)]", "(?:", "(a|b)", "{2}", "\\"]


@settings(max_examples=1000)
@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join), st.text(alphabet="ab-.(]", max_size=12))
def test_anything_is_either_refused_or_anchored_in_its_domain(middle: str, name: str) -> None:
    try:
        pattern = compiled(rf"^{middle}\.b\.example$")
    except PatternError:
        return
    for each in (name, *"ab(]:-"):
        assert not pattern.matches(each) or each.endswith(".b.example")
    assert not pattern.matches(f"{name}.org")
    assert re2.compile(pattern.text)


@given(st.text(max_size=80))
def test_no_text_does_worse_than_to_be_refused(text: str) -> None:
    with contextlib.suppress(PatternError):
        assert compiled(text).text == text
