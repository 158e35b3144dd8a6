"""The host names and addresses that a text names, whatever it is: a bare value, a list, YAML, JSON, an ini or env file.

Nothing is parsed: a format that somebody invents tomorrow names its hosts between characters that no host name has.
Linear in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

__all__ = ["hosts"]

LONGEST_NAME = 253
# Slashes and line ends as JSON and shells write them inside of strings, quoted once or several times over.
# (Each pattern may start only where its first characters do, or a long run of them would take time by its square.)
_SLASH = re.compile(r"(?<!\\)\\++/")
_LINE_END = re.compile(r"(?<!\\)\\++[nrt]")
# What a whole line says after one of these is said to people, in all formats that have comments.
_COMMENT = re.compile(r"^[ \t]*(?:#|;|// ).*$", re.MULTILINE)
_DOTTED = re.compile(r"(?<![a-z0-9_-])[a-z0-9_-]++(?:\.[a-z0-9_-]++)+")
_BRACKETED = re.compile(r"//(?:[^\s/@\"'\[\]]{0,512}@)?\[([0-9a-f:.]{2,45})\]")
_NUMBERS = re.compile(r"[0-9.]+")
_USER = re.compile(r"//[^\s/@\"'<>]{0,512}@$")
_LONGEST_USER = 516


def hosts(text: str) -> frozenset[str]:
    """Return the hosts that a text names, in lower case.

    Names are found anywhere but in paths, mail addresses and comments that fill a line; addresses only where a URL or a
    port makes them a place to connect to.
    """
    if not text.isascii():  # full-width letters and dots, which clients take for plain ones
        text = unicodedata.normalize("NFKC", text).replace("\u3002", ".")
    found = set(_hosts(text))
    if "%" in text:  # a URL inside of another one
        found.update(_hosts(unquote(text, errors="replace")))
    return frozenset(found)


def _hosts(text: str) -> Iterator[str]:
    # Comments first: what a line end inside of a string begins is no line, and goes on behind the string.
    text = _LINE_END.sub(" ", _SLASH.sub("/", _COMMENT.sub("", text.lower())))
    for match in _DOTTED.finditer(text):
        host = match[0].strip("-_")
        before, after = text[max(0, match.start() - 2) : match.start()], text[match.end() : match.end() + 2]
        if len(host) > LONGEST_NAME or after[:1] == "@" or (before[-1:] == "/" and before != "//"):
            continue
        in_url = before == "//"
        if before[-1:] == "@":
            in_url = _USER.search(text, max(0, match.start() - _LONGEST_USER), match.start()) is not None
            if not in_url:
                continue  # a mail address
        if _NUMBERS.fullmatch(host) and not in_url and not re.match(r":\d", after):
            continue  # a version
        yield host
    for match in _BRACKETED.finditer(text):
        yield match[1]
