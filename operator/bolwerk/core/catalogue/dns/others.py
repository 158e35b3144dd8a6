"""A regular expression for the names of a domain but for some: RE2 has no negation, so it has to be spelled out.

Used where a policy refuses a domain and spares a name in it. CoreDNS can only be told what to refuse, and passes on to
its other plugins what no block matches. (Since 1.15 a template may have a condition; older ones do not start with it.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

__all__ = ["others"]


@dataclass(slots=True)
class _Node:
    """One name on the way from the domain to the spared names."""

    below: dict[str, _Node] = field(default_factory=dict)
    spared: bool = False
    spared_below: bool = False


def others(domain: str, *, exact: Iterable[str], suffixes: Iterable[str]) -> list[str]:
    """Return patterns, on names with their trailing dot, that together match what is in a domain and not spared.

    Parameters
    ----------
    exact, suffixes
        The spared names, alone or with everything under them; all of them in the domain.
    """
    root = _Node()
    for name in exact:
        _at(root, domain, name).spared = True
    for name in suffixes:
        node = _at(root, domain, name)
        node.spared = node.spared_below = True
    return list(_patterns(root, re.escape(f"{domain}.")))


def _at(root: _Node, domain: str, name: str) -> _Node:
    node = root
    for label in reversed(name.removesuffix(domain).rstrip(".").split(".")):
        if label:
            node = node.below.setdefault(label, _Node())
    return node


def _patterns(node: _Node, tail: str) -> Iterator[str]:
    if not node.spared:
        yield f"^{tail}$"
    if node.spared_below:
        return
    if not node.below:
        yield f"^.+\\.{tail}$"
        return
    yield rf"^(?:.+\.)?{_word({'', *node.below})}\.{tail}$"
    for label, below in sorted(node.below.items()):
        yield from _patterns(below, rf"{re.escape(label)}\.{tail}")


def _word(refused: set[str]) -> str:
    """Return a group that matches every string without a dot but these."""
    firsts = sorted({word[0] for word in refused if word}, key=lambda letter: (letter == "-", letter))
    if not firsts:
        return "[^.]+" if "" in refused else "[^.]*"
    options = [f"[^.{''.join(firsts)}][^.]*"] + [
        re.escape(first) + _word({word[1:] for word in refused if word.startswith(first)}) for first in firsts
    ]
    return f"(?:{'|'.join(options if '' in refused else [*options, ''])})"
