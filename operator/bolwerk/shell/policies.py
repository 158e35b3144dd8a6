"""What the objects of the cache mean for SovereigntyPolicies: few of them, and most changes concern them all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from typing_extensions import override

from bolwerk.core.egress.hole import EXCEPTION_LABEL
from bolwerk.core.exceptions.clocks import clocks
from bolwerk.core.exceptions.validity import is_active
from bolwerk.core.kinds import (
    CONFIG_MAP,
    EGRESS_APPROVAL,
    EGRESS_EXCEPTION,
    ISOLATION_PROOF,
    LOCAL_MODEL,
    NAMESPACE,
    NETWORK_POLICY,
    SOVEREIGNTY_POLICY,
    VALIDATING_ADMISSION_POLICY,
    VALIDATING_ADMISSION_POLICY_BINDING,
    Kind,
    Ref,
)
from bolwerk.core.plan import Manifest, Refusal
from bolwerk.core.policy.observed import (
    EXCEPTION_KINDS,
    OPTIONAL_KINDS,
    OVERLAY_NAME,
    OWNED_KINDS,
    WATCHED_KINDS,
    Observed,
)
from bolwerk.core.settings import Settings
from bolwerk.shell import placement
from bolwerk.shell.cache import Cache, Change, Index, Key
from bolwerk.shell.placement import Placement
from bolwerk.shell.trim import Owner, controller_of, unpack

__all__ = ["SovereigntyPolicies"]

_Member = tuple[Kind, Key]


class SovereigntyPolicies(Index[Observed]):
    """Tells what one policy owns from what all policies have to know.

    Parameters
    ----------
    served
        Which of `OPTIONAL_KINDS` and `EXCEPTION_KINDS` the API server serves: only those are looked at, and of
        exceptions and approvals both or neither.
    settings
        Tells where the ConfigMaps are.
    skew
        Tells how far this machine's clock is ahead of the API server's.

    Attributes
    ----------
    governed
        How many namespaces each policy governs, by its status; 0 for one that is gone.
    """

    kind = SOVEREIGNTY_POLICY

    def __init__(
        self,
        cache: Cache,
        *,
        served: frozenset[Kind],
        settings: Settings,
        skew: Callable[[], timedelta] = timedelta,
    ) -> None:
        self.kinds = tuple(kind for kind in WATCHED_KINDS if kind not in OPTIONAL_KINDS or kind in served)
        if served.issuperset(EXCEPTION_KINDS):
            self.kinds += EXCEPTION_KINDS
        self.kinds += placement.KINDS
        super().__init__(cache)
        self._skew = skew
        self._served = served.difference(EXCEPTION_KINDS)
        self._overlay: Final = Ref(CONFIG_MAP, settings.namespace, OVERLAY_NAME)
        self._dns_namespace: Final = settings.dns_namespace or settings.namespace
        self._policies: dict[str, Key] = {}
        self._owned: defaultdict[str, set[_Member]] = defaultdict(set)
        # Every decision reads all of these, so they are unpacked once.
        self._shared: dict[_Member, Manifest] = {}
        # By object, the uid of the exception for which it is a hole.
        self._holes: dict[_Member, str] = {}
        # By policy, the uids of the exceptions that it has told to be open: some backends carve them into the wall.
        self._open: dict[str, frozenset[str]] = {}
        self._references: dict[str, Any] = {}
        self._placement = Placement(cache)
        self._newest: dict[str, Manifest] = {}
        self._measured: set[str] = set()
        self.governed: dict[str, int] = {}

    @override
    def note(self, change: Change) -> Iterable[Key]:
        if change.kind == SOVEREIGNTY_POLICY:
            return self._note_policy(change)
        if change.kind in placement.KINDS:
            return self._note_placed(change)
        member = (change.kind, change.key)
        concerns_all = self._shared.pop(member, None) is not None
        self._holes.pop(member, None)
        owners = {change.old.owner} if change.old and self._disown(change.old.owner, member) else set()
        if change.new and change.manifest:
            owner = controller_of(change.manifest)
            if self._may_be_owned(member) and owner and owner.is_a(SOVEREIGNTY_POLICY):
                owners.add(owner.uid)
                self._owned[owner.uid].add(member)
                if hole := (change.manifest["metadata"].get("labels") or {}).get(EXCEPTION_LABEL):
                    self._holes[member] = hole
            elif self._is_shared(member, owner):
                concerns_all = True
                self._shared[member] = unpack(change.new.packed)
        if change.kind == EGRESS_EXCEPTION and _only_its_status(change):
            return ()  # written by ourselves, and no policy reads it
        if concerns_all:
            return tuple(self._policies.values())
        return tuple(self._policies[uid] for uid in owners if uid in self._policies)

    @override
    def observe(self, key: Key, *, refusals: tuple[Refusal, ...] = ()) -> Observed | None:
        policies = self._cache.entries(SOVEREIGNTY_POLICY)
        policy = policies.get(key)
        if policy is None:
            return None
        owned: defaultdict[Kind, list[Manifest]] = defaultdict(list)
        for kind, child in sorted(self._owned.get(policy.uid, ())):
            owned[kind].append(unpack(self._cache.entries(kind)[child].packed))
        shared: defaultdict[Kind, list[Manifest]] = defaultdict(list)
        for kind, other in sorted(self._shared):
            shared[kind].append(self._shared[kind, other])
        namespaces = shared.pop(NAMESPACE, [])
        [overlay] = shared.pop(CONFIG_MAP, [None])
        measured = tuple(sorted(self._measured))
        exceptions, approvals = shared.pop(EGRESS_EXCEPTION, []), shared.pop(EGRESS_APPROVAL, [])
        return Observed(
            policy=unpack(policy.packed),
            others=tuple(unpack(entry.packed) for other, entry in sorted(policies.items()) if other != key),
            namespaces=tuple(namespaces),
            owned={kind: tuple(found) for kind, found in owned.items()},
            rules={kind: tuple(found) for kind, found in shared.items()},
            served=self._served,
            overlay=overlay,
            exceptions=tuple(exceptions),
            approvals=tuple(approvals),
            references=self._references.get(key[1]),
            proofs=tuple(self._newest[node] for node in measured if node in self._newest),
            nodes=measured,
            skew=self._skew(),
            refusals=refusals,
        )

    def polled(self) -> Iterator[Ref]:
        """Tell which ConfigMaps have to be looked at: the overlay, and each policy's snippet for CoreDNS."""
        yield self._overlay
        for _, name in self._policies.values():
            yield Ref(CONFIG_MAP, self._dns_namespace, f"bolwerk-{name}-dns")

    def observe_all(self) -> Iterator[Observed]:
        """Take the snapshot of every SovereigntyPolicy."""
        for key in sorted(self._policies.values()):
            if (observed := self.observe(key)) is not None:
                yield observed

    def overdue(self, now: datetime) -> int:
        """Count the exceptions that are over and whose holes are still there."""
        holes = {*self._holes.values()}.union(*self._open.values())
        if not holes:
            return 0
        both = clocks(now, self._skew())
        active = {
            exception["metadata"]["uid"]
            for (kind, _), exception in self._shared.items()
            if kind == EGRESS_EXCEPTION and is_active(exception, *both)
        }
        return len(holes - active)

    def put_references(self, policy: str, references: Any) -> frozenset[Ref]:
        """Take in what the scan of ConfigMaps and Secrets found for a policy; tells it if that is news to it."""
        key = ("", policy)
        if key not in self._cache.entries(SOVEREIGNTY_POLICY) or self._references.get(policy) == references:
            return frozenset()
        self._references[policy] = references
        return frozenset((Ref(SOVEREIGNTY_POLICY, *key),))

    def _note_policy(self, change: Change) -> Iterable[Key]:
        self._count(change)
        status = (change.manifest or {}).get("status") or {}
        self.governed[change.key[1]] = int(status.get("governedNamespaces") or 0)
        self._open[change.key[1]] = frozenset(str(each.get("uid")) for each in status.get("openExceptions") or ())
        old, new = change.old, change.new
        if _only_its_status(change):
            return (change.key,)  # its status: no other one reads that
        if old and not (new and new.uid == old.uid):
            del self._policies[old.uid]
            self._references.pop(change.key[1], None)
        if new:
            self._policies[new.uid] = change.key
        return {change.key, *self._policies.values()}

    def _note_placed(self, change: Change) -> Iterable[Key]:
        nodes, news = self._placement.note(change), False
        for node in nodes:
            if change.kind == ISOLATION_PROOF:
                newest = next(self._placement.proofs_on((node,), newest=1), None)
                news |= newest != self._newest.pop(node, None)
                if newest:
                    self._newest[node] = newest
            else:
                is_measured = self._placement.is_measured(node)
                news |= is_measured != (node in self._measured)
                (self._measured.add if is_measured else self._measured.discard)(node)
        return tuple(self._policies.values()) if news else ()

    def _disown(self, owner: str | None, member: _Member) -> bool:
        owned = self._owned.get(owner or "", set())
        if member not in owned:
            return False
        owned.discard(member)
        if not owned:
            del self._owned[owner or ""]
        return True

    def _may_be_owned(self, member: _Member) -> bool:
        # Whoever may write a namespace or the overlay could else have it deleted as a policy's, by naming an owner.
        return member[0] in OWNED_KINDS and not self._is_overlay(member)

    def _is_overlay(self, member: _Member) -> bool:
        return member == (self._overlay.kind, self._overlay.key)

    def _is_shared(self, member: _Member, owner: Owner | None) -> bool:
        kind = member[0]
        if kind in (VALIDATING_ADMISSION_POLICY, VALIDATING_ADMISSION_POLICY_BINDING):
            return False
        if kind == CONFIG_MAP:
            return self._is_overlay(member)
        # Ten thousand seals of LocalModels let nobody out; who only claims to be one is deleted by its owner, or for
        # want of one by the cluster. Of another kind that would not be so.
        return not (kind == NETWORK_POLICY and owner and owner.is_a(LOCAL_MODEL))


def _only_its_status(change: Change) -> bool:
    """Whether an object that is linked by its generation is the same in all that others read of it."""
    old, new = change.old, change.new
    return bool(old and new and (old.uid, old.link, old.terminating) == (new.uid, new.link, new.terminating))
