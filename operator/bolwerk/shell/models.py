"""What the objects of the cache mean for LocalModels; made for ten thousand of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from typing_extensions import override

from bolwerk.core.kinds import (
    CONFIG_MAP,
    ISOLATION_PROOF,
    LOCAL_MODEL,
    NETWORK_POLICY,
    NODE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    SERVICE,
    Kind,
    Ref,
)
from bolwerk.core.model.children.gate import GATE
from bolwerk.core.model.observed import CHILD_KINDS, Observed
from bolwerk.core.plan import Manifest, Refusal
from bolwerk.core.proof.targets import listening
from bolwerk.core.settings import Settings
from bolwerk.shell import governance, placement
from bolwerk.shell.cache import Cache, Change, Entry, Index, Key
from bolwerk.shell.governance import Governance
from bolwerk.shell.placement import Placement
from bolwerk.shell.trim import unpack

__all__ = ["LocalModels"]

_NOBODY: frozenset[Key] = frozenset()


class LocalModels(Index[Observed]):
    """Finds the LocalModels that a change concerns without looking at any other.

    Parameters
    ----------
    settings
        Tells which Service is the canary, and which namespaces are never governed.
    """

    kind = LOCAL_MODEL
    kinds = tuple(
        dict.fromkeys((LOCAL_MODEL, *CHILD_KINDS, POD, PERSISTENT_VOLUME_CLAIM, *placement.KINDS, *governance.KINDS))
    )

    def __init__(self, cache: Cache, *, settings: Settings) -> None:
        super().__init__(cache)
        self._canary: Final = Ref(SERVICE, settings.namespace, settings.canary_service)
        self._placement = Placement(cache)
        self._governance = Governance(cache, settings)
        self._models: dict[str, Key] = {}
        self._models_in: defaultdict[str, set[str]] = defaultdict(set)
        self._children: defaultdict[str, set[tuple[Kind, Key]]] = defaultdict(set)
        self._pods: defaultdict[Key, set[Key]] = defaultdict(set)
        self._claimants: defaultdict[Key, set[Key]] = defaultdict(set)
        self._policies_in: defaultdict[str, set[str]] = defaultdict(set)

    @override
    def note(self, change: Change) -> frozenset[Key]:
        kind, key, old, new = change.kind, change.key, change.old, change.new
        if kind in governance.KINDS:
            return frozenset(
                (namespace, name)
                for namespace in self._governance.note(change)
                for name in self._models_in.get(namespace, ())
            )
        if kind == SERVICE and key == self._canary.key:
            return frozenset(self._cache.entries(LOCAL_MODEL))
        if kind in placement.KINDS:
            nodes = self._placement.note(change)
            if kind == ISOLATION_PROOF:
                return frozenset(model for node in nodes for model in self._placement.models_on(node))
            if kind == NODE:
                return _NOBODY
        affected = _NOBODY
        if old:
            affected |= self._affected(kind, key, old)
            self._unlink(kind, key, old)
        if new:
            self._link(kind, key, new)
            affected |= self._affected(kind, key, new)
        if kind == LOCAL_MODEL:
            self._count(change)
        return affected

    @override
    def observe(self, key: Key, *, refusals: tuple[Refusal, ...] = ()) -> Observed | None:
        entries = self._cache.entries
        model = entries(LOCAL_MODEL).get(key)
        if model is None:
            return None
        children: defaultdict[Kind, list[Manifest]] = defaultdict(list)
        for kind, child in sorted(self._children.get(model.uid, ())):
            children[kind].append(unpack(entries(kind)[child].packed))
        claim = entries(PERSISTENT_VOLUME_CLAIM).get((key[0], model.link)) if model.link else None
        return Observed(
            model=unpack(model.packed),
            children={kind: tuple(found) for kind, found in children.items()},
            pods=tuple(unpack(entries(POD)[pod].packed) for pod in sorted(self._pods.get(key, ()))),
            claim=unpack(claim.packed) if claim else None,
            policies=tuple(self._policies_for(key, model.uid)),
            canaries=listening(unpack(canary.packed) if (canary := self._cache.find(self._canary)) else None),
            proofs=tuple(self._placement.proofs_on(self._placement.nodes_of(key))),
            governing=self._governance.of(key[0]),
            refusals=refusals,
        )

    def polled(self) -> Iterator[Ref]:
        """Tell which Service is the canary: it is the chart's, and only Bolwerk's own Services are listed."""
        if self._canary.name:
            yield self._canary

    def named(self) -> Iterator[Ref]:
        """Tell which ConfigMaps are LocalModels': looked at by name, for whoever may list them may read all others."""
        for namespace, name in self._cache.entries(LOCAL_MODEL):
            yield Ref(CONFIG_MAP, namespace, f"{name}-{GATE}")

    def _policies_for(self, key: Key, uid: str) -> list[Manifest]:
        # Not the policies of the namespace's other LocalModels: they select other pods, their own reconciliation
        # keeps them so, and reading all for each would be quadratic in a namespace with hundreds of models.
        policies = self._cache.entries(NETWORK_POLICY)
        found = []
        for name in sorted(self._policies_in.get(key[0], ())):
            entry = policies[key[0], name]
            if entry.owner == uid or not self._is_own((key[0], name), entry):
                found.append(unpack(entry.packed))
        return found

    def _is_own(self, policy: Key, entry: Entry) -> bool:
        return entry.owner is not None and self._models.get(entry.owner) == policy

    def _affected(self, kind: Kind, key: Key, entry: Entry) -> frozenset[Key]:
        if kind == LOCAL_MODEL:
            return frozenset((key,))
        if kind == POD:
            model = (key[0], entry.link or "")
            return frozenset((model,)) if model in self._cache.entries(LOCAL_MODEL) else _NOBODY
        if kind == PERSISTENT_VOLUME_CLAIM:
            return frozenset(self._claimants.get(key, ()))
        if kind == NETWORK_POLICY and not self._is_own(key, entry):
            return frozenset((key[0], name) for name in self._models_in.get(key[0], ()))
        owner = self._models.get(entry.owner or "")
        return frozenset((owner,)) if owner else _NOBODY

    def _link(self, kind: Kind, key: Key, entry: Entry) -> None:
        if kind == LOCAL_MODEL:
            self._models[entry.uid] = key
            self._models_in[key[0]].add(key[1])
            if entry.link:
                self._claimants[key[0], entry.link].add(key)
        elif kind == POD:
            self._pods[key[0], entry.link or ""].add(key)
        elif entry.owner and kind in CHILD_KINDS:
            self._children[entry.owner].add((kind, key))
        if kind == NETWORK_POLICY:
            self._policies_in[key[0]].add(key[1])

    def _unlink(self, kind: Kind, key: Key, entry: Entry) -> None:
        if kind == LOCAL_MODEL:
            self._models.pop(entry.uid, None)
            _discard(self._models_in, key[0], key[1])
            if entry.link:
                _discard(self._claimants, (key[0], entry.link), key)
        elif kind == POD:
            _discard(self._pods, (key[0], entry.link or ""), key)
        elif entry.owner and kind in CHILD_KINDS:
            _discard(self._children, entry.owner, (kind, key))
        if kind == NETWORK_POLICY:
            _discard(self._policies_in, key[0], key[1])


def _discard(index: defaultdict[Any, set[Any]], under: Any, member: Any) -> None:
    members = index.get(under)
    if members is not None:
        members.discard(member)
        if not members:
            del index[under]
