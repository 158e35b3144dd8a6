"""EgressException: comply or explain. Who may reach what, on which ground, and until when."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bolwerk.api.base import ApiModel, ObjectName, Rule, ShortText, atomic, listed_by
from bolwerk.api.network import Cidr, Port
from bolwerk.api.person import Person
from bolwerk.api.selector import LabelSelector
from bolwerk.api.status import Condition

__all__ = ["EgressExceptionSpec", "EgressExceptionStatus"]

LONGEST_DAYS = 366
# Short enough to be read, long enough to be an argument.
Explanation = Annotated[str, Field(min_length=20, max_length=4000)]


class Subject(ApiModel):
    """Whose pods of this namespace the exception is for. Exactly one of the fields."""

    pod_selector: LabelSelector | None = None
    service_account_name: ObjectName | None = None

    rules: ClassVar = (
        Rule(
            "[has(self.podSelector), has(self.serviceAccountName)].filter(x, x).size() == 1",
            "subject takes exactly one of podSelector and serviceAccountName",
        ),
        Rule(
            "!has(self.podSelector) || (has(self.podSelector.matchLabels) && self.podSelector.matchLabels.size() > 0) "
            "|| (has(self.podSelector.matchExpressions) && self.podSelector.matchExpressions.size() > 0)",
            "subject.podSelector selects every pod of the namespace; name the labels of the pods that need this",
        ),
    )


class Destination(ApiModel):
    """What may be reached. Exactly one of catalogueGroup, domain and network."""

    catalogue_group: Annotated[str, Field(max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")] | None = None
    domain: (
        Annotated[str, Field(max_length=253, pattern=r"^(\*\.)?([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z][-a-z0-9]*$")]
        | None
    ) = Field(default=None, description="A name, or *.name for everything under it.")
    network: Cidr | None = Field(default=None, description="As CIDR; at most a /16, or a /32 of IPv6.")
    ports: tuple[Port, ...] = Field(min_length=1, max_length=16, json_schema_extra=atomic())

    rules: ClassVar = (
        Rule(
            "[has(self.catalogueGroup), has(self.domain), has(self.network)].filter(x, x).size() == 1",
            "a destination takes exactly one of catalogueGroup, domain and network",
        ),
        Rule(
            "!has(self.network) || (isCIDR(self.network) && cidr(self.network) == cidr(self.network).masked() && "
            "cidr(self.network).prefixLength() >= (cidr(self.network).ip().family() == 4 ? 16 : 32))",
            "network: write one CIDR with its first address, no wider than /16 (IPv4) or /32 (IPv6)",
        ),
    )


class EgressExceptionSpec(ApiModel):
    """One exception to the rule that AI models run locally. It never changes: a change is a new exception."""

    ground: Literal["NotPossible", "WeightyReason"] = Field(
        description="The two grounds of the policy line: a local model is not possible, or weighty reasons prevent it."
    )
    justification: Explanation = Field(description="Why, in words that an auditor understands years later.")
    alternatives_considered: Explanation = Field(
        description="What was tried locally, with which result. Required: local comes first."
    )
    subject: Subject
    destinations: tuple[Destination, ...] = Field(min_length=1, max_length=16, json_schema_extra=atomic())
    data_classification: Literal["Public", "Internal", "Confidential"] = Field(
        description="The most sensitive data that may leave. What is classified higher may not leave at all."
    )
    dpia_reference: ShortText | None = Field(
        default=None, description="Where the data protection impact assessment is; required unless the data is public."
    )
    ticket: ShortText = Field(description="Where the request was discussed.")
    valid_from: datetime
    valid_until: datetime = Field(
        description=f"At most {LONGEST_DAYS} days after validFrom; the SovereigntyPolicy may bound it further."
    )
    exit_plan: Explanation = Field(description="How and when a local model takes over.")
    renews: ObjectName | None = Field(default=None, description="The exception that this one continues.")
    requested_by: Person | None = Field(default=None, description="Stamped by the API server at admission.")

    rules: ClassVar = (
        Rule("self.validFrom < self.validUntil", "validUntil has to be later than validFrom"),
        Rule(
            f"self.validUntil - self.validFrom <= duration('{LONGEST_DAYS * 24}h')",
            f"an exception lasts at most {LONGEST_DAYS} days: choose an earlier validUntil, and renew it with reasons",
        ),
        Rule(
            "self.dataClassification == 'Public' || has(self.dpiaReference)",
            "data that is not public needs dpiaReference: where the data protection impact assessment is",
        ),
        Rule(
            "self == oldSelf",
            "an exception never changes once it is asked for: delete it, or make a new one with spec.renews",
        ),
    )


class EgressExceptionStatus(ApiModel):
    """What became of it."""

    observed_generation: int | None = None
    phase: Literal["Requested", "Approved", "Open", "Expired", "Refused"] | None = None
    conditions: tuple[Condition, ...] = Field(default=(), json_schema_extra=listed_by("type"))
    approvals: int | None = Field(default=None, description="Approvals by different people that count.")
    four_eyes: Literal["Cluster", "Git"] | None = Field(
        default=None, description="Who attests that two people decided: the API server, or Git."
    )
    opened_at: datetime | None = None
    closed_at: datetime | None = None
