"""Serving: the engine of the present pod template answers. Pods of an earlier template do not count."""

from __future__ import annotations

from bolwerk.core.conditions import Condition, false, true
from bolwerk.core.model import pods as reading
from bolwerk.core.model import startup
from bolwerk.core.model.conditions.view import View
from bolwerk.core.reasons import Reason

__all__ = ["TYPE", "serving"]

TYPE = "Serving"

REASONS = {
    "crash": Reason.ENGINE_CRASHING,
    "image": Reason.IMAGE_PULL_FAILED,
    "container": Reason.CONTAINER_NOT_STARTED,
}


def serving(view: View) -> Condition:
    """Decide the condition."""
    wanted, ready = view.subject.spec.replicas, view.ready
    if wanted == 0:
        return false(TYPE, Reason.SCALED_TO_ZERO, "no replicas are asked for")
    if ready >= wanted:
        return true(TYPE, Reason.ANSWERING, f"{ready} of {wanted} replicas answer")
    reason, message = _why(view)
    meanwhile = "; the pods of an earlier generation still answer" if view.older_ready else ""
    return false(TYPE, reason, message + meanwhile)


def _why(view: View) -> tuple[Reason, str]:
    wanted, ready = view.subject.spec.replicas, view.ready
    for trouble in reading.troubles(view.current):
        prefix = f"{ready} of {wanted} replicas answer; " if ready else ""
        return REASONS[trouble.kind], prefix + trouble.message
    progress = view.rollout("Progressing")
    if progress.get("reason") == "ProgressDeadlineExceeded":
        seconds = startup.startup_seconds(view.subject.spec)
        return (
            Reason.DEADLINE_EXCEEDED,
            f"no answer within {seconds // 60} minutes: read the engine's log, or raise rollout.startupTimeoutSeconds",
        )
    if ready:
        return Reason.PARTLY_ANSWERING, f"{ready} of {wanted} replicas answer"
    if not any(map(reading.is_scheduled, view.current)):
        return Reason.WAITING_FOR_PLACEMENT, "no replica has a node yet"
    if view.gate.waiting and not reading.started(view.current):
        return Reason.WAITING_FOR_GATE, "the engine starts when the isolation gate has seen that nothing gets out"
    minutes = startup.startup_seconds(view.subject.spec) // 60
    return Reason.ENGINE_STARTING, f"the engine is loading the model; it may take up to {minutes} minutes"
