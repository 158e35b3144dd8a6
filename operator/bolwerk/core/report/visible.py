"""Makes a text that anybody may have written harmless to show: one line, of characters that can be seen.

A terminal obeys control characters, and a reader believes what bidirectional overrides show. Both become visible.
"""

from __future__ import annotations

import unicodedata

__all__ = ["NOTHING", "visible"]

NOTHING = "—"
"""Stands where there is nothing to show."""

_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str) -> str:
    r"""Return a text on one line, single spaces between its words, invisible characters written as `\u200b`."""
    words = " ".join(text.split()).split(" ")
    return " ".join("".join(map(_shown, word)) for word in words) or NOTHING


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _ESCAPED:
        return character
    number = ord(character)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"  # noqa: PLR2004 - Python's own two forms
