"""Scheduled: every replica has a node, or the scheduler's own reason why not."""

from __future__ import annotations

import re

from bolwerk.core.conditions import Condition, false, true, unknown
from bolwerk.core.model import pods as reading
from bolwerk.core.model.conditions.view import View
from bolwerk.core.reasons import Reason

__all__ = ["TYPE", "scheduled"]

TYPE = "Scheduled"

GENERATED_NAME = re.compile(r'pods "[^"]*"')


def scheduled(view: View) -> Condition:
    """Decide the condition."""
    wanted = view.subject.spec.replicas
    if wanted == 0:
        return true(TYPE, Reason.SCALED_TO_ZERO, "no replicas are asked for")
    refused = view.rollout("ReplicaFailure")
    if refused.get("status") == "True":
        # The name is another one at every attempt, and each would be a write.
        why = GENERATED_NAME.sub("pods", refused.get("message") or "no reason is given")
        return false(TYPE, Reason.PODS_REFUSED, f"the cluster refuses the pods: {why}")
    message = reading.unschedulable(view.current)
    if message is not None:
        return false(TYPE, Reason.UNSCHEDULABLE, message)
    placed = sum(map(reading.is_scheduled, view.current))
    if placed < wanted:
        return unknown(TYPE, Reason.WAITING_FOR_PODS, f"{placed} of {wanted} replicas have a node")
    return true(TYPE, Reason.PLACED, f"{wanted} of {wanted} replicas have a node")
