"""Ready, and beside it Reconciling or Stalled: the conditions in one.

Ready takes the first aspect that is not well, in the order in which a model comes to life, so that `kubectl get`
answers "why not?" in one line. Isolated counts when it is False; that nothing has been measured yet does not
keep a model from being ready, it only is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bolwerk.core.conditions import Condition, false, true
from bolwerk.core.plan import Refusal
from bolwerk.core.reasons import Reason

__all__ = ["phase", "stall_of", "summary"]

PHASES = {
    Reason.READY: "Ready",
    Reason.SCALED_TO_ZERO: "Stopped",
    Reason.CLAIM_MISSING: "WaitingForModel",
    Reason.CLAIM_PENDING: "WaitingForModel",
    Reason.CLAIM_LOST: "WaitingForModel",
    Reason.IMAGE_NOT_MOUNTED_YET: "WaitingForModel",
    Reason.UNSCHEDULABLE: "WaitingForNode",
    Reason.WAITING_FOR_PODS: "WaitingForNode",
    Reason.WAITING_FOR_PLACEMENT: "WaitingForNode",
    Reason.WAITING_FOR_GATE: "Loading",
    Reason.ENGINE_STARTING: "Loading",
    Reason.PARTLY_ANSWERING: "Degraded",
}

OPEN = frozenset(
    {
        Reason.OPENED_BY_POLICY,
        Reason.NOT_SEALED,
        Reason.GATE_HOLDS,
        Reason.NOT_ENFORCED,
        Reason.BYPASS,
        Reason.OUT_OF_SERVICE,
    }
)
"""Something gets out of the pods, or would if they ran."""

LASTING = OPEN | {Reason.DEADLINE_EXCEEDED}
"""Will not mend by waiting: a person has to act."""


def stall_of(refusals: Sequence[Refusal]) -> Condition | None:
    """Return the condition Stalled for what the cluster refused, or None."""
    for refusal in refusals:
        return true("Stalled", Reason(refusal.reason), f"{refusal.ref.kind.name} {refusal.ref.name}: {refusal.message}")
    return None


def summary(aspects: Iterable[Condition], stalled: Condition | None) -> list[Condition]:
    """Return Ready, and Stalled or Reconciling where one is true."""
    if stalled:
        return [false("Ready", stalled.reason, stalled.message), stalled]
    open_questions = [each for each in aspects if each.status != "True" and not _unmeasured(each)]
    if not open_questions:
        return [true("Ready", Reason.READY, "the model answers its clients")]
    # A definite no says more than a not yet; but that nothing serves is always the consequence of something else.
    causes = [each for each in open_questions if each.status == "False" and each.type != "Serving"]
    wrong = (causes or open_questions)[0]
    ready = false("Ready", wrong.reason, wrong.message)
    if wrong.reason == Reason.SCALED_TO_ZERO:
        return [true("Ready", Reason.SCALED_TO_ZERO, wrong.message)]
    return [ready, true("Stalled" if wrong.reason in LASTING else "Reconciling", wrong.reason, wrong.message)]


def phase(ready: Condition, stalled: Condition | None) -> str:
    """Return the conditions in one word."""
    if ready.reason in OPEN:
        return "NotIsolated"
    return "Stalled" if stalled else PHASES.get(ready.reason, "Failing")


def _unmeasured(condition: Condition) -> bool:
    return condition.type == "Isolated" and condition.status == "Unknown"
