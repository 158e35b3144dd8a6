"""The publication standard 1.0 of the Algoritmeregister: which fields there are, how long, and what may stand in them.

From `backend/app/schemas/config/v1_0.json` of MinBZK/Algoritmeregister, as of September 2025.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from typing_extensions import override

__all__ = ["FIELDS", "OF_THE_REGISTER", "VERSION", "Field", "faults"]

VERSION = "1.0"
OF_THE_REGISTER = frozenset({"lars", "publication_dt"})
"""What the register itself gives."""

TAGS = frozenset({"div", "br", "p", "ul", "ol", "li"})
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
MAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>.]+")
SECURE = "https://"


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Attributes
    ----------
    longest
        Characters at most; None where the standard sets no bound.
    permitted
        Only these; anything when empty.
    rich
        Whether the few tags of `TAGS` may stand in it.
    form
        `link`, `contact` (a mail address or link) or `month`; empty for any text.
    several
        Whether it is a list of the permitted values.
    parts
        For a list of groups: the fields of each.
    """

    longest: int | None = None
    required: bool = False
    permitted: tuple[str, ...] = ()
    rich: bool = False
    form: str = ""
    several: bool = False
    parts: Mapping[str, Field] = field(default_factory=dict)


def _long(longest: int = 2500) -> Field:
    return Field(longest, rich=True)


def _links(longest: int | None, *, link_required: bool = True) -> Field:
    return Field(
        parts={"title": Field(longest, required=True), "link": Field(500, required=link_required, form="link")}
    )


THEMES = (
    "Organisatie en bedrijfsvoering",
    "Cultuur en recreatie",
    "Economie",
    "Overheidsfinanciën",
    "Wonen",
    "Internationaal",
    "Migratie en integratie",
    "Natuur en milieu",
    "Onderwijs en wetenschap",
    "Openbare orde en veiligheid",
    "Recht",
    "Ruimte en infrastructuur",
    "Sociale zekerheid",
    "Verkeer",
    "Werk",
    "Zorg en gezondheid",
)

FIELDS: Mapping[str, Field] = {
    "name": Field(100, required=True),
    "description_short": Field(400, required=True),
    "organization": Field(100, required=True),
    "category": Field(permitted=THEMES, several=True),
    "status": Field(required=True, permitted=("In ontwikkeling", "In gebruik", "Buiten gebruik")),
    "begin_date": Field(7, form="month"),
    "end_date": Field(7, form="month"),
    "contact_email": Field(500, required=True, form="contact"),
    "website": Field(500, form="link"),
    "publication_category": Field(
        required=True, permitted=("Hoog-risico AI-systeem", "Impactvolle algoritmes", "Overige algoritmes")
    ),
    "url": Field(500, form="link"),
    "goal": _long(),
    "proportionality": _long(),
    "human_intervention": _long(),
    "risks": _long(),
    "lawful_basis": _long(),
    "lawful_basis_grouping": _links(100),
    "process_index_url": Field(500, form="link"),
    "impacttoetsen_grouping": _links(None, link_required=False),
    "impacttoetsen": _long(),
    "source_data": _long(),
    "source_data_grouping": _links(500),
    "methods_and_models": _long(5000),
    "provider": Field(200),
    "publiccode": Field(500, form="link"),
    "lang": Field(required=True, permitted=("nld",)),
    "standard_version": Field(permitted=(VERSION,)),
    "source_id": Field(100),
    "tags": _long(),
}


def faults(name: str, value: Any, of: Field | None = None) -> Iterator[str]:
    """Yield what is wrong with the value of a field, each as a sentence with the mend."""
    rule = FIELDS[name] if of is None else of
    if rule.parts:
        yield from _of_groups(name, value, rule)
    elif rule.several:
        if not isinstance(value, list):
            yield f"{name}: write a list"
            return
        for each in value:
            yield from _of_text(name, each, rule)
    else:
        yield from _of_text(name, value, rule)


def _of_groups(name: str, value: Any, rule: Field) -> Iterator[str]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        yield f"{name}: write a list of {' and '.join(rule.parts)}"
        return
    for number, group in enumerate(value):
        where = f"{name}[{number}]"
        for extra in group.keys() - rule.parts.keys():
            yield f"{where}: has no {extra}; it takes {' and '.join(rule.parts)}"
        for part, of in rule.parts.items():
            if group.get(part):
                yield from faults(f"{where}.{part}", group[part], of)
            elif of.required:
                yield f"{where}.{part}: is missing"


def _of_text(name: str, value: Any, rule: Field) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{name}: write a text, in quotes where YAML takes it for something else"
        return
    if rule.permitted and value not in rule.permitted:
        yield f"{name}: {value!r} is none of {', '.join(rule.permitted)}"
    tags = _Tags(value)
    length = tags.length if rule.rich else len(value)  # as the register counts
    if rule.longest is not None and length > rule.longest:
        yield f"{name}: has {length} characters; shorten it to {rule.longest}"
    if rule.form == "month" and not MONTH.fullmatch(value):
        yield f"{name}: write year and month, such as 2026-11"
    if rule.form == "link" and not value.startswith(SECURE):
        yield f"{name}: begin it with {SECURE}"
    if rule.form == "contact" and not (value.startswith(SECURE) or MAIL.fullmatch(value)):
        yield f"{name}: write a mail address, or a link that begins with {SECURE}"
    unwanted = sorted(tags.found - (TAGS if rule.rich else set()))
    if unwanted:
        allowed = f"allowed are {', '.join(sorted(TAGS))}" if rule.rich else "it takes plain text"
        yield f"{name}: take the tags {', '.join(unwanted)} out; {allowed}"


class _Tags(HTMLParser):
    """The tags in a text, and how long it is without them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.length = 0
        self.feed(text)
        self.close()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(f"{tag} with attributes" if attrs else tag)

    @override
    def handle_data(self, data: str) -> None:
        self.length += len(data)

    @override
    def handle_endtag(self, tag: str) -> None:
        self.found.add(tag)

    @override
    def handle_comment(self, data: str) -> None:
        self.found.add("comment")

    @override
    def handle_decl(self, decl: str) -> None:
        self.found.add("declaration")

    @override
    def handle_pi(self, data: str) -> None:
        self.found.add("processing instruction")
