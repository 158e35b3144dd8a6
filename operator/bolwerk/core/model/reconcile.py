"""The reconciliation of one LocalModel: what should be, what is, and what to do about the difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bolwerk.core.conclusion import ABSENT, Live, changes, concluded, named, surplus
from bolwerk.core.conditions import Condition, true
from bolwerk.core.invalid import InvalidSpecError
from bolwerk.core.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    NETWORK_POLICY,
    POD_DISRUPTION_BUDGET,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
)
from bolwerk.core.model.children.deployment import TEMPLATE_HASH, deployment, held_back
from bolwerk.core.model.children.gate import canary_map, is_gated, names_gate
from bolwerk.core.model.children.networkpolicy import network_policy
from bolwerk.core.model.children.poddisruptionbudget import pod_disruption_budget
from bolwerk.core.model.children.service import service
from bolwerk.core.model.children.serviceaccount import service_account
from bolwerk.core.model.conditions.summary import stall_of
from bolwerk.core.model.conditions.view import View
from bolwerk.core.model.engine import engine_parts
from bolwerk.core.model.engine.parts import EngineParts
from bolwerk.core.model.gate import at_gate
from bolwerk.core.model.measured import measured
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
    objection = _objection(observed, subject, engine, settings)
    live = named(observed.children, DEPLOYMENT, subject.name)
    found = measured(observed, subject, named(observed.children, SERVICE, subject.name), now)
    desired = children(subject, engine, settings.image, canaries=observed.canaries, withheld=found.withheld)
    if live is not None:
        desired[DEPLOYMENT] = held_back(desired[DEPLOYMENT], live)
    tampered = live is not None and names_gate(live) and not is_gated(_pod_spec(live), _pod_spec(desired[DEPLOYMENT]))
    template_hash = desired[DEPLOYMENT]["metadata"]["annotations"][TEMPLATE_HASH]
    if objection:
        # The pods stay as they are; the wall around them is still kept.
        del desired[DEPLOYMENT]
    wanted = [(kind, desired[kind]) for kind in CHILD_KINDS if kind in desired]
    apply = tuple(changes(wanted, observed.children, exact=EXACT, restored=_restored(observed, subject)))
    # An absent policy is applied before anything else, so that it stands when this status is written.
    unsealed = next((each.because for each in apply if each.kind == NETWORK_POLICY and each.because != ABSENT), None)
    current = tuple(of_template(observed.pods, template_hash))
    gate = at_gate(current, now)
    view = View(subject, observed, live, current, unsealed, tampered, gate, found)
    status = status_of(view, engine, stalled=objection or stall_of(observed.refusals), now=now)
    left = min(gate.until, found.tally.until_stale(now))
    return concluded(
        observed.model,
        status,
        apply=apply,
        delete=tuple(surplus(wanted, _dispensable(observed, live, objection))),
        alarming=ALARMING,
        requeue_after=left if left < float("inf") else None,
    )


def children(
    subject: Subject, engine: EngineParts, gate_image: str, *, canaries: tuple[str, ...], withheld: bool
) -> dict[Kind, Manifest]:
    """Return every child that should exist, in the order in which they are applied."""
    desired = {
        SERVICE_ACCOUNT: service_account(subject),
        NETWORK_POLICY: network_policy(subject, engine),
        SERVICE: service(subject, engine, withheld=withheld),
    }
    if subject.spec.replicas > 1:
        desired[POD_DISRUPTION_BUDGET] = pod_disruption_budget(subject)
    if subject.spec.isolation.required and canaries:
        desired[CONFIG_MAP] = canary_map(subject, canaries)
    return desired | {DEPLOYMENT: deployment(subject, engine, gate_image)}


def _pod_spec(deployment: Mapping[str, Any]) -> Mapping[str, Any]:
    spec: Mapping[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


def _dispensable(observed: Observed, live: Mapping[str, Any] | None, objection: Condition | None) -> Live:
    """Return the children that may be deleted when they are no longer desired.

    Not the pods while nothing can take their place, and not what tells their gates where the canary is.
    """
    kept = {DEPLOYMENT, CONFIG_MAP} if objection else {CONFIG_MAP} if live and names_gate(live) else set()
    return {kind: each for kind, each in observed.children.items() if kind not in kept}


def _objection(observed: Observed, subject: Subject, engine: EngineParts, settings: Settings) -> Condition | None:
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
    if not subject.spec.isolation.required:
        return None
    if not settings.image:
        return true(
            "Stalled",
            Reason.NO_GATE_IMAGE,
            "this installation does not know its own image, which the isolation gate runs: set image among the values "
            "of the chart (proof.image of the settings), or isolation.required: false to serve without having seen "
            "that nothing gets out",
        )
    if not observed.canaries:
        return true(
            "Stalled",
            Reason.NO_CANARY,
            "Bolwerk's canary, which the isolation gate must not reach, has no address: set canary.enabled among the "
            "values of the chart, or isolation.required: false to serve without having seen that nothing gets out",
        )
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
