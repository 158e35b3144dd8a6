"""The shape of what people read, whatever the format: sections of paragraphs, lists, records and tables.

`told` writes a report down in it, `text`, `markdown` and `page` show it. Whatever comes from a cluster is `Said`, so
that each format can keep it apart from the report's own words; all of it goes through `visible` when it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

__all__ = [
    "Block",
    "Bullets",
    "Document",
    "Paragraph",
    "Quote",
    "Record",
    "Records",
    "Said",
    "Section",
    "Table",
    "Value",
]


class Said(str):
    """A text that somebody else has written."""

    __slots__ = ()


Value: TypeAlias = str | tuple[str, ...]
"""One text, or several of which each gets a line; a text is `Said` or the report's own."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence or more."""

    kind: ClassVar = "paragraph"
    text: str


@dataclass(frozen=True, slots=True)
class Quote:
    """Somebody's words, in their language."""

    kind: ClassVar = "quote"
    text: str
    language: str
    source: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of sentences."""

    kind: ClassVar = "bullets"
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """One thing with its fields."""

    title: str
    fields: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class Records:
    """Things that are too long for a table."""

    kind: ClassVar = "records"
    items: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Short things, one a row."""

    kind: ClassVar = "table"
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block: TypeAlias = Paragraph | Quote | Bullets | Records | Table


@dataclass(frozen=True, slots=True)
class Section:
    """A part under a heading of its own."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """The whole."""

    title: str
    sections: tuple[Section, ...]
