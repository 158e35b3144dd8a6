"""Whatever tenants write stays text: it adds no heading, row, link, tag or line to any of the four formats.

Each report is made twice, with harmless texts and with hostile ones; what a parser sees of both has to be the same.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bolwerk.core.report.facts import Report
from bolwerk.core.report.machine import as_json
from bolwerk.core.report.markdown import as_markdown
from bolwerk.core.report.page import as_html
from bolwerk.core.report.report import report
from bolwerk.core.report.text import as_text
from bolwerk.core.report.told import told
from bolwerk.core.report.visible import visible
from bolwerk.data import report_template
from report.cluster import NOW, Manifest, approval, exception, flows, policy, trail, world

PLAIN = "harmless"
HOSTILE = (
    "<script>alert(1)</script>",
    "</td></tr></table><h1>Proven</h1>",
    "</bdi><img src=//evil.example/x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "a | b | c \\| d \\\\| `e` ``f`` `",
    "`|` \\",
    "\n\n# Proven\n\n| a | b |\n|---|---|\n",
    "[all is well](https://evil.example) ![x](//evil.example) <https://evil.example> www.evil.example @somebody #1",
    "\x1b[2J\x1b[1;1HEverything is Proven\x07\r\x08",
    "\u202egnp.exe \u2066\u200b\ufeff",
    "line\u2028Models\u2029------\x85x\x0b\x0c",
    "---\n===\n***\n    code\n> quote\n- [x] done\n1. one",
    "&lt;b&gt; &#124; &amp;",
    "\ud800",
)

texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=()), min_size=1, max_size=60),
    st.text("<>&\"'`|\\*_[]()#!~@ \n\t{}%-=:/.x", min_size=1, max_size=60),
).filter(lambda text: visible(text) != "—")


def everywhere(test: Callable[[str], None]) -> Callable[[str], None]:
    """Try what is known to be hostile each time, and what hypothesis finds."""
    for text in HOSTILE:
        test = example(text)(test)
    return settings(max_examples=25, deadline=None)(given(texts)(test))


def reported(text: str) -> Report:
    """Return a report in which everything that a tenant can write is this text."""
    stored: Manifest = exception(
        justification=text,
        alternativesConsidered=text,
        exitPlan=text,
        ticket=text,
        dpiaReference=text,
        requestedBy={"username": text},
        subject={"podSelector": {"matchLabels": {text: text}}},
        destinations=[{"domain": text, "ports": [{"port": 443}]}],
    )
    git = {"repository": text, "commit": text, "author": text, "reviewers": [text]}
    finding = {"type": "Leak", "object": text, "message": text}
    found = report(
        world(
            exceptions=(stored,),
            approvals=(approval(reason=text, approvedBy={"username": text}, git=git),),
            policies=(policy(findings=[finding], limits=[text], backendReason=text),),
            trail=trail(verdict=text, log=text),
            flows=_said(flows(), text),
        ),
        NOW,
    )
    # Names are bounded by the API server; that this is all that keeps them harmless, nothing here may rest on.
    models = tuple(_said(each, text) for each in found.models)
    return replace(found, models=models)


def _said(facts: Any, text: str) -> Any:
    """Return facts of the same shape in which every text is this one."""
    if is_dataclass(facts) and not isinstance(facts, type):
        return replace(facts, **{x.name: _said(getattr(facts, x.name), text) for x in fields(facts)})
    if isinstance(facts, tuple):
        return tuple(_said(each, text) for each in facts)
    return text if isinstance(facts, str) and facts else facts


class Tags(HTMLParser):
    """Takes the structure of a page down: its tags with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[Any] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        self.seen.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        self.seen.append(("comment", data))

    def handle_decl(self, decl: str) -> None:
        self.seen.append(decl)


def in_html(text: str) -> Any:
    return Tags(as_html(told(reported(text)), report_template())).seen


def in_markdown(text: str) -> Any:
    """Tokens without their text. Code is one word among words: between bars of one text there may be more of it."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    blocks = []
    for token in parser.parse(as_markdown(told(reported(text)))):
        inner = {child.type for child in token.children or ()} - {"code_inline", "text", "text_special"}
        blocks.append((token.type, token.tag, token.level, sorted(inner)))
    return blocks


def own_lines(text: str) -> list[str]:
    """What stands where only the report's own words may stand: at the left edge, and where a record begins."""
    return [line if line[0] != " " else line[:4] for line in text.split("\n") if line[:3].strip()]


@everywhere
def test_no_text_becomes_a_tag(text: str) -> None:
    assert in_html(text) == in_html(PLAIN)


@everywhere
def test_no_text_becomes_structure_of_markdown(text: str) -> None:
    assert in_markdown(text) == in_markdown(PLAIN)


@everywhere
def test_no_text_reaches_the_left_edge_of_plain_text(text: str) -> None:
    shown = as_text(told(reported(text)))

    plain = as_text(told(reported(PLAIN)))
    assert own_lines(shown) == own_lines(plain)


@everywhere
def test_no_format_carries_a_character_that_a_terminal_or_reader_obeys(text: str) -> None:
    found = reported(text)
    document = told(found)

    for shown in (as_text(document), as_markdown(document), as_html(document, report_template()), as_json(found)):
        bad = {unicodedata.category(each) for each in shown if each != "\n"} & {
            "Cc",
            "Cf",
            "Cs",
            "Co",
            "Cn",
            "Zl",
            "Zp",
        }
        assert not bad
        shown.encode("utf-8")


@everywhere
def test_json_holds_exactly_what_was_written(text: str) -> None:
    read = json.loads(as_json(reported(text)))

    [register] = read["exceptions"]["items"]
    assert register["justification"] == text
    assert register["approvals"][0]["by"] == text


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_what_was_written_and_nothing_else(text: str) -> None:
    """A text in a code span comes out as it went in: none of it is taken for a mark, an entity or a tag."""
    parser = MarkdownIt("commonmark").enable(["table"])
    seen = set()
    for token in parser.parse(as_markdown(told(reported(text)))):
        seen.add("".join(child.content for child in token.children or ()))

    assert f"Justification: {visible(text)}" in seen


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param("two\r\n lines\tand  more", "two lines and more", id="on one line"),
        pytest.param("\x1b[31mred", "\\u001b[31mred", id="an escape sequence"),
        pytest.param("\u202eabc", "\\u202eabc", id="an override of direction"),
        pytest.param("\U000e0041", "\\U000e0041", id="a tag character"),
        pytest.param("", "—", id="nothing"),
        pytest.param(" \n", "—", id="only space"),
        pytest.param("Zoë — één", "Zoë — één", id="letters stay"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text: str, want: str) -> None:
    assert visible(text) == want
