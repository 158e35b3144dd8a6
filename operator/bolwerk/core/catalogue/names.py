"""Host names as the catalogue compares them: lower case, A-labels, no trailing dot.

Used by everything that looks a name up or writes one into a rule. Knows nothing of groups.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["LONGEST_NAME", "NAME", "normal", "parents"]

LONGEST_NAME = 253
"""Characters of a DNS name without its trailing dot (RFC 1035, 3.1)."""

NAME = r"^([a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?\.)+[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
"""A name of at least two labels. Underscores occur in real host names, if not in those of the standard."""

_LABELS = re.compile(r"([a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?)*")


def normal(host: str) -> str | None:
    """Return a host name in the catalogue's form, or None if it is none.

    Unicode is turned into A-labels as clients do it, full-width letters and dots included: a name must not pass
    because it is written strangely.
    """
    if len(host) > 4 * LONGEST_NAME:
        return None
    name = host
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    name = name.removesuffix(".").lower()
    return name if len(name) <= LONGEST_NAME and _LABELS.fullmatch(name) else None


def parents(name: str) -> Iterator[str]:
    """Yield the name, then every domain above it, the longest first."""
    yield name
    while "." in name:
        name = name.partition(".")[2]
        yield name
