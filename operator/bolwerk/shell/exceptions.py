"""What the objects of the cache mean for EgressExceptions: who has approved them, and which policy opens them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from typing_extensions import override

from bolwerk.core.exceptions.holes import LARGEST_HOLES
from bolwerk.core.exceptions.observed import Observed
from bolwerk.core.kinds import EGRESS_APPROVAL, EGRESS_EXCEPTION, NAMESPACE, SOVEREIGNTY_POLICY
from bolwerk.core.plan import Manifest, Refusal
from bolwerk.shell.cache import Cache, Change, Entry, Index, Key
from bolwerk.shell.trim import unpack

__all__ = ["EgressExceptions"]

_Told = frozenset[tuple[Key, str]]
"""What a policy's status says of exceptions: of which, and what."""
_FULL: Key = ("", "")
"""It says something of so many that it is silent of others, which have to know that."""


class EgressExceptions(Index[Observed]):
    """Finds the exceptions that a change concerns; a policy's status only those of which it says something new.

    Parameters
    ----------
    skew
        Tells how far this machine's clock is ahead of the API server's.

    Attributes
    ----------
    phases
        How many exceptions are in each phase, by their status; those without one are `Unknown`.
    """

    kind = EGRESS_EXCEPTION
    kinds = (EGRESS_EXCEPTION, EGRESS_APPROVAL, SOVEREIGNTY_POLICY, NAMESPACE)

    def __init__(self, cache: Cache, *, skew: Callable[[], timedelta] = timedelta) -> None:
        super().__init__(cache)
        self._skew = skew
        self._exceptions: dict[str, Key] = {}
        self._exceptions_in: defaultdict[str, set[Key]] = defaultdict(set)
        self._approvals: defaultdict[str, set[Key]] = defaultdict(set)
        # Every decision reads all of them, so they are unpacked once.
        self._policies: dict[Key, Manifest] = {}
        self._told: dict[Key, _Told] = {}
        self.phases: Counter[str] = Counter()

    @override
    def note(self, change: Change) -> Iterable[Key]:
        if change.kind == EGRESS_EXCEPTION:
            return self._note_exception(change)
        if change.kind == EGRESS_APPROVAL:
            return self._note_approval(change)
        if change.kind == NAMESPACE:
            return tuple(self._exceptions_in.get(change.key[1], ()))
        return self._note_policy(change)

    @override
    def observe(self, key: Key, *, refusals: tuple[Refusal, ...] = ()) -> Observed | None:
        entries = self._cache.entries
        exception = entries(EGRESS_EXCEPTION).get(key)
        if exception is None:
            return None
        approvals = sorted(self._approvals.get(exception.uid, ()))
        namespace = entries(NAMESPACE).get(("", key[0]))
        return Observed(
            exception=unpack(exception.packed),
            approvals=tuple(unpack(entries(EGRESS_APPROVAL)[each].packed) for each in approvals if each[0] == key[0]),
            policies=tuple(self._policies[policy] for policy in sorted(self._policies)),
            namespace=unpack(namespace.packed) if namespace else None,
            skew=self._skew(),
            refusals=refusals,
        )

    def _note_exception(self, change: Change) -> Iterable[Key]:
        self._count(change)
        if change.old:
            self.phases[_phase(unpack(change.old.packed))] -= 1
            self._exceptions.pop(change.old.uid, None)
            self._exceptions_in[change.key[0]].discard(change.key)
        if change.new and change.manifest:
            self.phases[_phase(change.manifest)] += 1
            self._exceptions[change.new.uid] = change.key
            self._exceptions_in[change.key[0]].add(change.key)
        elif not self._exceptions_in[change.key[0]]:
            del self._exceptions_in[change.key[0]]
        return (change.key,)

    def _note_approval(self, change: Change) -> Iterable[Key]:
        concerned: set[Key] = set()
        if change.old:
            concerned |= self._approved(change.old, change.key)
            approvals = self._approvals[change.old.link or ""]
            approvals.discard(change.key)
            if not approvals:
                del self._approvals[change.old.link or ""]
        if change.new:
            concerned |= self._approved(change.new, change.key)
            self._approvals[change.new.link or ""].add(change.key)
        return concerned

    def _approved(self, approval: Entry, key: Key) -> set[Key]:
        exception = self._exceptions.get(approval.link or "")
        return {exception} if exception and exception[0] == key[0] else set()

    def _note_policy(self, change: Change) -> Iterable[Key]:
        before, old, new = self._told.pop(change.key, frozenset()), change.old, change.new
        self._policies.pop(change.key, None)
        if new and change.manifest:
            self._policies[change.key] = policy = unpack(new.packed)
            self._told[change.key] = frozenset(_told(policy.get("status") or {}))
            if old and old.uid == new.uid and old.link == new.link:
                concerned = {key for key, _ in before ^ self._told[change.key]}
                if _FULL in concerned:
                    return tuple(self._exceptions.values())
                return tuple(key for key in concerned if key in self._cache.entries(EGRESS_EXCEPTION))
        return tuple(self._exceptions.values())


def _phase(exception: Mapping[str, Any]) -> str:
    return str((exception.get("status") or {}).get("phase") or "Unknown")


def _told(status: Mapping[str, Any]) -> Iterator[tuple[Key, str]]:
    for listed in ("openExceptions", "unopenedExceptions"):
        for entry in status.get(listed) or ():
            key = (str(entry.get("namespace")), str(entry.get("name")))
            yield key, listed + json.dumps(entry, sort_keys=True)
    if len(status.get("unopenedExceptions") or ()) >= LARGEST_HOLES:
        yield _FULL, ""
