"""The common ground of all API models: naming, leniency, and the markers that end up in the CRD.

Every list, map and string that a CEL rule reads has a bound, because the API server estimates a rule's cost
from the bounds and refuses the CRD without them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import WithJsonSchema

__all__ = [
    "ApiModel",
    "ObjectName",
    "OneOf",
    "Quantity",
    "Rule",
    "ShortText",
    "atomic",
    "exactly_one",
    "listed_by",
    "unchecked",
]


@dataclass(frozen=True, slots=True)
class Rule:
    """One CEL rule on an object (`x-kubernetes-validations`).

    Attributes
    ----------
    rule
        CEL over `self`; true means acceptable.
    message
        What the user reads when it is not: what is wrong and what to write instead.
    expression
        CEL that builds the message from the offending values, where that helps; `message` is its fallback.
    """

    rule: str
    message: str
    expression: str = ""

    def schema(self) -> dict[str, str]:
        """Return the rule as the CRD spells it."""
        extra = {"messageExpression": self.expression} if self.expression else {}
        return {"rule": self.rule, "message": self.message, **extra}


class ApiModel(BaseModel):
    """A part of a resource, camelCase on the wire, unchangeable in memory."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, extra="ignore", frozen=True
    )

    rules: ClassVar[tuple[Rule, ...]] = ()


class OneOf(ApiModel):
    """A part of which exactly one field is set: the structural form of a union."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(getattr(self, name) is not None for name in type(self).model_fields) != 1:
            raise ValueError(f"takes exactly one of {', '.join(sorted(self._names()))}")
        return self

    @classmethod
    def _names(cls) -> list[str]:
        return [field.alias or name for name, field in cls.model_fields.items()]


def exactly_one(*fields: str, message: str) -> Rule:
    """Return the CEL rule of a `OneOf`."""
    return Rule(f"[{', '.join(f'has(self.{field})' for field in fields)}].filter(x, x).size() == 1", message)


def _array(kind: str, *, by: tuple[str, ...] = ()) -> dict[str, Any]:
    keys = {"x-kubernetes-list-map-keys": list(by)} if by else {}
    return {"x-kubernetes-list-type": kind, **keys}


def listed_by(*keys: str) -> dict[str, Any]:
    """Mark a list as a map from `keys` to items, so that server-side apply merges it item by item."""
    return _array("map", by=keys)


def atomic() -> dict[str, Any]:
    """Mark a list as one value with one owner."""
    return _array("atomic")


def unchecked(description: str, **properties: dict[str, Any]) -> WithJsonSchema:
    """Describe an object whose fields Kubernetes itself will check when Bolwerk applies it."""
    schema: dict[str, Any] = {
        "type": "object",
        "description": description,
        "x-kubernetes-preserve-unknown-fields": True,
    }
    return WithJsonSchema(schema | ({"properties": properties} if properties else {}))


QUANTITY_PATTERN = r"^(\+)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[mkMGTPE]|([eE](\+)?[0-9]{1,2}))?$"
"""Kubernetes' own pattern for a quantity, without the signs and suffixes that mean nothing for a size.

The exponent is bounded: as a whole number, 1e999999999 would take all of the operator's memory.
"""


def _quantity(value: str | int) -> str | int:
    if re.fullmatch(QUANTITY_PATTERN, str(value)) is None:
        raise ValueError("not a quantity; write an amount such as 16Gi")
    return value


Quantity = Annotated[
    str | int,
    AfterValidator(_quantity),
    WithJsonSchema({"x-kubernetes-int-or-string": True, "pattern": QUANTITY_PATTERN, "maxLength": 32}),
]
"""An amount such as `16Gi`, `500m` or `2`."""

ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
"""The name of a Secret, ConfigMap, claim or class: a DNS subdomain."""

ShortText = Annotated[str, Field(min_length=1, max_length=253)]
"""A non-empty string of at most 253 characters."""
