"""Networks for the cluster in memory: what a target answers to a pod, by the pod's namespace and labels alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bolwerk.core.proof.document import Outcome, Result
from bolwerk.core.proof.pods import ARM_LABEL
from bolwerk.core.proof.task import CLUSTER_DNS, Target

Network = Callable[[Target, Mapping[str, Any]], Result]
"""What a target answers to a pod."""


def is_control(pod: Mapping[str, Any]) -> bool:
    return bool(pod["metadata"]["namespace"] == "bolwerk")


def open_to_all(target: Target, _: Mapping[str, Any]) -> Result:
    """Answer like a network that enforces nothing."""
    if target.vector == "Name":
        return Result(o="NoSuchName")
    if target.vector == "Metadata":
        return Result(o="TimedOut", n=3)
    return Result(o="Answered" if target.vector in ("UDP", "DNS") else "Connected")


def walled(target: Target, pod: Mapping[str, Any]) -> Result:
    """Answer like a network in which every wall holds."""
    if is_control(pod) or target.arm == "Function":
        return open_to_all(target, pod)
    return Result(o="NoSuchName") if target.vector == "Name" else Result(o="TimedOut", n=3)


def but(
    network: Network, outcome: Outcome, *, when: Callable[[Target, Mapping[str, Any]], bool], d: str = ""
) -> Network:
    """Return a network that answers otherwise to some."""
    return lambda target, pod: Result(o=outcome, n=1, d=d) if when(target, pod) else network(target, pod)


def is_canary(target: Target) -> bool:
    return target.address not in ("", CLUSTER_DNS) and target.vector in ("TCP", "UDP")


def is_out(target: Target, pod: Mapping[str, Any]) -> bool:
    """Whether a pod that is held tries what it must not reach."""
    return bool(pod["metadata"]["labels"][ARM_LABEL] == "treatment") and target.arm == "Treatment"
