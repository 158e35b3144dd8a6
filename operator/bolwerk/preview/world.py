"""A cluster in memory: the operator's own cache and indexes, on which objects are laid instead of applied.

Filled from files (`render`), or from lists of a cluster and files on top of them (`plan`).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bolwerk.core.kinds import LOCAL_MODEL, SOVEREIGNTY_POLICY, Kind, Ref
from bolwerk.core.model.reconcile import reconcile as reconcile_model
from bolwerk.core.plan import Manifest, Plan, Refusal
from bolwerk.core.policy.reconcile import reconcile as reconcile_policy
from bolwerk.core.settings import Settings
from bolwerk.preview.documents import RECONCILED, Documents
from bolwerk.shell.cache import Cache
from bolwerk.shell.models import LocalModels
from bolwerk.shell.policies import SovereigntyPolicies
from bolwerk.shell.trim import unpack

__all__ = ["World"]


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision, and the object as it was when that was made."""

    resource: Mapping[str, Any]
    plan: Plan


class World:
    """What the operator would know, and what it would decide about it.

    Parameters
    ----------
    served
        Which of the optional kinds the API server serves, or would have to.
    """

    def __init__(self, settings: Settings, *, served: frozenset[Kind]) -> None:
        self.cache = Cache()
        self._settings = settings
        self.models = LocalModels(self.cache, settings=settings)
        self.policies = SovereigntyPolicies(self.cache, served=served, settings=settings)
        self._numbers: dict[str, itertools.count[int]] = {"00000000": itertools.count(), "ffffffff": itertools.count()}

    def lay(self, documents: Documents) -> frozenset[Ref]:
        """Lay objects on what is there, as if they had been applied.

        Returns
        -------
        frozenset
            The reconciled objects whose decision may be another one now.
        """
        concerned: frozenset[Ref] = frozenset()
        for ref, manifest in documents:
            live = self.live(ref)
            wished = manifest["metadata"]
            metadata = {**(live or {}).get("metadata", {}), **wished}
            for field in ("labels", "annotations"):
                before = (live or {}).get("metadata", {}).get(field) or {}
                metadata[field] = {**before, **wished.get(field, {})}
            metadata["generation"] = metadata.get("generation", 0) + (
                live is None or live.get("spec") != manifest.get("spec")
            )
            concerned |= self.put(ref, {**(live or {}), **manifest, "metadata": metadata})
        return concerned

    def put(self, ref: Ref, manifest: Mapping[str, Any], *, now: datetime | None = None) -> frozenset[Ref]:
        """Take in an object as the API server would keep it."""
        entry = self.cache.find(ref)
        if entry:
            given = {"uid": entry.uid, "resourceVersion": str(entry.version + 1)}
        else:
            given = {"uid": self._uid(ref), "resourceVersion": "1"}
        created = {"creationTimestamp": now.isoformat()} if now and not entry else {}
        return self.cache.put(ref.kind, {**manifest, "metadata": {**created, **manifest["metadata"], **given}})

    def _uid(self, ref: Ref) -> str:
        """Return what stands for the uid that only the API server gives; owners, which are shown, have plain ones."""
        kind = "00000000" if ref.kind in RECONCILED else "ffffffff"
        return f"{kind}-0000-0000-0000-{next(self._numbers[kind]):012}"

    def live(self, ref: Ref) -> Manifest | None:
        """Return an object as it is now, or None."""
        entry = self.cache.find(ref)
        return unpack(entry.packed) if entry else None

    def refs(self) -> tuple[Ref, ...]:
        """Return every reconciled object, the walls first."""
        return tuple(
            Ref(kind, *key) for kind in (SOVEREIGNTY_POLICY, LOCAL_MODEL) for key in sorted(self.cache.entries(kind))
        )

    def decide(self, ref: Ref, now: datetime, *, refusals: tuple[Refusal, ...] = ()) -> Decided | None:
        """Decide about one object as the operator does; None when it is not there."""
        if ref.kind == LOCAL_MODEL:
            model = self.models.observe(ref.key, refusals=refusals)
            return Decided(model.model, reconcile_model(model, self._settings, now)) if model else None
        policy = self.policies.observe(ref.key, refusals=refusals)
        return Decided(policy.policy, reconcile_policy(policy, self._settings, now)) if policy else None
