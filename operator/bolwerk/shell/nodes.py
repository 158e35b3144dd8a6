"""What the objects of the cache mean for the measuring of nodes.

Most of what happens in a cluster is of no concern to it: a node's sign of life, a model that becomes ready, what a
policy's status says of other things. Only what a run reads wakes a node.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from typing_extensions import override

from bolwerk.core.kinds import (
    CONFIG_MAP,
    ISOLATION_PROOF,
    LOCAL_MODEL,
    NAMESPACE,
    NETWORK_POLICY,
    NODE,
    POD,
    SERVICE,
    SOVEREIGNTY_POLICY,
    Kind,
    Ref,
)
from bolwerk.core.plan import Manifest, Refusal
from bolwerk.core.policy.observed import OPTIONAL_KINDS, OVERLAY_NAME
from bolwerk.core.proof.asked import stale_after
from bolwerk.core.proof.inputs import inputs, policy_digest
from bolwerk.core.proof.observed import Inventory, Observed
from bolwerk.core.proof.pods import ARM_LABEL, NODE_LABEL, RUN_LABEL, node_label
from bolwerk.core.settings import Settings
from bolwerk.shell.cache import Cache, Change, Entry, Index, Key
from bolwerk.shell.placement import KINDS, Placement
from bolwerk.shell.trim import controller_of, unpack

__all__ = ["Nodes"]

VERDICTS = ("Proven", "NotEnforced", "Bypass", "OverBlocked", "Inconclusive", "Stale", "None")


class Nodes(Index[Observed]):
    """Finds the nodes that a change asks to be measured anew, and what a run on one of them has to know.

    Parameters
    ----------
    served
        Which of the kinds that a cluster may lack the API server serves.
    now
        The wall clock: since when a node's world is what it is.
    """

    kind = NODE

    def __init__(
        self, cache: Cache, *, served: frozenset[Kind], settings: Settings, now: Callable[[], datetime]
    ) -> None:
        enforcing = dict.fromkeys((*(kind for kind in OPTIONAL_KINDS if kind in served), NETWORK_POLICY))
        self.kinds = (*KINDS, LOCAL_MODEL, SERVICE, SOVEREIGNTY_POLICY, NAMESPACE, CONFIG_MAP, *enforcing)
        super().__init__(cache)
        self.placement: Final = Placement(cache)
        self._settings = settings
        self._now = now
        self._started = now()
        self._overlay: Final = Ref(CONFIG_MAP, settings.namespace, OVERLAY_NAME)
        self._canary: Final = Ref(SERVICE, settings.namespace, settings.canary_service)
        self._kinds_that_enforce = frozenset(enforcing)
        # All nodes read the same of these, and a cluster has thousands.
        self._shared: tuple[tuple[Manifest, ...], tuple[Manifest, ...]] | None = None
        self._enforcing: dict[Ref, str] = {}
        # By the uid of the LocalModel that owns them: ten thousand of these concern no node but that model's.
        self._seals: defaultdict[str, dict[Ref, str]] = defaultdict(dict)
        self._probes: defaultdict[str, set[Key]] = defaultdict(set)
        self._controls: dict[Key, str] = {}
        self._names: dict[str, str] = {}
        self._images: tuple[str, ...] = ()
        self._remarks: tuple[str, ...] = ()
        self._on_host: Mapping[str, int] = {}
        self._refused: defaultdict[str, dict[Ref, Refusal]] = defaultdict(dict)
        self._changed: dict[str, tuple[str, datetime]] = {}

    @override
    def note(self, change: Change) -> Iterable[Key]:
        return [("", name) for name in self._concerned(change) if ("", name) in self._cache.entries(NODE)]

    def _concerned(self, change: Change) -> Iterable[str]:  # noqa: PLR0911 - one answer for each kind
        kind = change.kind
        if kind in (NAMESPACE, SOVEREIGNTY_POLICY):
            self._shared = None
        if kind in KINDS:
            return self._note_placed(change)
        if kind in self._kinds_that_enforce:
            return self._note_enforcing(change)
        if kind == LOCAL_MODEL:
            return self.placement.nodes_of(change.key) if _differ(change, _asked) else ()
        if kind == SERVICE and change.key != self._canary.key:
            return self.placement.nodes_of(change.key)  # a model's Service bears its name
        if kind == CONFIG_MAP and change.key != self._overlay.key:
            return ()
        if kind == SOVEREIGNTY_POLICY and not _differ(change, _decided):
            return ()
        return self.placement.measured()

    @override
    def observe(self, key: Key, *, refusals: tuple[Refusal, ...] = ()) -> Observed | None:
        entries, name = self._cache.entries, key[1]
        node, probes = entries(NODE).get(key), self._probes.get(node_label(name), set())
        if node is None or not (probes or self.placement.is_measured(name)):
            self._changed.pop(name, None)
            self._refused.pop(name, None)
            return None
        for refusal in refusals:
            self._refused[name][refusal.ref] = refusal
        models = [model for model in self.placement.models_on(name) if model in entries(LOCAL_MODEL)]
        seals = {
            ref: digest
            for model in models
            for ref, digest in self._seals.get(entries(LOCAL_MODEL)[model].uid, {}).items()
        }
        namespaces, policies = self._read()
        observed = Observed(
            node=unpack(node.packed),
            models=_unpacked(entries(LOCAL_MODEL), models),
            services=_unpacked(entries(SERVICE), (model for model in models if model in entries(SERVICE))),
            policies=policies,
            namespaces=namespaces,
            overlay=self._live(self._overlay),
            canary=self._live(self._canary),
            enforcing={**self._enforcing, **seals},
            inventory=Inventory(self._images, self._on_host.get(name, 0), self._remarks),
            strangers=tuple(f"{namespace}/{pod}" for namespace, pod in self.placement.strangers_on(name)),
            pods=_unpacked(entries(POD), sorted(probes)),
            proofs=tuple(self.placement.proofs_on((name,))),
            running=len({*self._controls.values()} - {node_label(name)}),
            refusals=tuple(self._refused.get(name, {}).values()),
        )
        return replace(observed, changed=self._since(name, inputs(observed, self._settings)))

    def put_inventory(
        self, *, images: tuple[str, ...] | None, on_host: Mapping[str, int], remarks: tuple[str, ...]
    ) -> frozenset[Ref]:
        """Take in what runs beside models; another network plugin asks every node for a new run.

        Parameters
        ----------
        images
            Those of network plugins; None while they cannot be read, which changes nothing.
        """
        news = images is not None and images != self._images
        self._images = self._images if images is None else images
        self._on_host, self._remarks = on_host, remarks
        return frozenset(Ref(NODE, "", name) for name in self.placement.measured()) if news else frozenset()

    def verdicts(self, now: datetime) -> Mapping[str, int]:
        """Count the nodes that have to be measured by what their newest proof says; one that is too old is `Stale`."""
        found: Counter[str] = Counter(dict.fromkeys(VERDICTS, 0))
        too_old = stale_after(self._read()[1])
        for node in self.placement.measured():
            newest = self.placement.newest(node)
            verdict = newest[0] if newest else "None"
            found["Stale" if newest and verdict == "Proven" and now - newest[1] > too_old else verdict] += 1
        return found

    def ages(self, now: datetime) -> Mapping[str, float]:
        """Return, by node, the seconds since it was last proven to enforce."""
        proven = ((node, self.placement.newest(node, verdict="Proven")) for node in self.placement.measured())
        return {node: (now - newest[1]).total_seconds() for node, newest in proven if newest}

    def _read(self) -> tuple[tuple[Manifest, ...], tuple[Manifest, ...]]:
        """Return all namespaces, and all policies."""
        if self._shared is None:
            namespaces, policies = (self._cache.entries(kind) for kind in (NAMESPACE, SOVEREIGNTY_POLICY))
            self._shared = (_unpacked(namespaces, sorted(namespaces)), _unpacked(policies, sorted(policies)))
        return self._shared

    def _since(self, name: str, digest: str) -> datetime:
        # What this process sees for the first time may have been so for long, but not for less than it runs.
        known = self._changed.get(name, ("", self._started))
        if known[0] != digest:
            known = self._changed[name] = (digest, self._now() if known[0] else self._started)
        return known[1]

    def _live(self, ref: Ref) -> Manifest | None:
        entry = self._cache.find(ref)
        return unpack(entry.packed) if entry else None

    def _note_placed(self, change: Change) -> Iterable[str]:
        nodes = self.placement.note(change)
        if change.kind == ISOLATION_PROOF and change.old is None:
            for node in nodes:
                self._refused.pop(node, None)
        if change.kind == NODE:
            label = node_label(change.key[1])
            if change.new:
                self._names[label] = change.key[1]
            else:
                self._names.pop(label, None)
        if change.kind == POD:
            return {*nodes, *self._note_probe(change)}
        return nodes

    def _note_probe(self, change: Change) -> Iterable[str]:
        labels = set()
        self._controls.pop(change.key, None)
        for entry, is_there in ((change.old, False), (change.new, True)):
            found = _labels(entry)
            if RUN_LABEL not in found:
                continue
            label = str(found.get(NODE_LABEL, ""))
            labels.add(label)
            if is_there:
                self._probes[label].add(change.key)
                if found.get(ARM_LABEL) == "control" and change.key[0] == self._settings.namespace and not _ends(entry):
                    self._controls[change.key] = label
            else:
                self._probes[label].discard(change.key)
                if not self._probes[label]:
                    del self._probes[label]
        return {self._names[label] for label in labels if label in self._names}

    def _note_enforcing(self, change: Change) -> Iterable[str]:
        ref = Ref(change.kind, *change.key)
        before = self._enforcing.pop(ref, None)
        former = (change.old.owner if change.old else None) or ""
        if former in self._seals and ref in self._seals[former]:
            before = self._seals[former].pop(ref)
            if not self._seals[former]:
                del self._seals[former]
        if change.new is None or change.manifest is None:
            return self._nodes_of_seal(change.key) if former else self.placement.measured()
        digest, owner = policy_digest(change.manifest), controller_of(change.manifest)
        is_seal = change.kind == NETWORK_POLICY and owner is not None and owner.is_a(LOCAL_MODEL)
        if is_seal and owner:
            self._seals[owner.uid][ref] = digest
        else:
            self._enforcing[ref] = digest
        if digest == before:
            return ()
        return self._nodes_of_seal(change.key) if is_seal else self.placement.measured()

    def _nodes_of_seal(self, key: Key) -> Iterable[str]:
        return self.placement.nodes_of(key)  # a seal bears its model's name


def _unpacked(entries: Mapping[Key, Entry], keys: Iterable[Key]) -> tuple[Manifest, ...]:
    return tuple(unpack(entries[key].packed) for key in keys)


def _ends(entry: Entry | None) -> bool:
    """Whether a pod is on its way out; on a node whose kubelet is dead it stays so for ever, and measures nothing."""
    return entry is not None and entry.terminating


def _labels(entry: Entry | None) -> Mapping[str, Any]:
    # A probe is indexed under no model, so that only few other pods are unpacked for this.
    return (unpack(entry.packed)["metadata"].get("labels") or {}) if entry and entry.link is None else {}


def _differ(change: Change, read: Callable[[Manifest], Any]) -> bool:
    """Whether an object differs in what is read of it."""
    before, after = (read(unpack(entry.packed)) if entry else None for entry in (change.old, change.new))
    return bool(before != after)


def _asked(model: Manifest) -> Any:
    ready = bool((model.get("status") or {}).get("readyReplicas"))
    return {**model, "status": ready}


def _decided(policy: Manifest) -> Any:
    """Return what a run reads of a policy: not what its status says of the runs themselves, nor of anything else."""
    status = policy.get("status") or {}
    return {**policy, "status": [status.get("catalogue"), status.get("openExceptions")]}
