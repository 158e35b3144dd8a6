"""A document as Markdown for a file in Git or an issue: what others have said stands in code spans.

In a code span nothing means anything: no link, no mention, no HTML. Of the report's own words every mark is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bolwerk.core.report.document import Block, Bullets, Document, Paragraph, Quote, Record, Records, Said, Table
from bolwerk.core.report.visible import NOTHING, visible

__all__ = ["as_markdown"]

_MEANINGFUL = re.compile(r"([\\`*_{}\[\]<>#|~&!@])")


def as_markdown(document: Document) -> str:
    """Return the document as GitHub-flavoured Markdown."""
    lines = [f"# {_inline(document.title)}", ""]
    for section in document.sections:
        lines += [f"## {_inline(section.title)}", ""]
        for block in section.blocks:
            lines += [*_block(block), ""]
    return "\n".join(lines).rstrip() + "\n"


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph():
            yield _inline(block.text)
        case Quote():
            yield f"> {_inline(block.text)}"
            yield ">"
            yield f"> — {_inline(block.source)}"
        case Bullets():
            yield from (f"- {_inline(item)}" for item in block.items)
        case Records():
            for number, record in enumerate(block.items):
                yield from ("",) if number else ()
                yield from _record(record)
        case Table():
            yield f"{_inline(block.caption)}:"
            yield ""
            yield _row(block.head)
            yield "|" + " --- |" * len(block.head)
            yield from map(_row, block.rows)


def _record(record: Record) -> Iterator[str]:
    yield f"### {_inline(record.title)}"
    yield ""
    for label, value in record.fields:
        if isinstance(value, str):
            yield f"- **{_inline(label)}**: {_inline(value)}"
        elif not value:
            yield f"- **{_inline(label)}**: {NOTHING}"
        else:
            yield f"- **{_inline(label)}**:"
            yield from (f"  - {_inline(item)}" for item in value)


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(map(_inline, cells)) + " |"


def _inline(text: str) -> str:
    shown = visible(text)
    return _code(shown) if isinstance(text, Said) and shown != NOTHING else _MEANINGFUL.sub(r"\\\1", shown)


def _code(text: str) -> str:
    # A bar ends a table's cell even in code, and how to escape one there, parsers do not agree on: it stands outside.
    return "&#124;".join(_span(piece) if piece else "" for piece in text.split("|"))


def _span(text: str) -> str:
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text.strip() and (text[0] in "` " or text[-1] in "` ") else ""
    return f"{fence}{pad}{text}{pad}{fence}"
