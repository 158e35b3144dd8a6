"""Which SovereigntyPolicy governs which namespace: worked out once for all LocalModels, when a change asks for it."""

from __future__ import annotations

from collections.abc import Mapping

from bolwerk.core.kinds import NAMESPACE, SOVEREIGNTY_POLICY
from bolwerk.core.plan import Manifest
from bolwerk.core.policy.overlaps import governable, governing
from bolwerk.core.settings import Settings
from bolwerk.shell.cache import Cache, Change
from bolwerk.shell.trim import unpack

__all__ = ["KINDS", "Governance"]

KINDS = (NAMESPACE, SOVEREIGNTY_POLICY)
"""Whose changes it has to be told of."""


class Governance:
    """Answers from the cache, and remembers the answer until it is told of a change."""

    def __init__(self, cache: Cache, settings: Settings) -> None:
        self._cache = cache
        self._settings = settings
        self._by: dict[str, str] | None = None

    def note(self, change: Change) -> frozenset[str]:
        """Keep up with a change and return the namespaces of which something else governs now."""
        if change.kind == NAMESPACE:
            return self._note_namespace(change)
        old, new = change.old, change.new
        if old and new and (old.uid, old.link, old.terminating) == (new.uid, new.link, new.terminating):
            return frozenset()  # its status
        known, self._by = self._by, None
        after = self._governing()
        before = known if known is not None else after  # when nobody has asked yet, only this one is news
        either = {name for by in (before, after) for name, policy in by.items() if policy == change.key[1]}
        return frozenset({*either, *(name for name in {*before, *after} if before.get(name) != after.get(name))})

    def _note_namespace(self, change: Change) -> frozenset[str]:
        name = change.key[1]
        if self._by is None:  # nobody has asked yet
            return frozenset()
        before = self._by.pop(name, None)
        if change.new:
            self._by.update(self._worked_out([unpack(change.new.packed)]))
        return frozenset() if before == self._by.get(name) else frozenset((name,))

    def of(self, namespace: str) -> tuple[Manifest, ...]:
        """Return the policy that governs a namespace, or nothing."""
        name = self._governing().get(namespace)
        entry = self._cache.entries(SOVEREIGNTY_POLICY).get(("", name)) if name else None
        return (unpack(entry.packed),) if entry else ()

    def _governing(self) -> Mapping[str, str]:
        if self._by is None:
            self._by = self._worked_out([unpack(entry.packed) for entry in self._cache.entries(NAMESPACE).values()])
        return self._by

    def _worked_out(self, namespaces: list[Manifest]) -> dict[str, str]:
        policies = [unpack(entry.packed) for entry in self._cache.entries(SOVEREIGNTY_POLICY).values()]
        return {**governing(policies, governable(namespaces, self._settings))}
