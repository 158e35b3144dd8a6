"""Which pods a run has, and what each of them has to try."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bolwerk.api.access import Client
from bolwerk.core.kinds import NODE
from bolwerk.core.model.children.service import is_out_of_service
from bolwerk.core.model.subject import Subject as Model
from bolwerk.core.ownership import owned_by
from bolwerk.core.proof.observed import Observed
from bolwerk.core.proof.subjects import Subject, Subjects, subjects
from bolwerk.core.proof.targets import NOTHING, Reachable, addresses_of, control, governed, model, target
from bolwerk.core.proof.task import Arm, Target
from bolwerk.core.proof.words import some
from bolwerk.core.settings import Settings

__all__ = ["MANAGED", "Arrangement", "Assignment", "arrangement"]

MANAGED = {"app.kubernetes.io/managed-by": "bolwerk"}
"""On every probe pod; a client with another value cannot be impersonated."""


NAMED = 3
"""How many pods a remark names."""

GATED_SECONDS = 5.0
"""How long the probe of a model with a gate waits for a network plugin that takes its time with a new pod."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One pod of a run.

    Attributes
    ----------
    arm
        Of the pod; one of `Treatment` may have targets of `Function` too.
    subject
        For whom it speaks; empty for the control.
    labels
        Those by which policies know the subject.
    owner
        Owner references.
    reachable
        What its subject may reach: a name that leads there is a leak.
    patience_seconds
        How long it may still get out: what has a gate starts nothing before.
    """

    arm: Arm
    subject: str
    namespace: str
    labels: Mapping[str, str]
    owner: list[dict[str, Any]]
    targets: tuple[Target, ...]
    service_account: str = ""
    pull_secrets: tuple[str, ...] = ()
    reachable: Reachable = NOTHING
    patience_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Arrangement:
    """All pods of a run, the control first; without a subject that can be tried there are none.

    Attributes
    ----------
    remarks
        What the run does not show, a sentence each.
    policy
        The name of the first policy that governs a subject, or None.
    """

    assignments: tuple[Assignment, ...]
    remarks: tuple[str, ...]
    policy: str | None


def arrangement(observed: Observed, settings: Settings) -> Arrangement:
    """Return what a run on the node would do now; nothing where there is nothing to do, or no image to do it with."""
    whom = subjects(observed, settings)
    remarks = [*_strangers(observed), *whom.remarks]
    tried = [each for subject in whom.found for each in _of(subject, observed, settings, remarks)]
    policy = min((each.policy.name for each in whom.found if each.policy), default=None)
    if not settings.image or not any(each.arm == "Treatment" for each in tried):
        return Arrangement((), tuple(remarks), policy)
    return Arrangement((_control(observed, whom, settings, remarks), *tried), tuple(remarks), policy)


def _strangers(observed: Observed) -> Iterator[str]:
    if observed.strangers:
        yield (
            "pods that bear a model's labels and were not made by it were not tried: "
            f"{some(sorted(observed.strangers), NAMED)}. They may be sent its prompts: see who made them (an "
            "enforcing policy refuses such pods)"
        )


def _control(observed: Observed, whom: Subjects, settings: Settings, remarks: list[str]) -> Assignment:
    tried, more = control(observed, whom)
    remarks += more
    return Assignment(
        arm="Control",
        subject="",
        namespace=settings.namespace,
        labels={},
        owner=owned_by(NODE, observed.name, observed.node["metadata"]["uid"]),
        targets=tuple(tried),
        pull_secrets=settings.image_pull_secrets,
    )


def _of(subject: Subject, observed: Observed, settings: Settings, remarks: list[str]) -> Iterator[Assignment]:
    if subject.model:
        yield from _of_model(subject, subject.model, observed, remarks)
    elif subject.policy:
        tried, reachable, more = governed(observed, subject.policy, settings, alone=subject.alone)
        remarks += more
        if tried:
            yield Assignment(
                arm="Treatment",
                subject=str(subject),
                namespace=subject.namespace,
                labels={},
                owner=subject.owner,
                targets=tuple(tried),
                reachable=reachable,
            )


def _of_model(subject: Subject, of: Model, observed: Observed, remarks: list[str]) -> Iterator[Assignment]:
    tried = model(observed, subject)
    if not tried:
        remarks.append(f"{subject} is not measured: there is no canary; the chart installs one (canary.enabled)")
        return
    secrets = tuple(each.name for each in of.spec.image_pull_secrets)
    yield Assignment(
        arm="Treatment",
        subject=str(subject),
        namespace=subject.namespace,
        labels=of.pod_labels,
        owner=subject.owner,
        targets=tuple(tried),
        # Policies of some plugins select by it.
        service_account=of.name,
        pull_secrets=secrets,
        patience_seconds=GATED_SECONDS if of.spec.isolation.required else 0.0,
    )
    labels, why = _client(of)
    served, why_not = _served(subject, observed)
    if why or why_not:
        remarks.append(f"whether clients reach {subject} was not tried: {why or why_not}")
        return
    yield Assignment(
        arm="Function",
        subject=str(subject),
        namespace=subject.namespace,
        labels=labels,
        owner=subject.owner,
        targets=tuple(served),
        pull_secrets=secrets,
    )


def _client(of: Model) -> tuple[Mapping[str, str], str]:
    """Return the labels of the first client that can be impersonated, or why none can."""
    clients = of.spec.access.clients
    if not clients:
        return {}, "access.clients lists nobody"
    found = next((labels for each in clients if (labels := _labels(each)) is not None), None)
    if found is None:
        return {}, (
            "a probe takes the part of a client in the model's own namespace whose podSelector has matchLabels only, "
            "and access.clients lists none"
        )
    return found, ""


def _labels(client: Client) -> Mapping[str, str] | None:
    if client.namespace_selector is not None or client.pod_selector is None or client.pod_selector.match_expressions:
        return None
    labels = client.pod_selector.match_labels
    is_taken = any(MANAGED.get(key, value) != value or key.startswith("bolwerk.dev/") for key, value in labels.items())
    return None if is_taken else labels


def _served(subject: Subject, observed: Observed) -> tuple[list[Target], str]:
    """Return the model's Service as targets, or why it need not answer."""
    metadata = subject.live["metadata"]
    service = next(
        (
            each
            for each in observed.services
            if (each["metadata"]["namespace"], each["metadata"]["name"]) == (metadata["namespace"], metadata["name"])
        ),
        None,
    )
    if not (subject.live.get("status") or {}).get("readyReplicas"):
        return [], "it does not serve yet"
    if service is None or not addresses_of(service):
        return [], "its Service has no address"
    if is_out_of_service(service):
        return [], "it has been taken out of service"
    port = service["spec"]["ports"][0]["port"]
    return [target("Function", "TCP", address, port) for address in addresses_of(service)], ""
