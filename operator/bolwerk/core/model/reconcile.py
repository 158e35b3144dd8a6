"""The reconciliation of one LocalModel: what should be, what is, and what to do about the difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from bolwerk.core.conclusion import ABSENT, changes, concluded, named, surplus
from bolwerk.core.conditions import Condition, true
from bolwerk.core.invalid import InvalidSpecError
from bolwerk.core.kinds import (
    DEPLOYMENT,
    NETWORK_POLICY,
    POD_DISRUPTION_BUDGET,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
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
from bolwerk.core.model.status import status_of, status_of_invalid
from bolwerk.core.model.subject import Subject
from bolwerk.core.plan import Apply, Event, Manifest, Plan
from bolwerk.core.reasons import Reason
from bolwerk.core.settings import Settings

__all__ = ["children", "reconcile"]

EXACT: Mapping[Kind, tuple[str, ...]] = {NETWORK_POLICY: ("spec",)}
ALARMING = frozenset({"Isolated"})


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
        return concluded(observed.model, status_of_invalid(observed.model, stalled, now=now), alarming=ALARMING)
    engine = engine_parts(subject, settings)
    objection = _objection(subject, engine)
    live = named(observed.children, DEPLOYMENT, subject.name)
    desired = children(subject, engine)
    if live is not None:
        desired[DEPLOYMENT] = held_back(desired[DEPLOYMENT], live)
    template_hash = desired[DEPLOYMENT]["metadata"]["annotations"][TEMPLATE_HASH]
    if objection:
        # The pods stay as they are; the wall around them is still kept.
        del desired[DEPLOYMENT]
    wanted = [(kind, desired[kind]) for kind in CHILD_KINDS if kind in desired]
    apply = tuple(changes(wanted, observed.children, exact=EXACT, restored=_restored(observed, subject)))
    # An absent policy is applied before anything else, so that it stands when this status is written.
    unsealed = next((each.because for each in apply if each.kind == NETWORK_POLICY and each.because != ABSENT), None)
    view = View(subject, observed, live, tuple(of_template(observed.pods, template_hash)), unsealed)
    status = status_of(view, engine, stalled=objection or stall_of(observed.refusals), now=now)
    dispensable = {kind: each for kind, each in observed.children.items() if kind != DEPLOYMENT or not objection}
    return concluded(observed.model, status, apply=apply, delete=tuple(surplus(wanted, dispensable)), alarming=ALARMING)


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


def _restored(observed: Observed, subject: Subject) -> Callable[[Apply], Event | None]:
    """Tell when the wall was found damaged although nothing new was asked of it."""
    asked_before = (observed.model.get("status") or {}).get("observedGeneration") == subject.generation

    def tell(apply: Apply) -> Event | None:
        if apply.kind != NETWORK_POLICY or not asked_before:
            return None
        what = "deleted" if apply.because == ABSENT else f"changed at {apply.because}"
        message = f"NetworkPolicy {subject.name} was found {what} and has been restored"
        return Event("Warning", Reason.SEAL_RESTORED, "Restore", message)

    return tell
