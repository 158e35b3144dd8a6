"""What the condition functions look at: the subject, and the parts of the world that matter to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bolwerk.core.model import pods as reading
from bolwerk.core.model.gate import AtGate
from bolwerk.core.model.measured import Measured
from bolwerk.core.model.observed import Observed
from bolwerk.core.model.subject import Subject

__all__ = ["View"]


@dataclass(frozen=True, slots=True)
class View:
    """The world as seen from one LocalModel.

    Attributes
    ----------
    deployment
        The live Deployment, or None.
    current
        Pods of the present template.
    unsealed
        Where the live network policy differs from what it has to be, or None.
    tampered
        Whether the live Deployment has a gate that somebody else has changed, and that to apply it could not mend.
    gate
        Whether the gate keeps an engine from starting.
    measured
        What probes say.
    """

    subject: Subject
    observed: Observed
    deployment: Mapping[str, Any] | None
    current: tuple[Mapping[str, Any], ...]
    unsealed: str | None
    tampered: bool
    gate: AtGate
    measured: Measured

    @property
    def ready(self) -> int:
        """How many pods of the present template answer."""
        return sum(map(reading.is_ready, self.current))

    @property
    def older_ready(self) -> int:
        """How many pods of earlier templates answer."""
        return sum(map(reading.is_ready, self.observed.pods)) - self.ready

    def rollout(self, type_: str) -> Mapping[str, Any]:
        """Return a condition of the Deployment, if it speaks of the Deployment's present generation."""
        deployment = self.deployment or {}
        status = deployment.get("status") or {}
        if status.get("observedGeneration", 0) < (deployment.get("metadata") or {}).get("generation", 0):
            return {}
        return next((each for each in status.get("conditions") or [] if each.get("type") == type_), {})
