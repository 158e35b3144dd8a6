"""Reading the pods of a LocalModel: which are of the present template, and what keeps the others from serving."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bolwerk.core.conditions import condition_of
from bolwerk.core.model.children.deployment import TEMPLATE_HASH
from bolwerk.core.model.children.gate import GATE
from bolwerk.core.model.children.pod import ENGINE
from bolwerk.core.model.gate import holds

__all__ = ["Trouble", "is_ready", "is_scheduled", "of_template", "started", "troubles", "unschedulable"]

Pod = Mapping[str, Any]

NOT_PULLED = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"}
)
STARTING = frozenset({"ContainerCreating", "PodInitializing", ""})


@dataclass(frozen=True, slots=True, order=True)
class Trouble:
    """Why a container does not run, without names or counts that differ between replicas or repetitions."""

    kind: str
    message: str


def of_template(pods: Iterable[Pod], template_hash: str) -> list[Pod]:
    """Return the pods that were made from this template and are not on their way out."""
    return [
        pod
        for pod in pods
        if (pod["metadata"].get("annotations") or {}).get(TEMPLATE_HASH) == template_hash
        and not pod["metadata"].get("deletionTimestamp")
    ]


def is_ready(pod: Pod) -> bool:
    """Whether the engine answers its readiness probe."""
    return _condition(pod, "Ready").get("status") == "True" and not pod["metadata"].get("deletionTimestamp")


def is_scheduled(pod: Pod) -> bool:
    """Whether a node has taken it."""
    return _condition(pod, "PodScheduled").get("status") == "True"


def unschedulable(pods: Iterable[Pod]) -> str | None:
    """Return the scheduler's own words on the first pod that it cannot place."""
    messages = (
        str(placed.get("message") or placed.get("reason") or "")
        for placed in (_condition(pod, "PodScheduled") for pod in pods)
        if placed.get("status") == "False"
    )
    return min(messages, default=None)


def started(pods: Iterable[Pod]) -> bool:
    """Whether some pod's engine has been started, so that all its volumes were mounted."""
    return any("running" in state or "terminated" in state for pod in pods for state in _states(pod))


def troubles(pods: Iterable[Pod]) -> list[Trouble]:
    """Return what is wrong with containers, the same for every replica that has it, in a stable order.

    A gate that ends because something gets out is none: it does its work.
    """
    return sorted({trouble for pod in pods for status in _statuses(pod) for trouble in _troubles(status)})


def _troubles(status: Mapping[str, Any]) -> Iterator[Trouble]:
    name = status.get("name", "")
    waiting = (status.get("state") or {}).get("waiting") or {}
    reason = waiting.get("reason") or ""
    ended = (status.get("state") or {}).get("terminated") or (status.get("lastState") or {}).get("terminated")
    if reason in NOT_PULLED:
        why = _pull_message(waiting.get("message") or reason)
        gate = f"the isolation gate runs Bolwerk's own image, which imagePullSecrets must be able to pull: {why}"
        yield Trouble("image", gate if name == GATE else why)
    elif reason in STARTING | {"CrashLoopBackOff"}:
        if ended and not status.get("ready") and ended.get("exitCode") != 0 and not holds(status):
            yield Trouble("crash", _crash_message(name, ended))
    else:
        yield Trouble("container", f"{reason}: {waiting.get('message') or 'the kubelet gives no more detail'}")


def _pull_message(message: str) -> str:
    # The kubelet alternates between the error and its back-off; both carry the error behind this word.
    return message.rpartition("ErrImagePull: ")[2]


def _crash_message(name: str, ended: Mapping[str, Any]) -> str:
    who = "the engine" if name == ENGINE else f"container {name}"
    if ended.get("reason") == "OOMKilled":
        where = "resources.limits.memory" if name == ENGINE else "its limit in podTemplate"
        return f"{who} ran out of memory and was killed: raise {where} or ask for less"
    return (
        f"{who} exits with code {ended.get('exitCode')}: {_telling_line(ended.get('message') or 'it left no message')}"
    )


def _telling_line(log: str) -> str:
    """Return the line that most likely says why: the last error that is not merely about another error."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line and "See root cause" not in line]
    return (errors or lines or [log])[-1]


def _statuses(pod: Pod) -> Iterator[Mapping[str, Any]]:
    status = pod.get("status") or {}
    yield from status.get("initContainerStatuses") or []
    yield from status.get("containerStatuses") or []


def _states(pod: Pod) -> Iterator[Mapping[str, Any]]:
    for status in (pod.get("status") or {}).get("containerStatuses") or []:
        yield status.get("state") or {}
        yield status.get("lastState") or {}


def _condition(pod: Pod, type_: str) -> Mapping[str, Any]:
    return condition_of(pod.get("status") or {}, type_)
