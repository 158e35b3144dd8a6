"""SovereigntyPolicy: which namespaces are governed, what counts as internal, and how that is enforced and proven."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from bolwerk.api.base import ApiModel, Rule, atomic, listed_by
from bolwerk.api.network import Cidr, network_rules
from bolwerk.api.selector import LabelSelector
from bolwerk.api.status import Condition

__all__ = ["SovereigntyPolicySpec", "SovereigntyPolicyStatus"]

GroupName = Annotated[str, Field(max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
HostName = Annotated[str, Field(max_length=253, pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z][-a-z0-9]*$")]
AS_SET: dict[str, Any] = {"x-kubernetes-list-type": "set"}


class Internal(ApiModel):
    """What counts as internal. Everything else is outside, whatever its address looks like."""

    networks: tuple[Cidr, ...] = Field(
        min_length=1, max_length=64, description="Your own networks, each by itself.", json_schema_extra=AS_SET
    )
    forward_proxies: tuple[Cidr, ...] = Field(
        default=(),
        max_length=32,
        description="Proxies that lead outside: external although their addresses are internal.",
        json_schema_extra=AS_SET,
    )
    private_endpoints: tuple[Cidr, ...] = Field(
        default=(),
        max_length=32,
        description="Where external services are reached by private addresses: external too.",
        json_schema_extra=AS_SET,
    )

    rules: ClassVar = (
        *network_rules("networks", whole_private_space=False),
        *network_rules("forwardProxies", whole_private_space=True),
        *network_rules("privateEndpoints", whole_private_space=True),
    )


class CatalogueEntry(ApiModel):
    """External AI endpoints of your own knowledge, beside the shipped catalogue."""

    name: GroupName
    suffixes: tuple[HostName, ...] = Field(
        default=(), max_length=64, description="Names with everything under them.", json_schema_extra=AS_SET
    )
    hosts: tuple[HostName, ...] = Field(
        default=(), max_length=64, description="Exactly these names.", json_schema_extra=AS_SET
    )

    rules: ClassVar = (
        Rule(
            "(has(self.suffixes) && self.suffixes.size() > 0) || (has(self.hosts) && self.hosts.size() > 0)",
            "an entry of the catalogue needs suffixes, hosts or both",
        ),
    )


class Catalogue(ApiModel):
    """What is done about the names of known external AI endpoints. The wall does not depend on it."""

    default: Literal["Refuse", "Alert"] = Field(
        default="Refuse", description="For groups that are in no list below. Default Refuse."
    )
    refuse: tuple[GroupName, ...] = Field(default=(), max_length=200, json_schema_extra=AS_SET)
    alert: tuple[GroupName, ...] = Field(default=(), max_length=200, json_schema_extra=AS_SET)
    allow: tuple[GroupName, ...] = Field(default=(), max_length=200, json_schema_extra=AS_SET)
    entries: tuple[CatalogueEntry, ...] = Field(default=(), max_length=32, json_schema_extra=listed_by("name"))

    rules: ClassVar = tuple(
        Rule(
            f"!has(self.{one}) || !has(self.{other}) || !self.{one}.exists(g, g in self.{other})",
            f"catalogue: a group stands in {one} and in {other}; keep one of them",
        )
        for one, other in (("refuse", "alert"), ("refuse", "allow"), ("alert", "allow"))
    )


class Enforcement(ApiModel):
    """Who blocks the packets."""

    backend: Literal["Auto", "NetworkPolicy", "ClusterNetworkPolicy", "Cilium", "Calico", "AdminNetworkPolicy"] = Field(
        default="Auto", description="Auto (default) takes what the API server serves, and the status says why."
    )
    priority: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=100, description="Among the cluster's policies; lower comes first. Default 100."
    )


class Outside(ApiModel):
    """A host and port of yours that counts as outside: probes try to reach it, and send it nothing."""

    address: Annotated[str, Field(min_length=2, max_length=45)] = Field(description="IPv4 or IPv6.")
    port: Annotated[int, Field(ge=1, le=65535)]

    rules: ClassVar = (Rule("isIP(self.address)", "address takes an IPv4 or IPv6 address, such as 192.0.2.10"),)


class Proof(ApiModel):
    """How often enforcement is measured, beside after every change."""

    interval_hours: Annotated[int, Field(ge=1, le=720)] = Field(default=24, description="Default 24.")
    stale_after_hours: Annotated[int, Field(ge=1, le=2160)] = Field(
        default=72, description="After this long a proof says nothing any more. Default 72."
    )
    canaries: tuple[Outside, ...] = Field(
        default=(),
        max_length=8,
        description="Hosts outside the internal networks that answer on TCP. A pod that no policy holds has to reach "
        "them, or nothing is proven: without one, only models are measured, against Bolwerk's own canary.",
        json_schema_extra=atomic(),
    )
    datagram_canaries: tuple[Outside, ...] = Field(
        default=(), max_length=8, description="The same for UDP: hosts that answer any datagram.",
        json_schema_extra=atomic(),
    )  # fmt: skip
    resolvers: tuple[Outside, ...] = Field(
        default=(), max_length=8, description="DNS servers outside, which governed pods must not reach.",
        json_schema_extra=atomic(),
    )  # fmt: skip
    proxies: tuple[Outside, ...] = Field(
        default=(),
        max_length=8,
        description="Forward proxies: asked to CONNECT to the first canary of TCP.",
        json_schema_extra=atomic(),
    )
    on_bypass: Literal["Report", "TakeOutOfService"] = Field(
        default="Report", description="What happens to models on a node where a bypass was found. Default Report."
    )

    rules: ClassVar = (
        Rule(
            "(has(self.staleAfterHours) ? self.staleAfterHours : 72) > "
            "(has(self.intervalHours) ? self.intervalHours : 24)",
            "proof: staleAfterHours (default 72) has to be longer than intervalHours (default 24)",
        ),
    )


class Exceptions(ApiModel):
    """What an EgressException may ask for in the governed namespaces."""

    grounds: tuple[Literal["NotPossible", "WeightyReason"], ...] = Field(
        default=(), max_length=2, description="Both when absent.", json_schema_extra=AS_SET
    )
    groups: tuple[GroupName, ...] = Field(
        default=(), max_length=200, description="Catalogue groups; all when absent.", json_schema_extra=AS_SET
    )
    longest_days: Annotated[int, Field(ge=1, le=366)] = Field(default=90, description="Default 90.")
    approvals: Annotated[int, Field(ge=1, le=5)] = Field(
        default=1, description="Approvals by people other than the requester. Default 1."
    )
    cilium_envoy: bool = Field(
        default=False,
        description="Whether Cilium has a working Envoy on every node, which exceptions for names need. Where it is "
        "missing, one such exception keeps Cilium from starting pods on the node, and from closing any hole there. "
        "Default false: names stay closed.",
    )


class SovereigntyPolicySpec(ApiModel):
    """AI models run locally in the selected namespaces, except where an approved EgressException says otherwise."""

    namespace_selector: LabelSelector = Field(description="The governed namespaces; {} is all of them.")
    mode: Literal["Audit", "Enforce"] = Field(description="Audit reports and warns; Enforce denies.")
    internal: Internal
    catalogue: Catalogue = Field(default_factory=Catalogue)
    enforcement: Enforcement = Field(default_factory=Enforcement)
    proof: Proof = Field(default_factory=Proof)
    exceptions: Exceptions = Field(default_factory=Exceptions)


class CatalogueInUse(ApiModel):
    """Which catalogue decided."""

    version: Annotated[str, Field(max_length=127, description="Of the shipped one, and of the overlay where one is.")]
    digest: Annotated[str, Field(max_length=80)]
    age_days: int = Field(description="Since the older of the two was written.")


class Finding(ApiModel):
    """Something that a person should look at."""

    type: Literal["Overlap", "Reopened", "Leak", "Unopened"]
    object: Annotated[str, Field(max_length=512, description="Kind, namespace and name.")]
    message: Annotated[str, Field(max_length=1024)]


class References(ApiModel):
    """What the last look into ConfigMaps and Secrets came to."""

    leaks: int = Field(description="How many keys lead outside, listed among the findings or not.")
    not_looked_at: tuple[Annotated[str, Field(max_length=1024)], ...] = Field(
        default=(), max_length=16, json_schema_extra=atomic()
    )


class UnprovenNode(ApiModel):
    """A node on which it is not proven that the wall holds."""

    node: Annotated[str, Field(max_length=253)]
    verdict: Annotated[str, Field(max_length=63)]
    message: Annotated[str, Field(max_length=1024)]


class ProvenNodes(ApiModel):
    """What probes have shown, node by node."""

    nodes: int = Field(description="Nodes with pods of models, or with GPUs.")
    proven: int = Field(description="Those of them on which the wall is proven.")
    uncovered: int = Field(description="Those on which nothing was measured yet.")
    oldest: datetime | None = Field(default=None, description="When that was measured which was measured longest ago.")
    not_proven: tuple[UnprovenNode, ...] = Field(
        default=(),
        max_length=50,
        description="The nodes that are not proven, the worst first; at most 50.",
        json_schema_extra=listed_by("node"),
    )


class OpenException(ApiModel):
    """An exception of which there is a hole in the wall at this moment."""

    namespace: Annotated[str, Field(max_length=63)]
    name: Annotated[str, Field(max_length=253)]
    uid: Annotated[str, Field(max_length=36)]
    unopened: tuple[Annotated[str, Field(max_length=1024)], ...] = Field(
        default=(), max_length=8, description="What of it stays closed, and why.", json_schema_extra=atomic()
    )


class UnopenedException(ApiModel):
    """An exception that is due and opens nothing."""

    namespace: Annotated[str, Field(max_length=63)]
    name: Annotated[str, Field(max_length=253)]
    uid: Annotated[str, Field(max_length=36)]
    unopened: tuple[Annotated[str, Field(max_length=1024)], ...] = Field(
        max_length=8, description="Why.", json_schema_extra=atomic()
    )


class SovereigntyPolicyStatus(ApiModel):
    """What the operator last saw."""

    observed_generation: int | None = None
    conditions: tuple[Condition, ...] = Field(default=(), json_schema_extra=listed_by("type"))
    backend: Annotated[str, Field(max_length=63)] | None = Field(default=None, description="Who blocks the packets.")
    backend_reason: Annotated[str, Field(max_length=1024)] | None = Field(default=None, description="Why this backend.")
    governed_namespaces: int | None = None
    catalogue: CatalogueInUse | None = None
    limits: tuple[Annotated[str, Field(max_length=1024)], ...] = Field(
        default=(), max_length=32, description="What this backend cannot express.", json_schema_extra=atomic()
    )
    findings: tuple[Finding, ...] = Field(
        default=(),
        max_length=50,
        description="Overlapping policies, rules that open the wall, endpoints behind references; at most 50.",
        json_schema_extra=atomic(),
    )
    findings_total: int | None = Field(default=None, description="How many there are, listed or not.")
    open_exceptions: tuple[OpenException, ...] = Field(
        default=(),
        max_length=1000,
        description="What approved exceptions hold open.",
        json_schema_extra=listed_by("uid"),
    )
    unopened_exceptions: tuple[UnopenedException, ...] = Field(
        default=(),
        max_length=1000,
        description="Approved exceptions that are due and of which nothing can be opened.",
        json_schema_extra=listed_by("uid"),
    )
    proof: ProvenNodes | None = Field(default=None, description="Absent while nothing is blocked.")
    references: References | None = Field(default=None, description="Absent until the first look.")
