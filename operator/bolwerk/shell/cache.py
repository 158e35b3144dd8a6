"""The operator's own picture of the cluster: fed by lists, watch events and answers to its own writes.

Plain dicts, no clock, no network. Every object is kept once, packed; an index for each reconciled kind knows what its
change means for whom. `put`, `remove` and `bury` tell who has to be looked at again. kopf's indexes would do this in
quadratic time and keep objects whose deletion they missed.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from bolwerk.core.kinds import Kind, Ref
from bolwerk.core.plan import Refusal
from bolwerk.shell.trim import controller_of, link_of, pack, unpack

__all__ = ["Cache", "Entry", "Index", "Key"]

Key = tuple[str, str]
"""Namespace, empty where the kind has none, and name."""

S = TypeVar("S")
_NOTHING: frozenset[Ref] = frozenset()


@dataclass(slots=True)
class Entry:
    """One object, packed.

    Attributes
    ----------
    version
        The resource version as a number: comparable within one kind.
    owner
        The uid of its controller.
    link
        What it is indexed under beside its owner, by kind; else nothing.
    applied
        The digest of what Bolwerk applied last to exactly this version, if that made it.
    """

    uid: str
    version: int
    owner: str | None
    link: str | None
    packed: bytes
    terminating: bool
    applied: int | None = None


class Change(NamedTuple):
    """One object that appeared (no `old`), changed or went (no `new`, no `manifest`)."""

    kind: Kind
    key: Key
    old: Entry | None
    new: Entry | None
    manifest: Mapping[str, Any] | None


class Cache:
    """Every watched object, once."""

    def __init__(self) -> None:
        self._objects: dict[Kind, dict[Key, Entry]] = {}
        self._indexes: dict[Kind, tuple[Index[Any], ...]] = {}
        # By uid, the version at which an object left our sight, so that a list or an answer that was under way does
        # not bring it back. A newer version may come back: it left because its label was taken away, not for good.
        self._graves: dict[str, float] = {}
        self._old_graves: dict[str, float] = {}

    def register(self, index: Index[Any]) -> None:
        """Keep the objects of an index's kinds too, and tell it of them."""
        for kind in index.kinds:
            self._objects.setdefault(kind, {})
            self._indexes[kind] = (*self._indexes.get(kind, ()), index)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that any index looks at: those to list and to watch."""
        return tuple(self._objects)

    def put(self, kind: Kind, manifest: Mapping[str, Any], *, applied: int | None = None) -> frozenset[Ref]:
        """Take in an object, unless a newer version of it, or its deletion, is known.

        Returns
        -------
        frozenset
            The reconciled objects for which something changed that their decision reads.
        """
        metadata = manifest["metadata"]
        key = (str(metadata.get("namespace", "")), str(metadata["name"]))
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
        owner = controller_of(manifest)
        entry = Entry(
            uid=uid,
            version=version,
            owner=owner.uid if owner else None,
            link=link_of(kind, manifest),
            packed=packed,
            terminating="deletionTimestamp" in metadata,
            applied=applied,
        )
        self._objects[kind][key] = entry
        return self._note(Change(kind, key, old, entry, manifest))

    def remove(self, kind: Kind, manifest: Mapping[str, Any]) -> frozenset[Ref]:
        """Take note of a deletion.

        Returns
        -------
        frozenset
            The reconciled objects for which something changed that their decision reads.
        """
        metadata = manifest["metadata"]
        key = (str(metadata.get("namespace", "")), str(metadata["name"]))
        return self.bury(kind, key, str(metadata["uid"]), version=int(metadata["resourceVersion"]))

    def bury(self, kind: Kind, key: Key, uid: str, *, version: float = math.inf) -> frozenset[Ref]:
        """Take note that the object with this name and uid was gone at this version, or is for good."""
        self._graves[uid] = version
        entry = self._objects[kind].get(key)
        if entry is None or entry.uid != uid or entry.version > version:
            return _NOTHING
        del self._objects[kind][key]
        return self._note(Change(kind, key, entry, None, None))

    def forget_graves(self) -> None:
        """Forget deletions noted before the last call: no list or answer is under way for that long."""
        self._graves, self._old_graves = {}, self._graves

    def find(self, ref: Ref) -> Entry | None:
        """Look up one object."""
        return self._objects[ref.kind].get(ref.key)

    def entries(self, kind: Kind) -> Mapping[Key, Entry]:
        """All objects of a kind."""
        return self._objects[kind]

    def _note(self, change: Change) -> frozenset[Ref]:
        return frozenset(
            Ref(index.kind, *concerned) for index in self._indexes[change.kind] for concerned in index.note(change)
        )


class Index(ABC, Generic[S]):
    """What the objects of the cache mean for one reconciled kind.

    Attributes
    ----------
    kind
        The reconciled kind.
    kinds
        Those whose objects its decision reads, itself among them.
    conditions
        How many of its objects have a condition in a status, by type and status.
    """

    kind: ClassVar[Kind]
    kinds: tuple[Kind, ...]

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self.conditions: Counter[tuple[str, str]] = Counter()
        cache.register(self)

    @abstractmethod
    def note(self, change: Change) -> Iterable[Key]:
        """Keep up with a change and return whom it concerns."""

    @abstractmethod
    def observe(self, key: Key, *, refusals: tuple[Refusal, ...] = ()) -> S | None:
        """Take the snapshot that a decision about one object is made on; None when it is gone."""

    def _count(self, change: Change) -> None:
        if change.old:
            self.conditions.subtract(_conditions(unpack(change.old.packed)))
        if change.manifest:
            self.conditions.update(_conditions(change.manifest))


def _conditions(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = (manifest.get("status") or {}).get("conditions") or ()
    return [(str(condition["type"]), str(condition["status"])) for condition in found]
