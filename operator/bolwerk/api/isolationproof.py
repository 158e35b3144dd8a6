"""IsolationProof: the dated, scoped result of one run of probes. Appended, never changed.

Two of the rules make a verdict that contradicts its own observations impossible to store, whoever writes it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bolwerk.api.base import ApiModel, ObjectName, Rule, ShortText, atomic, listed_by

__all__ = ["IsolationProofSpec"]

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class Observation(ApiModel):
    """What one probe was to see and what it saw."""

    subject: Annotated[str, Field(max_length=320)] = Field(
        default="",
        description="Whose labels the probe had: `LocalModel namespace/name` or `Namespace name`; none: control.",
    )
    arm: Literal["Control", "Treatment", "Function"] = Field(
        description="Control must get through, treatment must be blocked, function must still work."
    )
    vector: Literal["TCP", "UDP", "DNS", "Proxy", "Metadata", "Name"]
    family: Literal["IPv4", "IPv6"]
    target: ShortText
    outcome: Literal["Reached", "Blocked", "Failed"] = Field(
        description="Failed: neither, for a reason of the probe's own."
    )
    detail: Annotated[str, Field(max_length=127)] = Field(default="", description="What the network said.")
    attempts: Annotated[int, Field(ge=1, le=100)]


class PolicyObject(ApiModel):
    """An object that was to enforce, as it was."""

    reference: Annotated[str, Field(min_length=1, max_length=512)] = Field(description="kind namespace/name")
    digest: Digest


class Provenance(ApiModel):
    """What has to be known to repeat the run, or to doubt it."""

    operator_version: ShortText
    probe_image: Annotated[str, Field(min_length=1, max_length=512)]
    network_plugin_images: tuple[Annotated[str, Field(max_length=512)], ...] = Field(
        max_length=16, json_schema_extra=atomic()
    )
    kernel_version: ShortText
    kubelet_version: ShortText
    catalogue_digest: Digest | None = None
    inputs: Digest = Field(description="Of everything whose change asks for a new run.")
    policies: tuple[PolicyObject, ...] = Field(default=(), max_length=64, json_schema_extra=listed_by("reference"))


class NotChecked(ApiModel):
    """The honest part."""

    host_network_pods: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Pods on this node that no network policy governs."
    )
    reasons: tuple[Annotated[str, Field(max_length=512)], ...] = Field(
        default=(), max_length=32, json_schema_extra=atomic()
    )


_PROVEN = "self.verdict != 'Proven'"


class IsolationProofSpec(ApiModel):
    """One run on one node."""

    run: Annotated[str, Field(min_length=1, max_length=63)]
    policy: ObjectName | None = Field(default=None, description="The SovereigntyPolicy, if one governs.")
    node: ObjectName
    trigger: Literal["Onboarding", "Change", "Interval"]
    started_at: datetime
    finished_at: datetime
    air_gapped: bool = Field(default=False, description="The control was Bolwerk's own canary, not the internet.")
    verdict: Literal["Proven", "NotEnforced", "Bypass", "OverBlocked", "Inconclusive"]
    message: Annotated[str, Field(max_length=1024)]
    families: tuple[Literal["IPv4", "IPv6"], ...] = Field(
        min_length=1, max_length=2, description="Address families that pods of this node have.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )  # fmt: skip
    observations: tuple[Observation, ...] = Field(min_length=1, max_length=256, json_schema_extra=atomic())
    provenance: Provenance
    not_checked: NotChecked = Field(default_factory=NotChecked)
    previous: Digest | None = Field(default=None, description="Digest of the proof before this one: the chain.")

    rules: ClassVar = (
        Rule("self == oldSelf", "a proof never changes: a new run makes a new one"),
        Rule("self.startedAt <= self.finishedAt", "finishedAt has to be later than startedAt"),
        Rule(
            f"{_PROVEN} || self.families.all(f, self.observations.exists(o, o.arm == 'Control' && o.family == f && "
            "o.outcome == 'Reached'))",
            "Proven needs a control that got through for every address family; without it nothing was shown: write "
            "Inconclusive",
        ),
        Rule(
            f"{_PROVEN} || !self.observations.exists(o, o.arm == 'Treatment' && o.outcome != 'Blocked')",
            "Proven, although a probe that had to be blocked was not: write NotEnforced, Bypass or Inconclusive",
        ),
        Rule(
            f"{_PROVEN} || self.families.all(f, self.observations.exists(o, o.arm == 'Treatment' && o.family == f))",
            "Proven, although no probe tried one of the address families that pods have: write Inconclusive",
        ),
    )
