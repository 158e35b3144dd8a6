"""The operator's own picture of the cluster: fed by lists, watch events and answers to its own writes.

Plain dicts, no clock, no network. `put` and `remove` tell which LocalModels have to be looked at again; `observe`
is the only way out. kopf's indexes would do this in quadratic time and keep objects whose deletion they missed.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bolwerk.core.kinds import LOCAL_MODEL, NETWORK_POLICY, PERSISTENT_VOLUME_CLAIM, POD, Kind, Ref
from bolwerk.core.model.observed import CHILD_KINDS, Observed
from bolwerk.core.plan import Manifest, Refusal
from bolwerk.shell.trim import controller_of, pack, unpack

__all__ = ["MODEL_LABEL", "WATCHED_KINDS", "Cache", "Entry", "Key"]

Key = tuple[str, str]
"""Namespace and name."""

WATCHED_KINDS: tuple[Kind, ...] = (LOCAL_MODEL, *CHILD_KINDS, POD, PERSISTENT_VOLUME_CLAIM)
MODEL_LABEL = "bolwerk.dev/model"
_NOTHING: frozenset[Key] = frozenset()


@dataclass(slots=True)
class Entry:
    """One object, packed.

    Attributes
    ----------
    version
        The resource version as a number: comparable within one kind.
    owner
        The uid of its controller.
    links
        What this object is indexed under: of a Pod its model label, of a LocalModel its claim, else nothing.
    applied
        The digest of what Bolwerk applied last to exactly this version, if that made it.
    """

    uid: str
    version: int
    owner: str | None
    links: str | None
    packed: bytes
    terminating: bool
    applied: int | None = None


class Cache:
    """Every watched object, indexed by what its change means for which LocalModel."""

    def __init__(self) -> None:
        self._objects: dict[Kind, dict[Key, Entry]] = {kind: {} for kind in WATCHED_KINDS}
        self._models: dict[str, Key] = {}
        self._models_in: defaultdict[str, set[str]] = defaultdict(set)
        self._children: defaultdict[str, set[tuple[Kind, Key]]] = defaultdict(set)
        self._pods: defaultdict[Key, set[Key]] = defaultdict(set)
        self._claimants: defaultdict[Key, set[Key]] = defaultdict(set)
        self._policies_in: defaultdict[str, set[str]] = defaultdict(set)
        # By uid, the version at which an object left our sight, so that a list or an answer that was under way does
        # not bring it back. A newer version may come back: it left because its label was taken away, not for good.
        self._graves: dict[str, float] = {}
        self._old_graves: dict[str, float] = {}
        self.conditions: Counter[tuple[str, str]] = Counter()

    def put(self, kind: Kind, manifest: Mapping[str, Any], *, applied: int | None = None) -> frozenset[Key]:
        """Take in an object, unless a newer version of it, or its deletion, is known.

        Returns
        -------
        frozenset
            The LocalModels for which something changed that they look at.
        """
        metadata = manifest["metadata"]
        key = (str(metadata["namespace"]), str(metadata["name"]))
        uid, version = str(metadata["uid"]), int(metadata["resourceVersion"])
        old = self._objects[kind].get(key)
        buried = max(self._graves.get(uid, 0), self._old_graves.get(uid, 0))
        if version <= buried or (old and version < old.version):
            return _NOTHING
        if old and old.uid == uid and version == old.version and applied is None:
            return _NOTHING  # the echo of an own write: five in six events while LocalModels are made
        packed = pack(kind, manifest)
        if old and old.uid == uid and old.packed == packed:
            if version > old.version or applied is not None:
                old.version, old.applied = version, applied
            return _NOTHING
        affected = self._unlink(kind, key)
        entry = Entry(
            uid=uid,
            version=version,
            owner=controller_of(manifest),
            links=_links(kind, manifest),
            packed=packed,
            terminating="deletionTimestamp" in metadata,
            applied=applied,
        )
        self._objects[kind][key] = entry
        self._link(kind, key, entry, manifest)
        return affected | self._affected(kind, key, entry)

    def remove(self, kind: Kind, manifest: Mapping[str, Any]) -> frozenset[Key]:
        """Take note of a deletion.

        Returns
        -------
        frozenset
            The LocalModels for which something changed that they look at.
        """
        metadata = manifest["metadata"]
        key = (str(metadata["namespace"]), str(metadata["name"]))
        return self.bury(kind, key, str(metadata["uid"]), version=int(metadata["resourceVersion"]))

    def bury(self, kind: Kind, key: Key, uid: str, *, version: float = math.inf) -> frozenset[Key]:
        """Take note that the object with this name and uid was gone at this version, or is for good."""
        self._graves[uid] = version
        entry = self._objects[kind].get(key)
        return self._unlink(kind, key) if entry and entry.uid == uid and entry.version <= version else _NOTHING

    def forget_graves(self) -> None:
        """Forget deletions noted before the last call: no list or answer is under way for that long."""
        self._graves, self._old_graves = {}, self._graves

    def find(self, ref: Ref) -> Entry | None:
        """Look up one object."""
        return self._objects[ref.kind].get((ref.namespace, ref.name))

    def entries(self, kind: Kind) -> Mapping[Key, Entry]:
        """All objects of a kind, for the sweep."""
        return self._objects[kind]

    def observe(self, key: Key, *, refusals: tuple[Refusal, ...] = ()) -> Observed | None:
        """Take the snapshot that a decision about one LocalModel is made on; None when it is gone."""
        model = self._objects[LOCAL_MODEL].get(key)
        if model is None:
            return None
        children: defaultdict[Kind, list[Manifest]] = defaultdict(list)
        for kind, child in sorted(self._children.get(model.uid, ())):
            children[kind].append(unpack(self._objects[kind][child].packed))
        claim = self._objects[PERSISTENT_VOLUME_CLAIM].get((key[0], model.links)) if model.links else None
        return Observed(
            model=unpack(model.packed),
            children={kind: tuple(found) for kind, found in children.items()},
            pods=tuple(unpack(self._objects[POD][pod].packed) for pod in sorted(self._pods.get(key, ()))),
            claim=unpack(claim.packed) if claim else None,
            policies=tuple(self._policies_for(key, model.uid)),
            refusals=refusals,
        )

    def _policies_for(self, key: Key, uid: str) -> list[Manifest]:
        # Not the policies of the namespace's other LocalModels: they select other pods, their own reconciliation
        # keeps them so, and reading all for each would be quadratic in a namespace with hundreds of models.
        policies = self._objects[NETWORK_POLICY]
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
            model = (key[0], entry.links or "")
            return frozenset((model,)) if model in self._objects[LOCAL_MODEL] else _NOTHING
        if kind == PERSISTENT_VOLUME_CLAIM:
            return frozenset(self._claimants.get(key, ()))
        if kind == NETWORK_POLICY and not self._is_own(key, entry):
            return frozenset((key[0], name) for name in self._models_in.get(key[0], ()))
        owner = self._models.get(entry.owner or "")
        return frozenset((owner,)) if owner else _NOTHING

    def _link(self, kind: Kind, key: Key, entry: Entry, manifest: Mapping[str, Any]) -> None:
        if kind == LOCAL_MODEL:
            self._models[entry.uid] = key
            self._models_in[key[0]].add(key[1])
            if entry.links:
                self._claimants[key[0], entry.links].add(key)
            self.conditions.update(_conditions(manifest))
        elif kind == POD:
            self._pods[key[0], entry.links or ""].add(key)
        elif entry.owner and kind in CHILD_KINDS:
            self._children[entry.owner].add((kind, key))
        if kind == NETWORK_POLICY:
            self._policies_in[key[0]].add(key[1])

    def _unlink(self, kind: Kind, key: Key) -> frozenset[Key]:
        entry = self._objects[kind].get(key)
        if entry is None:
            return _NOTHING
        affected = self._affected(kind, key, entry)
        del self._objects[kind][key]
        if kind == LOCAL_MODEL:
            self._models.pop(entry.uid, None)
            _discard(self._models_in, key[0], key[1])
            if entry.links:
                _discard(self._claimants, (key[0], entry.links), key)
            self.conditions.subtract(_conditions(unpack(entry.packed)))
        elif kind == POD:
            _discard(self._pods, (key[0], entry.links or ""), key)
        elif entry.owner and kind in CHILD_KINDS:
            _discard(self._children, entry.owner, (kind, key))
        if kind == NETWORK_POLICY:
            _discard(self._policies_in, key[0], key[1])
        return affected


def _links(kind: Kind, manifest: Mapping[str, Any]) -> str | None:
    if kind == POD:
        return (manifest["metadata"].get("labels") or {}).get(MODEL_LABEL)
    if kind == LOCAL_MODEL:
        source = ((manifest.get("spec") or {}).get("model") or {}).get("source") or {}
        return (source.get("persistentVolumeClaim") or {}).get("claimName")
    return None


def _conditions(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = (manifest.get("status") or {}).get("conditions") or ()
    return [(str(condition["type"]), str(condition["status"])) for condition in found]


def _discard(index: defaultdict[Any, set[Any]], under: Any, member: Any) -> None:
    members = index.get(under)
    if members is not None:
        members.discard(member)
        if not members:
            del index[under]
