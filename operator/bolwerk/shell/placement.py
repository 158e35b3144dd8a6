"""On which nodes models run, which nodes have to be measured, and what has been measured there.

Each index that asks this keeps one for itself, fed with the changes that it is told of. It wakes nobody.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator
from datetime import datetime
from typing import TypeVar

from bolwerk.core.kinds import ISOLATION_PROOF, NODE, POD
from bolwerk.core.plan import Manifest
from bolwerk.core.proof.standing import finished_at
from bolwerk.core.proof.strangers import is_stranger
from bolwerk.core.proof.subjects import considered
from bolwerk.shell.cache import Cache, Change, Key
from bolwerk.shell.trim import unpack

__all__ = ["KINDS", "Placement"]

KINDS = (NODE, POD, ISOLATION_PROOF)
"""Whose changes it has to be told of."""

K = TypeVar("K", bound=Hashable)
M = TypeVar("M", bound=Hashable)

_OVER = frozenset({"Succeeded", "Failed"})


class Placement:
    """Keeps up with nodes, the pods of models and IsolationProofs."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._place: dict[Key, tuple[str, Key]] = {}
        self._models_on: defaultdict[str, Counter[Key]] = defaultdict(Counter)
        self._nodes_of: defaultdict[Key, Counter[str]] = defaultdict(Counter)
        self._strangers: defaultdict[str, set[Key]] = defaultdict(set)
        self._proofs_on: defaultdict[str, dict[Key, tuple[datetime, str]]] = defaultdict(dict)
        self._node_of: dict[Key, str] = {}
        self._capable: set[str] = set()

    def note(self, change: Change) -> frozenset[str]:
        """Keep up with a change and return the names of the nodes of which something is different now."""
        if change.kind == POD:
            return self._note_pod(change)
        if change.kind == ISOLATION_PROOF:
            return self._note_proof(change)
        name = change.key[1]
        if change.new and considered(unpack(change.new.packed), has_models=False):
            self._capable.add(name)
        else:
            self._capable.discard(name)
        return frozenset((name,))

    def measured(self) -> tuple[str, ...]:
        """Return the names of the nodes that have to be measured, in order."""
        return tuple(sorted(name for name in self._capable.union(self._models_on) if self.is_measured(name)))

    def is_measured(self, node: str) -> bool:
        """Whether a node has to be measured: a model runs there, or could."""
        is_there = ("", node) in self._cache.entries(NODE)
        return is_there and (node in self._capable or node in self._models_on)

    def models_on(self, node: str) -> list[Key]:
        """Return the models that have a pod on a node, in order."""
        return sorted(self._models_on.get(node, ()))

    def strangers_on(self, node: str) -> list[Key]:
        """Return the pods on a node that bear a model's label and are not the model's, in order."""
        return sorted(self._strangers.get(node, ()))

    def nodes_of(self, model: Key) -> list[str]:
        """Return the nodes on which a model has pods, in order."""
        return sorted(self._nodes_of.get(model, ()))

    def proofs_on(self, nodes: Iterable[str], *, newest: int | None = None) -> Iterator[Manifest]:
        """Return the proofs of nodes, of each the newest first and no more than so many."""
        entries = self._cache.entries(ISOLATION_PROOF)
        for node in nodes:
            finished = self._proofs_on.get(node, {})
            for key in sorted(finished, key=lambda each: (finished[each], each), reverse=True)[:newest]:
                yield unpack(entries[key].packed)

    def newest(self, node: str, *, verdict: str = "") -> tuple[str, datetime] | None:
        """Return what the newest proof of a node says, or the newest that says this, and when that was measured."""
        told = max((each for each in self._proofs_on.get(node, {}).values() if verdict in ("", each[1])), default=None)
        return (told[1], told[0]) if told else None

    def _note_pod(self, change: Change) -> frozenset[str]:
        before, after = self._place.pop(change.key, None), None
        if before:
            _discard(self._strangers, before[0], change.key)
        if change.new and change.new.link and change.manifest:
            node = (change.manifest.get("spec") or {}).get("nodeName")
            if node and (change.manifest.get("status") or {}).get("phase") not in _OVER:
                after = self._place[change.key] = (str(node), (change.key[0], change.new.link))
                if is_stranger(change.manifest, change.new.link):
                    self._strangers[str(node)].add(change.key)
        if before == after:
            return frozenset()
        for place, step in ((before, -1), (after, 1)):
            if place:
                self._move(*place, step)
        return frozenset(place[0] for place in (before, after) if place)

    def _move(self, node: str, model: Key, step: int) -> None:
        _step(self._models_on, node, model, step)
        _step(self._nodes_of, model, node, step)

    def _note_proof(self, change: Change) -> frozenset[str]:
        concerned = set()
        if (node := self._node_of.pop(change.key, None)) is not None:
            concerned.add(node)
            del self._proofs_on[node][change.key]
            if not self._proofs_on[node]:
                del self._proofs_on[node]
        if change.new and change.manifest:
            spec = change.manifest["spec"]
            node = self._node_of[change.key] = str(spec["node"])
            self._proofs_on[node][change.key] = (finished_at(change.manifest), str(spec["verdict"]))
            concerned.add(node)
        return frozenset(concerned)


def _discard(sets: defaultdict[K, set[M]], key: K, member: M) -> None:
    sets[key].discard(member)
    if not sets[key]:
        del sets[key]


def _step(counters: defaultdict[K, Counter[M]], key: K, member: M, step: int) -> None:
    counter = counters[key]
    counter[member] += step
    if not counter[member]:
        del counter[member]
    if not counter:
        del counters[key]
