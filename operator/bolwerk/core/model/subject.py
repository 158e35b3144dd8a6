"""The LocalModel that a decision is about: its identity and its parsed spec."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bolwerk.api.localmodel import LocalModelSpec
from bolwerk.core.invalid import parsed
from bolwerk.core.kinds import LOCAL_MODEL
from bolwerk.core.ownership import owned_by

__all__ = ["MODEL_MOUNT", "Subject", "digest"]

REFRESH = "bolwerk.dev/refresh"
"""Annotation on a LocalModel: a new value moves its pods to what the installed operator would build today."""


MODEL_MOUNT = "/model"


@dataclass(frozen=True, slots=True)
class Subject:
    """One LocalModel."""

    name: str
    namespace: str
    uid: str
    generation: int
    refresh: str
    spec: LocalModelSpec

    @classmethod
    def of(cls, model: Mapping[str, Any]) -> Subject:
        """Parse a LocalModel as the API server has it.

        Raises
        ------
        InvalidSpecError
            If it was stored under another CRD and no longer means anything.
        """
        metadata = model["metadata"]
        return cls(
            name=metadata["name"],
            namespace=metadata["namespace"],
            uid=metadata["uid"],
            generation=metadata.get("generation", 0),
            refresh=(metadata.get("annotations") or {}).get(REFRESH, ""),
            spec=parsed(LocalModelSpec, model.get("spec")),
        )

    @property
    def served_name(self) -> str:
        """The model name that clients ask for."""
        return self.spec.model.served_name or self.name

    @property
    def model_path(self) -> str:
        """Where the engine finds the model's files."""
        source = self.spec.model.source
        place = source.persistent_volume_claim or source.image
        inside = place.path if place else None
        return f"{MODEL_MOUNT}/{inside}" if inside else MODEL_MOUNT

    @property
    def selector(self) -> dict[str, str]:
        """The labels that select this model's pods, and no others."""
        return {"app.kubernetes.io/managed-by": "bolwerk", "bolwerk.dev/model": self.name}

    @property
    def engine_name(self) -> str:
        """`vllm` or `triton`."""
        return "vllm" if self.spec.engine.vllm else "triton"

    @property
    def labels(self) -> dict[str, str]:
        """The labels of every child."""
        return {
            **self.selector,
            "app.kubernetes.io/component": "model-server",
            "app.kubernetes.io/name": self.engine_name,
        }

    @property
    def pod_labels(self) -> dict[str, str]:
        """The labels of the pods, the user's own included."""
        return {**self.spec.pod_template.metadata.labels, **self.labels}

    def metadata(self) -> dict[str, Any]:
        """Return the metadata of a child: named and labelled after this model, owned by it.

        No label or annotation of the LocalModel is handed on: Argo CD's tracking label on a child would make the
        child look like a part of the application.
        """
        return {
            "name": self.name,
            "namespace": self.namespace,
            "labels": self.labels,
            "ownerReferences": owned_by(LOCAL_MODEL, self.name, self.uid),
        }


def digest(value: Any) -> str:
    """Return 16 hexadecimal digits that change when `value` (JSON) does."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
