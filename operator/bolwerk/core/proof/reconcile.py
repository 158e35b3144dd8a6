"""The reconciliation of one node: whether it has to be measured, and what has become of the run that measures it.

All that is known of a run stands in its pods, so that an operator that starts anew goes on with it. The control is what
a run is known by: it lives in the operator's own namespace, where nobody else makes pods.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bolwerk import __version__
from bolwerk.core.conclusion import ABSENT, ref_of
from bolwerk.core.conditions import condition_of
from bolwerk.core.kinds import ISOLATION_PROOF, POD, Ref
from bolwerk.core.plan import Apply, Delete, Manifest, Plan
from bolwerk.core.proof.arrangement import Arrangement, Assignment, arrangement
from bolwerk.core.proof.collect import Answer, answer, of_probe
from bolwerk.core.proof.due import Trigger, due, place
from bolwerk.core.proof.history import surplus_proofs
from bolwerk.core.proof.inputs import inputs_of
from bolwerk.core.proof.observed import Observed
from bolwerk.core.proof.pods import (
    ARM_LABEL,
    INPUTS,
    NAME_PREFIX,
    RUN_LABEL,
    RUN_SECONDS,
    TRIGGER,
    label_of,
    pod,
)
from bolwerk.core.proof.record import Run, record
from bolwerk.core.proof.sightings import sightings
from bolwerk.core.settings import Settings

__all__ = ["reconcile"]

TURN = timedelta(seconds=15)
"""After which, or up to twice that, a node asks again whether fewer others are being measured."""

Pod = Mapping[str, Any]


def reconcile(observed: Observed, settings: Settings, now: datetime) -> Plan:
    """Decide what has to be done about measuring a node. Writes no status, and never raises for what a user wrote."""
    if observed.node["metadata"].get("deletionTimestamp"):
        return Plan()
    control = _control(observed, settings)
    if control is None:
        return _between(observed, settings, now)
    arranged = arrangement(observed, settings)
    run = Run(
        id=label_of(control, RUN_LABEL),
        trigger=_annotation(control, TRIGGER),
        inputs=_annotation(control, INPUTS),
        started=datetime.fromisoformat(control["metadata"]["creationTimestamp"]),
    )
    asked = _asked(run, arranged, observed, settings)
    is_over = any(each["spec"]["run"] == run.id for each in observed.proofs)
    if is_over or not asked or asked[0][1]["metadata"]["name"] != control["metadata"]["name"]:
        return Plan(delete=_gone(observed, "written down" if is_over else "the control has to try something else now"))
    return _during(run, asked, observed, arranged, now)


def _between(observed: Observed, settings: Settings, now: datetime) -> Plan:
    """Begin a run if one is due. What is left of one without a control goes: nobody can vouch for it."""
    deletes = (*_gone(observed, "its run has no control"), *surplus_proofs(observed.proofs))
    if not _is_ready(observed):
        return Plan(delete=deletes)
    if observed.running >= settings.proof_concurrency:
        # Asked first: hundreds may wait for their turn, and what follows takes a while in a large cluster.
        return Plan(delete=deletes, requeue_after=TURN.total_seconds() * (1 + place(observed.name)))
    arranged = arrangement(observed, settings)
    if not arranged.assignments:
        return Plan(delete=deletes)
    inputs = inputs_of(observed, arranged)
    following = due(observed, inputs, now)
    if following.at > now:
        return Plan(delete=deletes, requeue_after=(following.at - now).total_seconds())
    run = Run(_id(observed.name, following.trigger, now), following.trigger, inputs, now)
    if why := _control_refused(observed, settings):
        answers = [Answer(each, why=why) for each in arranged.assignments]
        return Plan(apply=(_written(run, answers, observed, arranged, image=settings.image, now=now),), delete=deletes)
    asked = _asked(run, arranged, observed, settings)
    return Plan(apply=tuple(Apply(POD, each, ABSENT) for _, each in asked), delete=deletes, requeue_after=RUN_SECONDS)


def _during(
    run: Run,
    asked: Sequence[tuple[Assignment, Manifest]],
    observed: Observed,
    arranged: Arrangement,
    now: datetime,
) -> Plan:
    live = {ref_of(POD, each): each for each in observed.pods}
    refused = {each.ref: each.message for each in observed.refusals}
    answers, missing = [], []
    for assignment, manifest in asked:
        ref = ref_of(POD, manifest)
        if ref not in live and ref in refused:
            answers.append(Answer(assignment, why=refused[ref]))
            continue
        answers.append(answer(assignment, manifest, live.get(ref), run=run.id, started=run.started, now=now))
        if ref not in live and answers[-1].until:
            missing.append(Apply(POD, manifest, ABSENT))
    waited_for = [each.until for each in answers if each.until]
    if waited_for:
        wanted = {ref_of(POD, manifest) for _, manifest in asked}
        return Plan(
            apply=tuple(missing),
            delete=_gone(observed, "the run asks for it no more", but=wanted),
            requeue_after=max((min(waited_for) - now).total_seconds(), 1),
        )
    return Plan(
        apply=(_written(run, answers, observed, arranged, image=_image(asked[0][1], live), now=now),),
        delete=(*_gone(observed, "its run is over"), *surplus_proofs(observed.proofs, coming=1)),
    )


def _asked(
    run: Run, arranged: Arrangement, observed: Observed, settings: Settings
) -> list[tuple[Assignment, Manifest]]:
    """Return the pods of a run, the control first: without it no other would be known for what it is."""
    known = {"Control": {TRIGGER: run.trigger, INPUTS: run.inputs}}
    return [
        (each, pod(each, settings, node=observed.name, run=run.id, annotations=known.get(each.arm)))
        for each in arranged.assignments
    ]


def _written(
    run: Run, answers: Sequence[Answer], observed: Observed, arranged: Arrangement, *, image: str, now: datetime
) -> Apply:
    proof = record(run, observed, arranged, sightings(answers), image=image, version=__version__, now=now)
    return Apply(ISOLATION_PROOF, proof, ABSENT)


def _image(asked: Manifest, live: Mapping[Ref, Pod]) -> str:
    """Return what the control ran: the image that was asked for, and the digest that the kubelet found under it."""
    image = str(asked["spec"]["containers"][0]["image"])
    found = str(of_probe(live[ref_of(POD, asked)]).get("imageID", "")) if ref_of(POD, asked) in live else ""
    digest = found.rpartition("@")[2]
    return f"{image}@{digest}" if digest.startswith("sha256:") and "@" not in image else image


def _control(observed: Observed, settings: Settings) -> Pod | None:
    """Return the control of the run that is on, or None."""
    uid = observed.node["metadata"]["uid"]
    found = [
        each
        for each in _ours(observed)
        if each["metadata"]["namespace"] == settings.namespace
        and label_of(each, ARM_LABEL) == "control"
        and _owner(each) == uid
        and _annotation(each, TRIGGER)
        and _annotation(each, INPUTS)
    ]
    return min(found, key=lambda each: (each["metadata"]["creationTimestamp"], each["metadata"]["name"]), default=None)


def _ours(observed: Observed) -> list[Pod]:
    """Return the pods that were made for this node, whosoever they are now, and that are not on their way out."""
    return [
        each
        for each in observed.pods
        if each["metadata"]["name"].startswith(NAME_PREFIX) and not each["metadata"].get("deletionTimestamp")
    ]


def _owner(found: Pod) -> str:
    owners = found["metadata"].get("ownerReferences") or ()
    return next((str(each["uid"]) for each in owners if each.get("controller")), "")


def _gone(observed: Observed, because: str, *, but: Collection[Ref] = ()) -> tuple[Delete, ...]:
    return tuple(
        Delete(ref, each["metadata"]["uid"], because)
        for each in _ours(observed)
        if (ref := ref_of(POD, each)) not in but
    )


def _control_refused(observed: Observed, settings: Settings) -> str:
    """Return why the cluster takes no control, or an empty string."""
    return next(
        (
            each.message
            for each in observed.refusals
            if each.ref.kind == POD and each.ref.namespace == settings.namespace
        ),
        "",
    )


def _annotation(found: Pod, name: str) -> Any:
    return (found["metadata"].get("annotations") or {}).get(name, "")


def _is_ready(observed: Observed) -> bool:
    """Whether the kubelet would make pods at all: on a node that is away nothing can be shown."""
    return condition_of(observed.node.get("status") or {}, "Ready").get("status") == "True"


def _id(node: str, trigger: Trigger, now: datetime) -> str:
    return hashlib.sha256(f"{node}\n{trigger}\n{now.isoformat()}".encode()).hexdigest()[:10]
