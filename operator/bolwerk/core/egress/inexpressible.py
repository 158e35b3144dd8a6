"""What a backend cannot express of a hole: it leaves that closed and says so.

Called by the renderers. What is left of a hole is less than was asked for, never more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from bolwerk.core.egress.hole import Hole, Unopened
from bolwerk.core.egress.intent import Intent

__all__ = ["Narrowing", "addresses_only", "closed", "listed", "narrowed", "pods_by_labels"]

FEW = 3

Narrowing = Callable[[Hole], tuple[Hole, str | None]]
"""What is left of a hole, and what is to be said of the rest."""


def closed(hole: Hole) -> Hole:
    """Return a hole of which nothing is left."""
    return replace(hole, networks=(), domains=())


def pods_by_labels(backend: str) -> Narrowing:
    """Return the narrowing for backends that know pods only by their labels."""

    def narrow(hole: Hole) -> tuple[Hole, str | None]:
        if hole.service_account is None:
            return hole, None
        return closed(hole), (
            f"{backend} does not know which ServiceAccount a pod runs as, so this exception opens nothing; select the "
            "pods by labels with spec.subject.podSelector."
        )

    return narrow


def addresses_only(backend: str) -> Narrowing:
    """Return the narrowing for backends that decide by address and not by name."""

    def narrow(hole: Hole) -> tuple[Hole, str | None]:
        if not hole.domains:
            return hole, None
        shown = listed(domain for domain, _ in hole.domains)
        return replace(hole, domains=()), (
            f"{backend} decides by address and knows no names, so {shown} stays closed; ask for the provider's fixed "
            "networks or for a proxy that checks names, or let Cilium hold the wall."
        )

    return narrow


def narrowed(intent: Intent, *narrowings: Narrowing) -> tuple[tuple[Hole, ...], tuple[Unopened, ...]]:
    """Return what is left of the intent's holes, and what stays closed."""
    opened: list[Hole] = []
    unopened: list[Unopened] = []
    for hole in intent.holes:
        left = hole
        for narrow in narrowings:
            if left.empty:
                break
            left, sentence = narrow(left)
            if sentence:
                unopened.append((hole, sentence))
        if not left.empty:
            opened.append(left)
    return tuple(opened), tuple(unopened)


def listed(names: Iterable[str]) -> str:
    """Return the first few names, for a sentence."""
    first = tuple(names)
    return ", ".join(first[:FEW]) + (", …" if len(first) > FEW else "")
