"""The page by itself: nothing is fetched, everybody can read it, and a template that lacks something is refused."""

from __future__ import annotations

import itertools
import re
from html.parser import HTMLParser

import pytest
from jinja2 import UndefinedError

from bolwerk.core.report.page import as_html
from bolwerk.core.report.report import report
from bolwerk.core.report.told import told
from bolwerk.data import report_template
from report.cluster import NOW, world

PAGE = as_html(told(report(world(), NOW)), report_template())
ENOUGH = 4.5  # WCAG 2.2, 1.4.3, for text of any size
FETCHING = {"src", "srcset", "data", "poster", "action", "background", "xlink:href"}
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Elements(HTMLParser):
    """Collects elements with their attributes, and what is still open at each."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self.open: list[str] = []
        self.feed(PAGE)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


ELEMENTS = Elements()


def of(tag: str) -> list[dict[str, str | None]]:
    return [attributes for name, attributes, _ in ELEMENTS.seen if name == tag]


def test_every_element_is_closed_where_it_was_opened() -> None:
    assert not ELEMENTS.open


def test_nothing_is_fetched_and_no_script_runs() -> None:
    assert not [(tag, found) for tag, found, _ in ELEMENTS.seen if FETCHING & found.keys() or tag in ("script", "link")]
    assert all((found["href"] or "").startswith("#") for found in of("a"))
    assert "url(" not in PAGE
    assert "@import" not in PAGE
    policies = [found["content"] for found in of("meta") if found.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    assert (policies[0] or "").startswith("default-src 'none'; style-src 'unsafe-inline'")


def test_languages_are_told() -> None:
    assert of("html") == [{"lang": "en"}]
    assert {"lang": "nl"} in of("p")


def test_headings_step_down_one_by_one() -> None:
    levels = [int(tag[1]) for tag, _, _ in ELEMENTS.seen if re.fullmatch(r"h[1-6]", tag)]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(levels))


def test_every_header_of_a_table_says_what_it_heads() -> None:
    scopes = [found.get("scope") for found in of("th")]

    assert scopes
    assert set(scopes) == {"col", "row"}


def test_every_link_leads_somewhere() -> None:
    identities = [found["id"] for _, found, _ in ELEMENTS.seen if "id" in found]

    assert len(identities) == len(set(identities))
    assert {(found["href"] or "")[1:] for found in of("a")} <= set(identities)


def palettes() -> list[dict[str, str]]:
    return [dict(re.findall(r"--(\w+): (#[0-9a-f]+)", block)) for block in re.findall(r":root \{([^}]*)\}", PAGE)]


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * each for each in colour[1:])
    parts = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark", "paper"])
def test_every_text_stands_out_from_what_is_behind_it(palette: dict[str, str]) -> None:
    for ink in ("ink", "soft", "mark"):
        for paper in ("paper", "band"):
            darker, lighter = sorted((luminance(palette[ink]), luminance(palette[paper])))
            assert (lighter + 0.05) / (darker + 0.05) >= ENOUGH, (ink, paper)


def test_what_a_template_does_not_get_is_an_error_and_no_gap() -> None:
    with pytest.raises(UndefinedError):
        as_html(told(report(world(), NOW)), "{{ document.verdict }}{{ missing }}")
