"""A document for a terminal and for paper: plain text in which only the report's own words stand at the left edge."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from bolwerk.core.report.document import Block, Bullets, Document, Paragraph, Quote, Record, Records, Table, Value
from bolwerk.core.report.visible import visible

__all__ = ["as_text"]

WIDTH = 110
LABEL_WIDTH = 24


def as_text(document: Document) -> str:
    """Return the document as plain text."""
    lines = [document.title, "=" * len(document.title), ""]
    for section in document.sections:
        lines += [section.title, "-" * len(section.title), ""]
        for block in section.blocks:
            lines += [*_block(block), ""]
    return "\n".join(lines).rstrip() + "\n"


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph():
            yield from _wrapped(block.text, "  ", "  ")
        case Quote():
            yield from _wrapped(f"“{block.text}”", "  ", "  ")
            yield from _wrapped(f"— {block.source}", "  ", "    ")
        case Bullets():
            for item in block.items:
                yield from _wrapped(item, "  - ", "    ")
        case Records():
            for number, record in enumerate(block.items):
                yield from ("",) if number else ()
                yield from _record(record)
        case Table():
            yield from _table(block)


def _record(record: Record) -> Iterator[str]:
    yield from _wrapped(record.title, "  * ", "    ")
    for label, value in record.fields:
        for number, item in enumerate(_items(value)):
            first = f"    {'' if number else label:<{LABEL_WIDTH}}"
            yield from _wrapped(item, first, " " * (4 + LABEL_WIDTH))


def _table(table: Table) -> Iterator[str]:
    yield f"  {table.caption}"
    rows = [tuple(map(visible, row)) for row in (table.head, *table.rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.head))]
    for number, row in enumerate(rows):
        yield "    " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        if not number:
            yield "    " + "  ".join("-" * width for width in widths)


def _items(value: Value) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else (value or ("",))


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    # Names and digests stay whole: people copy them.
    return textwrap.wrap(
        visible(text),
        width=WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
