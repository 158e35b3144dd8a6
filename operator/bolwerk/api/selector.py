"""Label selectors, as Kubernetes spells them, with the bounds that CEL needs."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bolwerk.api.base import ApiModel, Rule, atomic

__all__ = ["LabelSelector", "LabelValue"]

LabelValue = Annotated[str, Field(max_length=63, pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")]


class LabelSelectorRequirement(ApiModel):
    """One expression of a label selector."""

    key: Annotated[str, Field(min_length=1, max_length=317)]
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[LabelValue, ...] = Field(default=(), max_length=32, json_schema_extra=atomic())

    rules: ClassVar = (
        Rule(
            "(self.operator in ['In', 'NotIn']) == (has(self.values) && self.values.size() > 0)",
            "In and NotIn need values; Exists and DoesNotExist take none",
        ),
    )


class LabelSelector(ApiModel):
    """A Kubernetes label selector. An empty one selects everything."""

    match_labels: dict[str, LabelValue] = Field(default_factory=dict, max_length=32)
    match_expressions: tuple[LabelSelectorRequirement, ...] = Field(
        default=(), max_length=16, json_schema_extra=atomic()
    )
