"""What came of the pods of a run: of each its document, or a sentence why it has none, or that it has to be waited for.

A document counts only if it comes from the very pod that the run made: somebody who can write pods' status, or make a
pod that looks like one of ours, must not be able to say that all is well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bolwerk.core.conditions import condition_of
from bolwerk.core.plan import Manifest
from bolwerk.core.proof.arrangement import Assignment
from bolwerk.core.proof.document import Document
from bolwerk.core.proof.pods import PROBE, RUN_SECONDS
from bolwerk.core.proof.reading import Expected, RefusedDocumentError, read_document

__all__ = ["YOUNG", "Answer", "answer", "of_probe"]

Pod = Mapping[str, Any]

START = timedelta(seconds=120)
"""In which the kubelet has to have started a pod."""

YOUNG = timedelta(seconds=90)
"""How long a run still makes pods: what is not there was not made yet, and later it was made and has gone."""

ROUNDING = timedelta(seconds=2)
"""The kubelet writes whole seconds."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one pod.

    Attributes
    ----------
    document
        What it saw, or None.
    why
        Why there is none, in a sentence; empty while it is waited for.
    until
        When the waiting ends; only while it is waited for.
    """

    assignment: Assignment
    document: Document | None = None
    why: str = ""
    until: datetime | None = None


def answer(  # noqa: PLR0911 - one for each way a pod can end
    assignment: Assignment, asked: Manifest, live: Pod | None, *, run: str, started: datetime, now: datetime
) -> Answer:
    """Return what came of a pod so far.

    Parameters
    ----------
    asked
        As it was made.
    live
        As it is, or None.
    started
        When the run began.
    """
    name = f"pod {asked['metadata']['namespace']}/{asked['metadata']['name']}"
    if live is None:
        if now - started < YOUNG:
            return Answer(assignment, until=started + YOUNG)
        return Answer(assignment, why=f"{name} was deleted before it had answered, or could not be made in time")
    if why := _changed(asked, live):
        return Answer(assignment, why=f"{name} is not the one that was asked for: {why}")
    container = of_probe(live)
    ended = (container.get("state") or {}).get("terminated")
    if ended:
        return _read(assignment, live, container, ended, name=name, run=run)
    if why := _over(live, container, now=now):
        return Answer(assignment, why=f"{name} {why}")
    if now - started >= timedelta(seconds=RUN_SECONDS):
        return Answer(assignment, why=f"{name} had not ended {RUN_SECONDS} seconds after the run began")
    return Answer(assignment, until=min(_latest_start(live), started + timedelta(seconds=RUN_SECONDS)))


def _changed(asked: Manifest, live: Pod) -> str:
    """Return what of a pod is another than was asked for, as far as the answer rests on it."""
    want, have = asked["spec"], live.get("spec") or {}
    owners = [each["uid"] for each in live["metadata"].get("ownerReferences") or () if each.get("controller")]
    labels = live["metadata"].get("labels") or {}
    mine = want["containers"][0]
    found: Mapping[str, Any] = next((each for each in have.get("containers") or () if each.get("name") == PROBE), {})
    faults = {
        "it belongs to somebody else": owners != [each["uid"] for each in asked["metadata"]["ownerReferences"]],
        "somebody has changed its labels": not asked["metadata"]["labels"].items() <= labels.items(),
        "it runs on another node": have.get("nodeName") != want["nodeName"],
        "it is on the node's own network": bool(have.get("hostNetwork")),
        "somebody has put an ephemeral container into it": bool(have.get("ephemeralContainers")),
        "its ServiceAccount is another": _account(have) != _account(want),
    } | {
        f"the {field} of its container is another; does an admission webhook change pods?": (found.get(field) or None)
        != mine.get(field)
        for field in ("image", "command", "args", "env", "envFrom", "lifecycle")
    }
    return next((fault for fault, is_so in faults.items() if is_so), "")


def _account(spec: Mapping[str, Any]) -> str:
    return str(spec.get("serviceAccountName") or "default")


def _read(
    assignment: Assignment,
    live: Pod,
    container: Mapping[str, Any],
    ended: Mapping[str, Any],
    *,
    name: str,
    run: str,
) -> Answer:
    if container.get("restartCount"):
        return Answer(assignment, why=f"{name} has been started more than once")
    text = str(ended.get("message") or "")
    if not text:
        return Answer(
            assignment,
            why=f"{name} left no document: it ended with code {ended.get('exitCode')} ({ended.get('reason')})",
        )
    status = live.get("status") or {}
    expected = Expected(
        run=run,
        pod=live["metadata"]["uid"],
        node=live["spec"]["nodeName"],
        addresses=tuple(str(each.get("ip", "")) for each in status.get("podIPs") or ()),
        targets=len(assignment.targets),
        earliest=_time(status.get("startTime") or live["metadata"]["creationTimestamp"]) - ROUNDING,
        latest=_time(ended.get("finishedAt") or live["metadata"]["creationTimestamp"]) + ROUNDING,
    )
    try:
        return Answer(assignment, read_document(text, expected))
    except RefusedDocumentError as error:
        how = f" (it ended with code {ended['exitCode']}: {ended.get('reason')})" if ended.get("exitCode") else ""
        return Answer(assignment, why=f"the document of {name} is refused: {error}{how}")


def _over(live: Pod, container: Mapping[str, Any], *, now: datetime) -> str:
    """Return why nothing will come of a pod, in the kubelet's own words where it has any."""
    status = live.get("status") or {}
    if status.get("phase") in ("Failed", "Succeeded"):
        said = ": ".join(str(status[field]) for field in ("reason", "message") if status.get(field))
        return f"ended without an answer: {said or status['phase']}"
    if live["metadata"].get("deletionTimestamp"):
        return "is being deleted, and had not answered"
    if "running" in (container.get("state") or {}) or now < _latest_start(live):
        return ""
    waiting = (container.get("state") or {}).get("waiting") or {}
    said = ": ".join(str(waiting[field]) for field in ("reason", "message") if waiting.get(field))
    sandbox = condition_of(status, "PodReadyToStartContainers")
    if sandbox.get("status") == "False":
        said = (
            f"{said or 'ContainerCreating'}; it has no network yet: look whether the network plugin's agent runs here"
        )
    return (
        f"was not started in {START.seconds} seconds: {said or 'the kubelet has not taken it up; look at the node'} "
        "(kubectl get events tells more)"
    )


def _latest_start(live: Pod) -> datetime:
    return _time(live["metadata"]["creationTimestamp"]) + START


def of_probe(live: Pod) -> Mapping[str, Any]:
    """Return what the kubelet says of the probe's container, empty while it says nothing."""
    statuses = (live.get("status") or {}).get("containerStatuses") or ()
    return next((each for each in statuses if each.get("name") == PROBE), {})


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
