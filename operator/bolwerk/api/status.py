"""The status of a LocalModel, and the conditions that all kinds share.

Written by the operator alone, so only its shape is declared here; no rules.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from bolwerk.api.base import ApiModel, atomic, listed_by

__all__ = ["Condition", "LocalModelStatus"]


class Condition(ApiModel):
    """One aspect of the state, as Kubernetes' own metav1.Condition.

    True is good, but for Reconciling and Stalled, which are there only while they are true (kstatus).
    """

    type: Annotated[str, Field(max_length=316)]
    status: Literal["True", "False", "Unknown"]
    reason: Annotated[str, Field(max_length=1024)]
    message: Annotated[str, Field(max_length=32768)]
    observed_generation: int
    last_transition_time: datetime


class MeasuredNodes(ApiModel):
    """What probes have shown on the nodes where the pods run."""

    proven_at: datetime | None = Field(
        default=None, description="When that was measured which was measured longest ago; absent unless all is proven."
    )
    nodes: int = Field(description="Nodes on which pods of this model run.")
    proven: int = Field(description="Those of them on which its isolation is proven.")
    not_proven: tuple[Annotated[str, Field(max_length=253)], ...] = Field(
        default=(), max_length=16, description="The others, the worst first; at most 16.", json_schema_extra=atomic()
    )


class LocalModelStatus(ApiModel):
    """What the operator last saw."""

    observed_generation: int | None = Field(default=None, description="The generation that this status is about.")
    serving_generation: int | None = Field(
        default=None,
        description="The newest generation that answered requests; older than metadata.generation during a rollout.",
    )
    phase: str | None = Field(default=None, description="The conditions in one word.")
    conditions: tuple[Condition, ...] = Field(default=(), json_schema_extra=listed_by("type"))
    isolation: MeasuredNodes | None = Field(default=None, description="Absent until pods have a node.")
    endpoint: str | None = Field(default=None, description="Where clients in the cluster reach the model.")
    replicas: int | None = Field(default=None, description="Pods that exist, of this and of earlier templates.")
    ready_replicas: int | None = Field(default=None, description="Pods of the present template that answer.")
    selector: str | None = Field(default=None, description="Label selector of the pods, for autoscalers.")
