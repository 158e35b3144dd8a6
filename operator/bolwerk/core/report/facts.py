"""The report as values: what is known, and of what is not known, that it is not.

Its JSON form is these classes with camelCase names. Everything is text, a number, or a list of those; empty text means
that the cluster does not tell.
"""

from __future__ import annotations

from dataclasses import dataclass

from bolwerk.core.flows.found import Flows, Use

__all__ = [
    "About",
    "ApprovalFacts",
    "Condition",
    "ExceptionFacts",
    "Exceptions",
    "FindingFacts",
    "ModelFacts",
    "NamespaceFacts",
    "PolicyFacts",
    "ProofFacts",
    "Proofs",
    "Report",
    "RightFacts",
    "Rights",
    "Trail",
    "TrailEntry",
]


@dataclass(frozen=True, slots=True)
class About:
    """When, by what, and about what."""

    made_at: str
    version: str
    installed_version: str
    catalogue_version: str
    catalogue_digest: str
    catalogue_age_days: int
    namespaces: tuple[str, ...]
    since: str


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a resource."""

    type: str
    status: str
    reason: str
    message: str
    since: str


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One LocalModel: which bytes run where."""

    namespace: str
    name: str
    served_name: str
    created_at: str
    phase: str
    source: str
    path: str
    source_digests: tuple[str, ...]
    engine: str
    engine_image: str
    engine_image_ids: tuple[str, ...]
    replicas: int
    ready_replicas: int
    nodes: tuple[str, ...]
    endpoint: str
    serving: Condition
    isolated: Condition
    policy: str


@dataclass(frozen=True, slots=True)
class FindingFacts:
    """What the operator found beside a wall."""

    type: str
    object: str
    message: str


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """One SovereigntyPolicy, as its spec and the operator's last word have it."""

    name: str
    created_at: str
    mode: str
    priority: int
    backend: str
    backend_reason: str
    governed: tuple[str, ...]
    internal: tuple[str, ...]
    forward_proxies: tuple[str, ...]
    private_endpoints: tuple[str, ...]
    grounds: tuple[str, ...]
    approvals: int
    longest_days: int
    catalogue: str
    conditions: tuple[Condition, ...]
    limits: tuple[str, ...]
    findings: tuple[FindingFacts, ...]
    findings_total: int


@dataclass(frozen=True, slots=True)
class NamespaceFacts:
    """One namespace: who governs it, or why nobody does."""

    name: str
    policy: str
    mode: str
    why_not: str
    models: int
    host_network_pods: int


@dataclass(frozen=True, slots=True)
class ApprovalFacts:
    """One approval, and whether it counts."""

    by: str
    at: str
    reason: str
    git: str
    counts: bool


@dataclass(frozen=True, slots=True)
class ExceptionFacts:
    """One exception: comply or explain.

    Attributes
    ----------
    phase, reason, sentence
        As judged for the time of the report.
    recorded_phase, opened_at, closed_at
        As the operator wrote them down.
    hole
        Whether the policy's status says that its wall has the hole.
    use, used
        What is known about its use, in a sentence and, where flows show some, in numbers.
    """

    namespace: str
    name: str
    uid: str
    policy: str
    ground: str
    justification: str
    alternatives: str
    subject: str
    destinations: tuple[str, ...]
    data_classification: str
    dpia_reference: str
    ticket: str
    exit_plan: str
    renews: str
    requested_by: str
    requested_at: str
    approvals: tuple[ApprovalFacts, ...]
    four_eyes: str
    valid_from: str
    valid_until: str
    phase: str
    reason: str
    sentence: str
    recorded_phase: str
    opened_at: str
    closed_at: str
    hole: str
    use: str
    used: Use | None


@dataclass(frozen=True, slots=True)
class Exceptions:
    """The register of exceptions.

    Attributes
    ----------
    known
        Whether the API server keeps exceptions at all.
    over
        How many were over before the time asked about, and are left out.
    guards
        The rules of admission in force about who asks and who approves: without any, names are as they were typed.
    deleted
        Exceptions that only the audit trail knows of any more.
    """

    known: bool
    remark: str
    items: tuple[ExceptionFacts, ...] = ()
    over: int = 0
    guards: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProofFacts:
    """One measurement."""

    node: str
    policy: str
    verdict: str
    message: str
    trigger: str
    finished_at: str
    observations: int
    not_checked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proofs:
    """What has been measured, and where nothing has been."""

    measured: bool
    remark: str
    items: tuple[ProofFacts, ...] = ()
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """One decision about an exception, as the trail has it."""

    at: str
    action: str
    object: str
    result: str
    actor: str
    uid: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Trail:
    """What was found in an audit trail: one sentence as the verdict, how often each action stands in it, and decisions.

    Decisions are entries about exceptions, the latest ones; `more` before them were left out.
    """

    log: str
    whole: bool
    verdict: str
    entries: int
    first_at: str
    last_at: str
    head: str
    resumed: int
    unanchored: int
    counts: tuple[tuple[str, int], ...]
    decisions: tuple[TrailEntry, ...]
    more: int


@dataclass(frozen=True, slots=True)
class RightFacts:
    """Somebody who may change a rule, or what holds one."""

    right: str
    subject: str
    where: str
    by: str


@dataclass(frozen=True, slots=True)
class Rights:
    """Who may change the rules."""

    read: bool
    remark: str
    items: tuple[RightFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything."""

    about: About
    models: tuple[ModelFacts, ...]
    policies: tuple[PolicyFacts, ...]
    namespaces: tuple[NamespaceFacts, ...]
    exceptions: Exceptions
    proofs: Proofs
    trail: Trail | None
    flows: Flows | None
    rights: Rights
    not_checked: tuple[str, ...]
