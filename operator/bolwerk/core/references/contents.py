"""The readable values of a ConfigMap or a Secret, one at a time.

Used by `look` alone. No error that leaves here carries a value: Python's own about text and base64 do, in their
arguments, so they end here.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from bolwerk.core.kinds import SECRET, Kind

__all__ = ["LONGEST_BYTES", "TooLongError", "keys", "read"]

LONGEST_BYTES = 1024 * 1024
"""As much as a whole ConfigMap or Secret may hold, so that only a changed API server exceeds it."""


class TooLongError(Exception):
    """A value is longer than any that is looked at."""


def keys(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys of a ConfigMap or a Secret under which there is something."""
    for field in ("data", "binaryData"):
        yield from (key for key, value in (manifest.get(field) or {}).items() if value)


def read(kind: Kind, manifest: Mapping[str, Any], key: str) -> str | None:
    """Return the text under a key, or None where there is none or it is no text.

    Raises
    ------
    TooLongError
        When the value is longer than `LONGEST_BYTES`.
    """
    plain = (manifest.get("data") or {}).get(key)
    if kind != SECRET and plain is not None:
        return _bounded(plain) if isinstance(plain, str) else None
    packed = plain if kind == SECRET else (manifest.get("binaryData") or {}).get(key)
    if not isinstance(packed, str):
        return None
    return _unpacked(packed)


def _bounded(text: str) -> str:
    if len(text) > LONGEST_BYTES:
        raise TooLongError
    return text


def _unpacked(packed: str) -> str | None:
    if len(packed) > LONGEST_BYTES * 4 // 3 + 4:
        raise TooLongError
    try:
        text = base64.b64decode(packed, validate=True).decode()
    except ValueError:  # of base64 or of UTF-8
        return None
    return None if "\0" in text else text
