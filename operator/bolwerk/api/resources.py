"""The kinds of the API group: what beside the schema makes each pleasant to use.

Only a kind whose controller exists is shipped (`controlled`): a resource that nobody acts on would be a false promise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bolwerk.api.base import ApiModel, Rule
from bolwerk.api.egressapproval import EgressApprovalSpec
from bolwerk.api.egressexception import EgressExceptionSpec, EgressExceptionStatus
from bolwerk.api.isolationproof import IsolationProofSpec
from bolwerk.api.localmodel import LocalModelSpec
from bolwerk.api.sovereigntypolicy import SovereigntyPolicySpec, SovereigntyPolicyStatus
from bolwerk.api.status import LocalModelStatus

__all__ = ["KINDS", "Column", "Resource"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `kubectl get`; shown with `-o wide` only if `wide`."""

    name: str
    path: str
    type: Literal["string", "integer", "date"] = "string"
    wide: bool = False
    description: str = ""

    def definition(self) -> dict[str, Any]:
        """Return the column as the CRD spells it."""
        column: dict[str, Any] = {"name": self.name, "type": self.type, "jsonPath": self.path}
        if self.description:
            column["description"] = self.description
        return column | ({"priority": 1} if self.wide else {})


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of the API group."""

    kind: str
    plural: str
    short: str
    scope: Literal["Namespaced", "Cluster"]
    description: str
    spec: type[ApiModel]
    status: type[ApiModel] | None
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()
    scale: Mapping[str, str] | None = None
    controlled: bool = False
    """Whether a controller acts on it, so that its CRD ships."""


def condition(type_: str, field: str = "status") -> str:
    """Return the JSONPath of a condition's field."""
    return f'.status.conditions[?(@.type=="{type_}")].{field}'


AGE = Column("Age", ".metadata.creationTimestamp", "date")

# Children bear the model's name. The Service must be a DNS-1035 label; what future children append has to fit in 63.
NAME_RULE = Rule(
    "self.metadata.name.size() <= 50 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    "metadata.name is also the name of the model's Service: use at most 50 characters, lower case letters, digits "
    "and hyphens, beginning with a letter",
    "'metadata.name has %d characters; it is also the name of the Service and the stem of other names: use at most 50, "
    "lower case letters, digits and hyphens, beginning with a letter'.format([self.metadata.name.size()])",
)

# What a policy owns is called bolwerk-<policy>-<what>, and such a name is a label value too.
POLICY_NAME_RULE = Rule(
    "self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    "metadata.name is the stem of the names of all that the policy makes: use at most 40 lower case letters, digits "
    "and hyphens, beginning with a letter",
)

LOCAL_MODEL = Resource(
    kind="LocalModel",
    plural="localmodels",
    short="lm",
    scope="Namespaced",
    description="An AI model that runs on the cluster's own hardware, sealed from the outside.",
    spec=LocalModelSpec,
    status=LocalModelStatus,
    columns=(
        Column("Ready", condition("Ready")),
        Column("Phase", ".status.phase"),
        Column("Replicas", ".status.readyReplicas", "integer"),
        AGE,
        Column("Message", condition("Ready", "message"), description="Why it is not ready."),
        Column("Isolated", condition("Isolated"), wide=True),
        Column("Proven", ".status.isolation.provenAt", "date", wide=True, description="How long ago it was measured."),
        Column("Endpoint", ".status.endpoint", wide=True),
    ),
    rules=(NAME_RULE,),
    scale={
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    },
    controlled=True,
)

SOVEREIGNTY_POLICY = Resource(
    kind="SovereigntyPolicy",
    plural="sovereigntypolicies",
    short="sovpol",
    scope="Cluster",
    description="Which namespaces are governed, what counts as internal, and how that is enforced and proven.",
    spec=SovereigntyPolicySpec,
    status=SovereigntyPolicyStatus,
    columns=(
        Column("Mode", ".spec.mode"),
        Column("Ready", condition("Ready")),
        Column("Backend", ".status.backend"),
        Column("Namespaces", ".status.governedNamespaces", "integer"),
        AGE,
        Column("Message", condition("Ready", "message"), description="Why it is not ready."),
        Column("Catalogue", ".status.catalogue.version", wide=True),
        Column("Priority", ".spec.enforcement.priority", "integer", wide=True),
    ),
    rules=(POLICY_NAME_RULE,),
    controlled=True,
)

EGRESS_EXCEPTION = Resource(
    kind="EgressException",
    plural="egressexceptions",
    short="egex",
    scope="Namespaced",
    description="Comply or explain: who may reach what outside, on which ground, and until when.",
    spec=EgressExceptionSpec,
    status=EgressExceptionStatus,
    columns=(
        Column("Phase", ".status.phase"),
        Column("Ground", ".spec.ground"),
        Column("Until", ".spec.validUntil"),
        Column("Approvals", ".status.approvals", "integer"),
        AGE,
        Column("Ticket", ".spec.ticket", wide=True),
        Column("Requester", ".spec.requestedBy.username", wide=True),
    ),
    controlled=True,
)

EGRESS_APPROVAL = Resource(
    kind="EgressApproval",
    plural="egressapprovals",
    short="egap",
    scope="Namespaced",
    description="One person's approval of one EgressException.",
    spec=EgressApprovalSpec,
    status=None,
    columns=(
        Column("Exception", ".spec.exception.name"),
        Column("Approver", ".spec.approvedBy.username"),
        AGE,
    ),
    controlled=True,
)

ISOLATION_PROOF = Resource(
    kind="IsolationProof",
    plural="isolationproofs",
    short="proof",
    scope="Cluster",
    description="The dated, scoped result of one run of probes on one node.",
    spec=IsolationProofSpec,
    status=None,
    columns=(
        Column("Verdict", ".spec.verdict"),
        Column("Node", ".spec.node"),
        Column("Finished", ".spec.finishedAt", "date"),
        Column("Message", ".spec.message"),
    ),
    controlled=True,
)

KINDS: tuple[Resource, ...] = (LOCAL_MODEL, SOVEREIGNTY_POLICY, EGRESS_EXCEPTION, EGRESS_APPROVAL, ISOLATION_PROOF)
