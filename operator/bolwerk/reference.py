"""docs/reference.md: every field, bound and refusal of the shipped kinds, written out from the models.

Used by `bolwerk crds --write`; nothing here decides anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
from pydantic.fields import FieldInfo

from bolwerk.api import GROUP, VERSION
from bolwerk.api.base import ApiModel
from bolwerk.api.crd import crd
from bolwerk.api.resources import Resource
from bolwerk.api.schema import model_in

__all__ = ["reference"]

Schema = Mapping[str, Any]

TEMPLATE = """\
<!-- Generated from operator/bolwerk/api by `make crds`; edit the models, not this file. -->
# Reference

Every field of the resources of `{{ api_version }}`, and every sentence with which the API server refuses one.
A field that is not marked as required may be left out. `kubectl` refuses fields that are not here.
{% for kind in kinds %}

## {{ kind.resource.kind }}

{{ kind.resource.description }} {{ kind.resource.scope }}; `kubectl get {{ kind.resource.short }}`.
{% for title, fields in kind.tables %}

### {{ title }}

| field | type | bounds | default | |
|---|---|---|---|---|
{% for field in fields %}
| `{{ field.path }}`{{ " (required)" if field.required }} | {{ field.type }} | {{ field.bounds | cell }} | \
{{ field.default | code }} | {{ field.description | cell }} |
{% endfor %}
{% endfor %}

### What is refused, and what the user reads

| where | message |
|---|---|
{% for path, message in kind.refusals %}
| `{{ path }}` | {{ message | cell }} |
{% endfor %}

### Columns of `kubectl get`

| column | from | |
|---|---|---|
{% for column in kind.resource.columns %}
| {{ column.name }} | `{{ column.path }}` | {{ "with `-o wide`" if column.wide else column.description | cell }} |
{% endfor %}
{% endfor %}
"""


@dataclass(frozen=True, slots=True)
class Field:
    """One row."""

    path: str
    type: str
    required: bool
    bounds: str
    default: str
    description: str


def reference(resources: Sequence[Resource]) -> str:
    """Return the Markdown page about some kinds."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown; `cell` escapes what would break a table
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = _cell
    environment.filters["code"] = lambda text: f"`{text}`" if text else ""
    kinds = [_kind(resource) for resource in resources]
    return environment.from_string(TEMPLATE).render(api_version=f"{GROUP}/{VERSION}", kinds=kinds)


def _kind(resource: Resource) -> dict[str, Any]:
    schema = crd(resource)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    parts = schema["properties"]
    tables = [("spec", list(_fields(parts["spec"], resource.spec, "spec")))]
    if resource.status:
        tables.append(("status", list(_fields(parts["status"], resource.status, "status"))))
    return {"resource": resource, "tables": tables, "refusals": list(_refusals(schema, ""))}


def _fields(schema: Schema, model: type[ApiModel] | None, path: str) -> Iterator[Field]:
    declared = {field.alias or name: field for name, field in model.model_fields.items()} if model else {}
    for name, child in schema.get("properties", {}).items():
        field = declared.get(name)
        here = f"{path}.{name}{_suffix(child)}"
        yield Field(
            path=here,
            type=_type(child),
            required=name in schema.get("required", ()),
            bounds=_bounds(child),
            default=_default(field),
            description=child.get("description", ""),
        )
        inner = child.get("items") or child.get("additionalProperties") or child
        yield from _fields(inner, model_in(field) if field else None, here)


def _refusals(schema: Schema, path: str) -> Iterator[tuple[str, str]]:
    for rule in schema.get("x-kubernetes-validations", ()):
        yield path or "metadata", rule["message"]
    for name, child in schema.get("properties", {}).items():
        inner = child.get("items") or child.get("additionalProperties") or child
        yield from _refusals(inner, f"{path}.{name}{_suffix(child)}".removeprefix("."))


def _suffix(schema: Schema) -> str:
    return "[]" if schema.get("type") == "array" else ""


def _type(schema: Schema) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return "quantity"
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if "additionalProperties" in schema:
        return f"map of {_type(schema['additionalProperties'])}"
    return str(schema["format"]) if schema.get("format") == "date-time" else str(schema["type"])


def _bounds(schema: Schema) -> str:
    inner = schema.get("items") or schema.get("additionalProperties") or {}
    sentences = [
        _range(schema, "minItems", "maxItems", "items"),
        _range(schema, "minProperties", "maxProperties", "entries"),
        _range(schema, "minLength", "maxLength", "characters"),
        _range(schema, "minimum", "maximum", ""),
        "one of " + ", ".join(f"`{value}`" for value in schema["enum"]) if "enum" in schema else "",
        # Kubernetes' own long pattern for quantities tells nobody anything.
        f"`{schema['pattern']}`" if "pattern" in schema and "x-kubernetes-int-or-string" not in schema else "",
        f"each: {inner_bounds}" if inner and "properties" not in inner and (inner_bounds := _bounds(inner)) else "",
    ]
    return "; ".join(sentence for sentence in sentences if sentence)


def _range(schema: Schema, least: str, most: str, unit: str) -> str:
    above = "more than" if schema.get("exclusiveMinimum") else "at least"
    below = "less than" if schema.get("exclusiveMaximum") else "at most"
    parts = [f"{above} {schema[least]}"] if least in schema else []
    parts += [f"{below} {schema[most]}"] if most in schema else []
    return f"{' and '.join(parts)} {unit}".strip() if parts else ""


def _default(field: FieldInfo | None) -> str:
    if field is None or field.is_required() or field.default_factory is not None or field.default in (None, ()):
        return ""
    return json.dumps(field.default).strip('"')


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
