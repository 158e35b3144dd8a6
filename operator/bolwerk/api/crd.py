"""The CustomResourceDefinitions: what beside the schema makes a kind pleasant to use, and the files of crds/.

Only a kind whose controller exists is shipped: a resource that nobody acts on would be a false promise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from bolwerk.api import GROUP, VERSION
from bolwerk.api.base import ApiModel, Rule
from bolwerk.api.localmodel import LocalModelSpec
from bolwerk.api.schema import structural_schema
from bolwerk.api.status import LocalModelStatus

__all__ = ["KINDS", "Column", "Resource", "crd", "crd_yaml", "shipped"]


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

KINDS: tuple[Resource, ...] = (LOCAL_MODEL,)


def shipped() -> tuple[Resource, ...]:
    """Return the kinds whose CRD is installed."""
    return tuple(resource for resource in KINDS if resource.controlled)


def crd(resource: Resource) -> dict[str, Any]:
    """Return the CustomResourceDefinition of `resource`."""
    schema: dict[str, Any] = {
        "type": "object",
        "description": resource.description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural_schema(resource.spec),
        },
    }
    if resource.rules:
        schema["x-kubernetes-validations"] = [rule.schema() for rule in resource.rules]
    subresources: dict[str, Any] = {}
    if resource.status:
        schema["properties"]["status"] = structural_schema(resource.status)
        subresources["status"] = {}
    if resource.scale:
        subresources["scale"] = dict(resource.scale)
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "additionalPrinterColumns": [column.definition() for column in resource.columns],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": resource.scope,
            "names": {
                "kind": resource.kind,
                "listKind": f"{resource.kind}List",
                "plural": resource.plural,
                "singular": resource.kind.lower(),
                "shortNames": [resource.short],
                "categories": ["bolwerk"],
            },
            "versions": [version | ({"subresources": subresources} if subresources else {})],
        },
    }


def crd_yaml(resource: Resource) -> str:
    """Return the file that stands in crds/."""
    text = yaml.safe_dump(crd(resource), sort_keys=False, allow_unicode=True, width=120)
    return f"# Generated from operator/bolwerk/api by `make crds`; edit the models, not this file.\n{text}"
