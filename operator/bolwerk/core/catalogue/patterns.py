"""Regular expressions over host names, in a grammar that RE2, Go and CEL read alike.

They are matched by RE2 here too, so neither a pattern nor a name can make it take more than linear time. The grammar is
narrower than RE2's: a pattern has to say where it begins and ends, and in which domain, because a name server can only
be asked about domains.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import re2

__all__ = ["LONGEST_PATTERN", "Pattern", "PatternError", "compiled"]

LONGEST_PATTERN = 512
"""Characters. CoreDNS takes 10,000 (plugin/template/setup.go); nobody can review that many."""

_ALPHABET = re.compile(r"[-a-z0-9_\\.\[\]()|?+*{},^$:]*")
_DOMAIN = re.compile(r"(?:\\\.[a-z0-9-]+){2,}\$\Z")
_PART = re.compile(r"\\.?|\[\^?\]?[^\]]*\]?|\(\?.?|.")
_REFUSED = (
    (re.compile(r"\\[^.]?"), "has a backslash before something other than a dot; only \\. is known"),
    (re.compile(r"\[\^.*"), "has a negated class, which also matches dots; write [a-z0-9-]"),
    (re.compile(r"\[\].*"), "has a class in which ] stands first"),
    (re.compile(r"\[.*\[.*"), "has a [ in a class"),
    (re.compile(r"\[.*\\.*"), "has a backslash in a class, where a dot needs none"),
    (re.compile(r"\(\?[^:]?"), "has a group with flags or a look-around; only ( and (?: are known"),
    (re.compile(r"\."), "has a bare dot, which matches anything; write \\. for a dot, [a-z0-9-] for a character"),
    (re.compile(r"[\^$]"), "has ^ or $ in the middle; ^ stands first and $ last"),
)
_MEMORY_BYTES = 1 << 20


class PatternError(ValueError):
    """A pattern cannot be used; the message says why and what to write instead."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern, ready to match.

    Attributes
    ----------
    text
        As it stands in the catalogue.
    domain
        The domain that every name it matches is in.
    """

    text: str
    domain: str
    _program: Any

    def matches(self, name: str) -> bool:
        """Tell whether a name in normal form matches; linear in its length."""
        return self._program.search(name) is not None


def compiled(text: str) -> Pattern:
    """Check a pattern and make it ready.

    Raises
    ------
    PatternError
        If RE2 refuses it, or it says too little about where it begins, ends, or belongs.
    """
    if len(text) > LONGEST_PATTERN:
        raise PatternError(f"has {len(text)} characters; split it into patterns of at most {LONGEST_PATTERN}")
    if not (text.startswith("^") and text.endswith("$")):
        raise PatternError("is not anchored: it has to begin with ^ and end with $, or it matches inside other names")
    if not _ALPHABET.fullmatch(text):
        raise PatternError("has characters that no host name has: write lower case, digits, - and \\. for a dot")
    _check_structure(text[1:-1])
    domain = _DOMAIN.search(text)
    if domain is None:
        raise PatternError(
            "does not end in a literal domain of two labels or more, such as \\.example\\.com$:"
            " write one pattern for each domain"
        )
    options = re2.Options()
    options.max_mem = _MEMORY_BYTES
    options.log_errors = False
    try:
        program = re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        raise PatternError(f"is refused by RE2: {reason.decode() if isinstance(reason, bytes) else reason}") from error
    return Pattern(text, domain.group()[2:-1].replace("\\.", "."), program)


def _check_structure(inside: str) -> None:
    """Refuse what would match more than it seems to."""
    depth = 0
    for part in _PART.findall(inside):
        for refused, reason in _REFUSED:
            if refused.fullmatch(part):
                raise PatternError(reason)
        depth += part.startswith("(") - (part == ")")
        if part == "|" and depth == 0:
            raise PatternError("has | outside parentheses, where the anchors do not hold; write ^(one|other)…$")
