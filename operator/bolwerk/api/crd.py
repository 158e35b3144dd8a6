"""The CustomResourceDefinitions, and the files of crds/."""

from __future__ import annotations

from typing import Any

import yaml

from bolwerk.api import GROUP, VERSION
from bolwerk.api.resources import KINDS, Resource
from bolwerk.api.schema import structural_schema

__all__ = ["crd", "crd_yaml", "shipped"]


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
