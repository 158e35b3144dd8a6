"""Writing CEL: literals that no value can break out of, and the few idioms that every rule needs.

Used by all builders of rules. Only functions of Kubernetes 1.32 and older are used: an API server accepts in a policy
what its predecessor could evaluate too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

__all__ = ["LONGEST_LITERAL", "batches", "chunks", "items", "listed", "lookup", "regex", "same", "text", "told"]

LONGEST_LITERAL = 40_000
"""Characters; CEL's parser refuses expressions of 100,000."""


def text(value: str) -> str:
    """Return a string literal."""
    # CEL's escapes contain JSON's, but for the pairs by which ASCII writes what is beyond 16 bits.
    return json.dumps(value, ensure_ascii=False)


def told(sentence: str, *arguments: str) -> str:
    """Return the CEL for a sentence with a `%s` for each argument, which is CEL itself."""
    return f"{text(sentence)}.format([{', '.join(arguments)}])"


def regex(value: str) -> str:
    r"""Return a raw string literal, in which a person can still read `\.`.

    Raises
    ------
    ValueError
        If there is a quote in it: no expression of a host name needs one.
    """
    if "'" in value or "\n" in value:
        raise ValueError(f"a regular expression of host names has neither quotes nor line ends: {value}")
    return f"r'{value}'"


def listed(values: Iterable[str]) -> str:
    """Return a list literal."""
    return f"[{', '.join(text(value) for value in values)}]"


def lookup(values: Mapping[str, str]) -> str:
    """Return a map literal: `in` costs the same in a map of any size, and in a list a unit for each item."""
    return f"{{{', '.join(f'{text(key)}: {text(value)}' for key, value in values.items())}}}"


def chunks(values: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Cut a map into maps whose literals the API server's parser takes."""
    entries = {f"{text(key)}: {text(value)}": key for key, value in values.items()}
    for batch in batches(entries):
        yield {(key := entries[each]): values[key] for each in batch}


def batches(entries: Iterable[str]) -> Iterator[list[str]]:
    """Cut the CEL of a literal's entries into as much as the API server's parser takes at a time."""
    batch: list[str] = []
    length = 0
    for entry in entries:
        longer = len(entry) + len(", ")
        if batch and length + longer > LONGEST_LITERAL:
            yield batch
            batch, length = [], 0
        batch.append(entry)
        length += longer
    if batch:
        yield batch


def items(field: str) -> str:
    """Return the list in an optional field, such as `c.?env`, or an empty one."""
    return f"{field}.orValue([])"


def same(path: str) -> str:
    """Return the CEL for whether a path has the same value before and after. `dyn`: not every kind has every field."""
    return f"dyn(object).{path} == dyn(oldObject).{path}"
