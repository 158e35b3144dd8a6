"""The pods of a namespace, parted by which of several label selectors select them.

Like `unselected`, which parts off only those that none selects: told apart by one label after the other, until it is
known of every selector whether it selects the pods that are left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from bolwerk.core.egress.backends.unselected import (
    ABSENT,
    OTHER,
    Selector,
    expressions_of,
    meets,
    requirements,
)

__all__ = ["Region", "regions"]

LARGEST_TREE = 2000
"""Nodes, as in `unselected`."""

Open: TypeAlias = frozenset[tuple[int, Selector]]
"""By number, what is left to ask of the selectors that may still select."""


@dataclass(frozen=True, slots=True)
class Region:
    """Some pods.

    Attributes
    ----------
    expressions
        Which: a conjunction of expressions of a label selector.
    selected_by
        The numbers of the selectors that select them; no other does.
    """

    expressions: tuple[dict[str, Any], ...]
    selected_by: frozenset[int]


class _TooManyError(Exception):
    """The tree grows too large."""


def regions(selectors: Sequence[Mapping[str, Any]], *, largest: int) -> tuple[Region, ...] | None:
    """Part all pods into regions that do not overlap; None where more than `largest` would be needed."""
    found: list[Region] = []
    asked = frozenset((number, requirements(each)) for number, each in enumerate(selectors))
    try:
        for region in _leaves(asked, (), frozenset(), [LARGEST_TREE]):
            found.append(region)
            if len(found) > largest:
                return None
    except _TooManyError:
        return None
    return tuple(found)


def _leaves(
    asked: Open, way: tuple[dict[str, Any], ...], selected_by: frozenset[int], budget: list[int]
) -> Iterator[Region]:
    selected_by |= {number for number, left in asked if not left}
    asked = frozenset((number, left) for number, left in asked if left)
    if not asked:
        yield Region(way, selected_by)
        return
    budget[0] -= 1
    if budget[0] < 0:
        raise _TooManyError
    key = _most_asked(asked)
    for expressions, left in _branches(key, asked):
        yield from _leaves(left, (*way, *expressions), selected_by, budget)


def _most_asked(asked: Open) -> str:
    """Return the label that most selectors ask for; of several, the one that parts the least."""
    counted = Counter(key for _, left in asked for key in {key for key, _, _ in left})
    values: dict[str, set[str]] = {}
    for _, left in asked:
        for key, _, named in left:
            values.setdefault(key, set()).update(named)
    return min(counted, key=lambda key: (-counted[key], len(values[key]), key))


def _branches(key: str, asked: Open) -> Iterator[tuple[tuple[dict[str, Any], ...], Open]]:
    """Yield what a label may be, as expressions, with the selectors that agree with that."""
    named = sorted({value for _, left in asked for each, _, values in left if each == key for value in values})
    alike: dict[Open, list[str | None]] = {}
    for value in (ABSENT, OTHER, *named):
        agreeing = frozenset(
            (number, frozenset(each for each in left if each[0] != key))
            for number, left in asked
            if all(meets(value, each) for each in left if each[0] == key)
        )
        alike.setdefault(agreeing, []).append(value)
    for agreeing, values in alike.items():
        for expressions in expressions_of(key, values, named):
            yield expressions, agreeing
