"""The reconciliation of one LocalModel: what should be, what is, and what to do about the difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from bolwerk.core.conditions import Condition, true
from bolwerk.core.difference import difference
from bolwerk.core.invalid import InvalidSpecError
from bolwerk.core.kinds import (
    DEPLOYMENT,
    NETWORK_POLICY,
    POD_DISRUPTION_BUDGET,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
    Ref,
)
from bolwerk.core.model.children.deployment import TEMPLATE_HASH, deployment, held_back
from bolwerk.core.model.children.networkpolicy import network_policy
from bolwerk.core.model.children.poddisruptionbudget import pod_disruption_budget
from bolwerk.core.model.children.service import service
from bolwerk.core.model.children.serviceaccount import service_account
from bolwerk.core.model.conditions.summary import stall_of
from bolwerk.core.model.conditions.view import View
from bolwerk.core.model.engine import engine_parts
from bolwerk.core.model.engine.parts import EngineParts
from bolwerk.core.model.observed import CHILD_KINDS, Observed
from bolwerk.core.model.pods import of_template
from bolwerk.core.model.podtemplate import escapes
from bolwerk.core.model.status import status_of, status_of_invalid, transitions
from bolwerk.core.model.subject import Subject
from bolwerk.core.plan import Apply, Delete, Event, Manifest, Plan
from bolwerk.core.reasons import Reason
from bolwerk.core.settings import Settings

__all__ = ["children", "reconcile"]

ABSENT = "absent"

EXACT: Mapping[Kind, tuple[str, ...]] = {NETWORK_POLICY: ("spec",)}
"""Where a field too many is as wrong as one too few."""


def reconcile(observed: Observed, settings: Settings, now: datetime) -> Plan:
    """Decide what has to change so that the world is as the LocalModel asks.

    Never raises for what a user wrote: a spec that means nothing is a stalled LocalModel whose children are left
    as they are.
    """
    if observed.model["metadata"].get("deletionTimestamp"):
        return Plan()
    try:
        subject = Subject.of(observed.model)
    except InvalidSpecError as error:
        stalled = true("Stalled", Reason.INVALID_SPEC, str(error))
        return _concluded(observed, status_of_invalid(observed.model, stalled, now=now))
    engine = engine_parts(subject, settings)
    objection = _objection(subject, engine)
    live = _named(observed, DEPLOYMENT, subject.name)
    desired = children(subject, engine)
    if live is not None:
        desired[DEPLOYMENT] = held_back(desired[DEPLOYMENT], live)
    template_hash = desired[DEPLOYMENT]["metadata"]["annotations"][TEMPLATE_HASH]
    if objection:
        # The pods stay as they are; the wall around them is still kept.
        del desired[DEPLOYMENT]
    apply = tuple(_to_apply(desired, observed, subject))
    # An absent policy is applied before anything else, so that it stands when this status is written.
    unsealed = next((each.because for each in apply if each.kind == NETWORK_POLICY and each.because != ABSENT), None)
    view = View(subject, observed, live, tuple(of_template(observed.pods, template_hash)), unsealed)
    status = status_of(view, engine, stalled=objection or stall_of(observed.refusals), now=now)
    return _concluded(
        observed,
        status,
        apply=apply,
        delete=tuple(_to_delete(desired, observed, keep={DEPLOYMENT} if objection else set())),
    )


def children(subject: Subject, engine: EngineParts) -> dict[Kind, Manifest]:
    """Return every child that should exist, in the order in which they are applied."""
    desired = {
        SERVICE_ACCOUNT: service_account(subject),
        NETWORK_POLICY: network_policy(subject, engine),
        SERVICE: service(subject, engine),
    }
    if subject.spec.replicas > 1:
        desired[POD_DISRUPTION_BUDGET] = pod_disruption_budget(subject)
    return desired | {DEPLOYMENT: deployment(subject, engine)}


def _objection(subject: Subject, engine: EngineParts) -> Condition | None:
    """Return why no pods can be made from this spec, or None."""
    if not engine.image:
        name = subject.engine_name
        return true(
            "Stalled",
            Reason.NO_ENGINE_IMAGE,
            f"this installation has no default image for {name}: set engine.{name}.image, or engines.{name} among "
            "the values of the chart",
        )
    patch = subject.spec.pod_template
    for sentence in escapes(patch.spec, patch.metadata.annotations):
        return true("Stalled", Reason.POD_TEMPLATE_REFUSED, sentence)
    return None


def _to_apply(desired: Mapping[Kind, Manifest], observed: Observed, subject: Subject) -> Iterator[Apply]:
    for kind in CHILD_KINDS:
        if kind not in desired:
            continue
        manifest = desired[kind]
        live = _named(observed, kind, manifest["metadata"]["name"])
        because = ABSENT if live is None else difference(manifest, live, exact=EXACT.get(kind, ()))
        if because:
            yield Apply(kind, manifest, because, _restored(kind, because, observed, subject))


def _to_delete(desired: Mapping[Kind, Manifest], observed: Observed, *, keep: set[Kind]) -> Iterator[Delete]:
    for kind in CHILD_KINDS:
        wanted = {desired[kind]["metadata"]["name"]} if kind in desired else set()
        for live in observed.children.get(kind, ()):
            metadata = live["metadata"]
            if kind in keep or metadata["name"] in wanted or metadata.get("deletionTimestamp"):
                continue
            yield Delete(Ref(kind, metadata["namespace"], metadata["name"]), metadata["uid"], "no longer desired")


def _restored(kind: Kind, because: str, observed: Observed, subject: Subject) -> Event | None:
    """Tell when the wall was found damaged although nothing new was asked of it."""
    seen = (observed.model.get("status") or {}).get("observedGeneration")
    if kind != NETWORK_POLICY or seen != subject.generation:
        return None
    what = "deleted" if because == ABSENT else f"changed at {because}"
    message = f"NetworkPolicy {subject.name} was found {what} and has been restored"
    return Event("Warning", Reason.SEAL_RESTORED, "Restore", message)


def _concluded(
    observed: Observed,
    status: Manifest,
    *,
    apply: tuple[Apply, ...] = (),
    delete: tuple[Delete, ...] = (),
) -> Plan:
    before = observed.model.get("status") or {}
    return Plan(
        apply=apply,
        delete=delete,
        status=None if status == before else status,
        events=transitions(before.get("conditions") or [], status["conditions"]),
    )


def _named(observed: Observed, kind: Kind, name: str) -> Mapping[str, Any] | None:
    return next((live for live in observed.children.get(kind, ()) if live["metadata"]["name"] == name), None)
