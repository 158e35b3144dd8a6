"""Who may call a model. Nobody may who is not listed."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from bolwerk.api.base import ApiModel, ObjectName, Rule, ShortText, atomic
from bolwerk.api.selector import LabelSelector

__all__ = ["Access", "Client"]


class Client(ApiModel):
    """Pods that may call the model."""

    namespace_selector: LabelSelector | None = Field(
        default=None, description="Namespaces of the callers; the LocalModel's own namespace when absent."
    )
    pod_selector: LabelSelector | None = Field(
        default=None, description="Pods of the callers; all pods of those namespaces when absent."
    )

    rules: ClassVar = (
        Rule(
            "has(self.namespaceSelector) || has(self.podSelector)",
            "a client needs namespaceSelector, podSelector or both; namespaceSelector: {} means every namespace",
        ),
    )


class SecretKey(ApiModel):
    """One key of a Secret in the LocalModel's namespace."""

    name: ObjectName
    key: ShortText


class Access(ApiModel):
    """Who may call the model. Nobody may who is not listed."""

    clients: tuple[Client, ...] = Field(
        default=(),
        max_length=64,
        description="Callers, Prometheus among them if it is to read the metrics.",
        json_schema_extra=atomic(),
    )
    api_key_secret_ref: SecretKey | None = Field(
        default=None,
        description="vLLM only: the key that callers have to send. It guards /v1 but not every path of vLLM; "
        "clients stays the wall.",
    )
