"""One entry of the audit trail: BIO2's six fields, and what chains it to the entry before.

Made by the shell's trail, read by `verify`. An entry holds names and digests, never a value out of an object.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

from bolwerk.core.audit.action import Action

__all__ = [
    "GENESIS",
    "NAMED",
    "SCHEMA",
    "UNANCHORED",
    "Detail",
    "Entry",
    "Fact",
    "Head",
    "UnreadableError",
    "chain",
    "digest",
]

SCHEMA = 1
GENESIS = "0" * 64
"""What the first entry of a chain follows."""

UNANCHORED = 1024
"""How many lines may be written beyond the stored head: after a crash, the next leader cannot know of them."""

NAMED = 16
"""How many names an entry lists; a digest covers all."""

LONGEST_TEXT = 512
MOST_DETAILS = 16

Detail: TypeAlias = str | int | tuple[str, ...]

_MARK = re.compile(r'\{\s*"audit"\s*:')
_TEXTS = ("timestamp", "action", "object", "result", "origin", "actor", "previous", "hash")
_FIELDS = frozenset({"schema", "sequence", "detail", *_TEXTS})


class UnreadableError(Exception):
    """A line claims to be of the audit trail and is not a whole entry; the message says why."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that was done or found, before it is chained.

    Attributes
    ----------
    object
        Kind, namespace and name of what it is about.
    result
        What came of it: `Done`, `Refused`, `Unknown`, or a state.
    actor
        Who asked for it; empty for the operator itself.
    detail
        Names, numbers and digests.
    """

    action: Action
    object: str
    result: str = "Done"
    actor: str = ""
    detail: Mapping[str, Detail] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a chain, as far as the next one has to know it."""

    sequence: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact in its place in the chain."""

    sequence: int
    timestamp: str
    action: str
    object: str
    result: str
    origin: str
    actor: str
    detail: Mapping[str, Any]
    previous: str
    hash: str = ""
    schema: int = SCHEMA

    @property
    def head(self) -> Head:
        """What the next entry follows."""
        return Head(self.sequence, self.hash)

    @property
    def line(self) -> str:
        """The entry as it is written: one line of JSON without its end."""
        return json.dumps({"audit": {**self._content(), "hash": self.hash}}, ensure_ascii=True)

    @property
    def genuine(self) -> bool:
        """Whether the hash is that of the content."""
        return self.hash == digest(self._content())

    def _content(self) -> dict[str, Any]:
        return {
            "schema": self.schema,
            "sequence": self.sequence,
            "timestamp": self.timestamp,
            "action": self.action,
            "object": self.object,
            "result": self.result,
            "origin": self.origin,
            "actor": self.actor,
            "detail": self.detail,
            "previous": self.previous,
        }

    @classmethod
    def parse(cls, text: str) -> Entry | None:
        """Read a line of a log; None when it is no line of the audit trail.

        What a log collector puts before an entry, such as a time, is skipped.

        Raises
        ------
        UnreadableError
            When it is one, and not whole.
        """
        mark = _MARK.search(text)
        if mark is None:
            return None
        try:
            content = json.loads(text[mark.start() :], object_pairs_hook=_distinct)["audit"]
        except ValueError as error:
            raise UnreadableError(f"it is no JSON: {error}") from error
        return _entry(content)


def chain(head: Head, facts: Iterable[Fact], *, origin: str, actor: str, now: datetime) -> Iterator[Entry]:
    """Yield the entries for facts, each following the one before.

    Parameters
    ----------
    origin
        Which process tells.
    actor
        Who acted where a fact names nobody: the operator's own account.
    now
        When; aware.
    """
    timestamp = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    for fact in facts:
        entry = Entry(
            sequence=head.sequence + 1,
            timestamp=timestamp,
            action=str(fact.action),
            object=_short(fact.object),
            result=_short(fact.result),
            origin=_short(origin),
            actor=_short(fact.actor or actor),
            detail=_bounded(fact.detail),
            previous=head.hash,
        )
        entry = replace(entry, hash=digest(entry._content()))  # noqa: SLF001 - its own module
        head = entry.head
        yield entry


def digest(content: Any) -> str:
    """Return the SHA-256 of JSON in its one canonical form, as 64 hexadecimal digits."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _entry(content: Any) -> Entry:
    if not isinstance(content, dict) or content.keys() != _FIELDS:
        raise UnreadableError(f"its fields are not {', '.join(sorted(_FIELDS))}")
    if content["schema"] != SCHEMA:
        raise UnreadableError(f"its schema is {content['schema']!r}, and this version of bolwerk reads {SCHEMA}")
    texts = all(isinstance(content[name], str) for name in _TEXTS)
    if not (texts and type(content["sequence"]) is int and isinstance(content["detail"], dict)):
        raise UnreadableError("a field is of the wrong type")
    return Entry(**content)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):  # of two, readers take different ones
        raise ValueError("a field stands in it twice")
    return found


def _bounded(detail: Mapping[str, Detail]) -> dict[str, Any]:
    return {_short(name): _bounded_value(value) for name, value in list(detail.items())[:MOST_DETAILS]}


def _bounded_value(value: Detail) -> Any:
    if isinstance(value, tuple):
        return [_short(each) for each in value[:NAMED]]
    return _short(value) if isinstance(value, str) else value


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
