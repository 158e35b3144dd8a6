"""The pods that none of several label selectors selects, as selectors again.

Kubernetes has neither `not` nor `or` within a selector. So the pods are told apart by one label after the other, as
in a decision tree: whoever no selector can select any more, at a leaf, is described by the way to it. Selectors that
share a key, as those of one chart or one team do, then need about one term each and not a product of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

__all__ = ["ABSENT", "OTHER", "Requirement", "Selector", "expressions_of", "meets", "requirements", "unselected"]

Requirement: TypeAlias = tuple[str, str, frozenset[str]]
"""Key, operator, values."""
Selector: TypeAlias = frozenset[Requirement]

ABSENT: Final = None
"""Stands for not having the label."""
OTHER: Final = "*"
"""Stands for the values that no selector names; no label has this one."""
LARGEST_TREE = 2000
"""Nodes. Whether a tree has any leaf is a hard question, so that somebody could ask it on purpose."""


class _TooManyError(Exception):
    """The tree grows too large."""


def unselected(selectors: Iterable[Mapping[str, Any]], *, largest: int) -> tuple[dict[str, Any], ...] | None:
    """Return selectors that together select exactly the pods that none of `selectors` selects.

    Returns
    -------
    tuple of dict or None
        None where more than `largest` would be needed; nothing where there are no such pods.
    """
    terms: list[dict[str, Any]] = []
    try:
        for expressions in _leaves(frozenset(requirements(each) for each in selectors), (), [LARGEST_TREE]):
            terms.append({"matchExpressions": list(expressions)} if expressions else {})
            if len(terms) > largest:
                return None
    except _TooManyError:
        return None
    return tuple(terms)


def requirements(selector: Mapping[str, Any]) -> Selector:
    """Return all that a label selector asks for."""
    exact = (selector.get("matchLabels") or {}).items()
    return frozenset(
        [
            *((key, "In", frozenset([value])) for key, value in exact),
            *(
                (each["key"], each["operator"], frozenset(each.get("values") or ()))
                for each in selector.get("matchExpressions") or ()
            ),
        ]
    )


def _leaves(
    selectors: frozenset[Selector], way: tuple[dict[str, Any], ...], budget: list[int]
) -> Iterator[tuple[dict[str, Any], ...]]:
    """Walk the tree: `selectors` are what is left of those that the labels on the `way` agree with."""
    if frozenset() in selectors:
        return  # that one asks for nothing more: it selects every pod from here on
    if not selectors:
        yield way
        return
    budget[0] -= 1
    if budget[0] < 0:
        raise _TooManyError
    key = _most_asked(selectors)
    for expressions, left in _branches(key, selectors):
        yield from _leaves(left, (*way, *expressions), budget)


def _most_asked(selectors: frozenset[Selector]) -> str:
    asked = Counter(key for selector in selectors for key in {key for key, _, _ in selector})
    return min(asked, key=lambda key: (-asked[key], key))


def _branches(
    key: str, selectors: frozenset[Selector]
) -> Iterator[tuple[tuple[dict[str, Any], ...], frozenset[Selector]]]:
    """Yield what a label may be, as expressions, with what is left of the selectors that agree with that."""
    named = sorted(
        {value for selector in selectors for asked, _, values in selector if asked == key for value in values}
    )
    alike: dict[frozenset[Selector], list[str | None]] = {}
    for value in (ABSENT, OTHER, *named):
        left = frozenset(
            frozenset(each for each in selector if each[0] != key)
            for selector in selectors
            if all(meets(value, each) for each in selector if each[0] == key)
        )
        alike.setdefault(left, []).append(value)
    for left, values in alike.items():
        for expressions in expressions_of(key, values, named):
            yield expressions, left


def meets(value: str | None, requirement: Requirement) -> bool:
    """Whether a label's value, `ABSENT` or `OTHER` meets one of these."""
    _, operator, values = requirement
    match operator:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not ABSENT
        case "DoesNotExist":
            return value is ABSENT
        case _:
            raise ValueError(f"label selectors have no operator {operator!r}")


def expressions_of(key: str, values: list[str | None], named: list[str]) -> Iterator[tuple[dict[str, Any], ...]]:
    """Yield the conjunctions that say together: the label `key` is one of `values`."""
    exists = {"key": key, "operator": "Exists"}
    absent = {"key": key, "operator": "DoesNotExist"}
    if OTHER in values:
        rest = [value for value in named if value not in values]
        others = ({"key": key, "operator": "NotIn", "values": rest},) if rest else ()
        yield others if ABSENT in values else (exists, *others)
        return
    if ABSENT in values:
        yield (absent,)
    present = [value for value in values if value is not ABSENT]
    if present:
        yield ({"key": key, "operator": "In", "values": present},)
