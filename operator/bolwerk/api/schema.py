"""From a pydantic model to the structural schema that a CRD carries.

pydantic writes JSON Schema 2020-12; Kubernetes wants a subset of OpenAPI 3.0 with everything inlined, a type at
every node and no unions. What has no structural form is an error here, not a surprise at the API server.
Defaults are dropped unless a field asks for one by `json_schema_extra`: a default that the API server writes into
an object is a difference that Argo CD reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bolwerk.api.base import ApiModel

__all__ = ["NotStructuralError", "model_in", "structural_schema"]

Schema = dict[str, Any]

KEPT = (
    "description", "type", "format", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength",
    "minItems", "maxItems", "minProperties", "maxProperties", "required",
)  # fmt: skip


class NotStructuralError(ValueError):
    """A model says something that a CRD cannot."""


def structural_schema(model: type[ApiModel]) -> Schema:
    """Return the structural schema of `model`, its CEL rules included.

    Raises
    ------
    NotStructuralError
        If a field is a union, a tuple of fixed length, or anything else without a structural form.
    """
    # Serialization mode would make every field with a default required; validation mode says what users may leave out.
    whole = model.model_json_schema(by_alias=True, mode="validation")
    schema = _node(whole, whole.get("$defs", {}), path=model.__name__)
    _add_rules(schema, model)
    return schema


def _node(node: Mapping[str, Any], definitions: Mapping[str, Any], *, path: str) -> Schema:
    node = _resolve(node, definitions, path=path)
    schema = _scalars(node)
    if schema.get("x-kubernetes-int-or-string"):
        return schema
    match schema.get("type"):
        case "object":
            _object(schema, node, definitions, path=path)
        case "array":
            if "items" not in node:
                raise NotStructuralError(f"{path}: an array needs one type for its items")
            schema["items"] = _node(node["items"], definitions, path=f"{path}[]")
        case "integer":
            schema.setdefault("format", "int64")
        case "string" | "number" | "boolean":
            pass
        case other:
            raise NotStructuralError(f"{path}: no structural form for {other!r}; write optional siblings and a rule")
    return schema


def _scalars(node: Mapping[str, Any]) -> Schema:
    """Translate what says nothing about children."""
    schema: Schema = {key: node[key] for key in KEPT if key in node}
    schema |= {key: value for key, value in node.items() if key.startswith("x-kubernetes-")}
    # A number in JSON Schema 2020-12, a flag beside the bound in OpenAPI 3.0.
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if exclusive in node:
            schema |= {bound: node[exclusive], exclusive: True}
    if "const" in node:
        schema["enum"] = [node["const"]]
    if "x-default" in node:
        schema["default"] = node["x-default"]
    return schema


def _resolve(node: Mapping[str, Any], definitions: Mapping[str, Any], *, path: str) -> Mapping[str, Any]:
    """Inline a reference and unwrap an optional; what stands beside either wins."""
    while True:
        if "$ref" in node:
            target, rest = (
                definitions[node["$ref"].removeprefix("#/$defs/")],
                {k: v for k, v in node.items() if k != "$ref"},
            )
            node = {**target, **rest}
        elif "anyOf" in node:
            options = [option for option in node["anyOf"] if option.get("type") != "null"]
            if len(options) != 1:
                raise NotStructuralError(f"{path}: a union; write optional siblings and a rule")
            node = {**options[0], **{k: v for k, v in node.items() if k not in ("anyOf", "default")}}
        else:
            return node


def _object(schema: Schema, node: Mapping[str, Any], definitions: Mapping[str, Any], *, path: str) -> None:
    if "properties" in node:
        schema["properties"] = {
            name: _node(child, definitions, path=f"{path}.{name}") for name, child in node["properties"].items()
        }
    elif isinstance(values := node.get("additionalProperties"), Mapping):
        schema["additionalProperties"] = _node(values, definitions, path=f"{path}{{}}")
    elif "x-kubernetes-preserve-unknown-fields" not in schema:
        raise NotStructuralError(f"{path}: an object without known fields; mark it with unchecked()")


def _add_rules(schema: Schema, model: type[ApiModel]) -> None:
    """Put each model's CEL rules beside its properties; JSON Schema has no place for them on the way."""
    if model.rules:
        schema["x-kubernetes-validations"] = [rule.schema() for rule in model.rules]
    for name, field in model.model_fields.items():
        child = schema.get("properties", {}).get(field.alias or name)
        nested = model_in(field)
        if child is None or nested is None:
            continue
        _add_rules(child.get("items") or child.get("additionalProperties") or child, nested)


def model_in(field: FieldInfo) -> type[ApiModel] | None:
    """Return the model that a field holds, alone, optional, in a tuple or in a map."""
    pending: list[Any] = [field.annotation]
    while pending:
        candidate = pending.pop()
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate if issubclass(candidate, ApiModel) else None
        pending.extend(get_args(candidate))
    return None
