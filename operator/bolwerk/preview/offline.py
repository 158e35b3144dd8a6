"""What the operator would apply for the objects of some files in an otherwise empty cluster: `bolwerk render`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from bolwerk.core.egress.backend import BACKENDS, Backend
from bolwerk.core.kinds import CONFIG_MAP, LOCAL_MODEL, NAMESPACE, SERVICE, SOVEREIGNTY_POLICY, Kind, Ref
from bolwerk.core.plan import Apply, Manifest, Refusal
from bolwerk.core.policy.observed import OPTIONAL_KINDS, OVERLAY_NAME
from bolwerk.core.reasons import Reason
from bolwerk.core.settings import Settings
from bolwerk.preview.documents import RECONCILED, Document, Documents
from bolwerk.preview.refused import RefusedError
from bolwerk.preview.rehearsal import Outcome, Rehearsal
from bolwerk.preview.world import World

__all__ = ["BACKEND_NAMES", "Rendered", "render"]

BACKEND_NAMES = tuple(backend.name for backend in BACKENDS)
COMPONENT = "app.kubernetes.io/component"

CANARY = "192.0.2.1"
"""Of a network for documentation."""

BESIDE = frozenset({Reason.OVERLAPPING_POLICY, Reason.REOPENED})
"""What others do to a wall: it is made all the same."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What would be applied, in that order, and what a reader should know who sees no more than that."""

    manifests: tuple[Manifest, ...]
    remarks: tuple[str, ...]


def render(
    documents: Documents, settings: Settings, *, now: datetime, backend: str | None = None, only: str | None = None
) -> Rendered:
    """Work out what would be applied for all LocalModels and SovereigntyPolicies among the documents.

    Parameters
    ----------
    backend
        Takes the place of `spec.enforcement.backend`; its API is taken as served.
    only
        One component of the SovereigntyPolicies (`wall`, `admission`, `dns`), and nothing of LocalModels.

    Raises
    ------
    RefusedError
        If one of them would be stalled, or there is nothing to render.
    """
    if backend is not None and backend not in BACKEND_NAMES:
        raise RefusedError(f"there is no backend {backend}: name one of {', '.join(BACKEND_NAMES)}")
    kinds = RECONCILED if only is None else (SOVEREIGNTY_POLICY,)
    wanted = [ref for ref, _ in documents if ref.kind in kinds]
    if not wanted:
        raise RefusedError(f"there is no {' and no '.join(kind.name for kind in kinds)} in what was given")
    placed = tuple((ref, _with(backend, ref, manifest)) for ref, manifest in documents)
    # Which Service of which address it is, only an installation knows; that there is one decides what is made.
    settings = replace(settings, canary_service=settings.canary_service or "bolwerk-canary")
    world = World(settings, served=_served(placed))
    world.lay((_canary(settings), *placed))
    outcomes = asyncio.run(_rehearse(world, wanted, now))
    manifests = [
        change.desired
        for outcome in outcomes
        for change in outcome.changes
        if change.desired is not None
        and (only is None or change.desired["metadata"].get("labels", {}).get(COMPONENT) == only)
    ]
    return Rendered(tuple(manifests), tuple(_remarks(placed, settings, outcomes)))


def _canary(settings: Settings) -> Document:
    ref = Ref(SERVICE, settings.namespace, settings.canary_service)
    spec = {"clusterIPs": [CANARY], "ports": [{"name": "tcp", "port": 8443, "protocol": "TCP"}]}
    return ref, {"metadata": {"namespace": ref.namespace, "name": ref.name}, "spec": spec}


async def _rehearse(world: World, wanted: list[Ref], now: datetime) -> list[Outcome]:
    async def guard(apply: Apply, _: Ref, uid: str) -> Manifest | Refusal:
        entry = world.cache.find(apply.ref)
        if entry is not None and entry.owner != uid:
            raise RefusedError(f"{apply.ref} is the name of an object that Bolwerk would make: give yours another")
        return apply.manifest

    rehearsal = Rehearsal(world, guard=guard, now=now)
    outcomes = []
    for ref in wanted:
        outcome = await rehearsal.of(ref)
        for condition in outcome.status.get("conditions", ()):
            if condition["type"] == "Stalled" and condition["reason"] not in BESIDE:
                raise RefusedError(f"{ref}: {condition['message']}")
        outcomes.append(outcome)
    return outcomes


def _with(backend: str | None, ref: Ref, manifest: Manifest) -> Manifest:
    spec = manifest.get("spec")
    if ref.kind != SOVEREIGNTY_POLICY or not isinstance(spec, dict):
        return manifest
    enforcement = spec.get("enforcement") or {}
    if backend is None:
        if enforcement.get("backend", "Auto") == "Auto":
            raise RefusedError(
                f"{ref}: spec.enforcement.backend is Auto, and only a cluster can choose; name one by --backend "
                f"({', '.join(BACKEND_NAMES)}), or ask a cluster by `bolwerk plan`"
            )
        return manifest
    return {**manifest, "spec": {**spec, "enforcement": {**enforcement, "backend": backend}}}


def _served(placed: Documents) -> frozenset[Kind]:
    """Return the optional kinds that have to be there: those of the named backends, and those of the files' objects."""
    by_name: dict[str, Backend] = {each.name: each for each in BACKENDS}
    served = {ref.kind for ref, _ in placed}
    for ref, manifest in placed:
        if ref.kind == SOVEREIGNTY_POLICY:
            named = ((manifest.get("spec") or {}).get("enforcement") or {}).get("backend")
            served.update(by_name[named].kinds if named in by_name else ())
    return frozenset(served & {*OPTIONAL_KINDS})


def _remarks(placed: Documents, settings: Settings, outcomes: Iterable[Outcome]) -> Iterator[str]:
    for ref, _ in placed:
        if ref.kind == CONFIG_MAP and ref.namespace != settings.namespace:
            yield (
                f"{ref} has no say: the operator reads {OVERLAY_NAME} of its own namespace, {settings.namespace} "
                "(--namespace)"
            )
    kinds = {ref.kind for ref, _ in placed}
    if any(change.ref.kind == CONFIG_MAP and outcome.ref.kind == LOCAL_MODEL
           for outcome in outcomes for change in outcome.changes):  # fmt: skip
        yield f"{CANARY} stands for the address of the canary, which only a cluster knows"
    for outcome in outcomes:
        status = outcome.status
        if status.get("backend") == "NetworkPolicy" and NAMESPACE not in kinds:
            yield f"{outcome.ref}: add the Namespaces to see the NetworkPolicies of those that are governed"
        yield from (f"{outcome.ref}: {finding['message']}" for finding in status.get("findings", ()))
        yield from (f"{outcome.ref}: {limit}" for limit in status.get("limits", ()))
