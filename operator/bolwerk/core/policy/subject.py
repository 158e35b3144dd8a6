"""The SovereigntyPolicy that a decision is about: its identity, its parsed spec and whom it governs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bolwerk.api.sovereigntypolicy import SovereigntyPolicySpec
from bolwerk.core.invalid import parsed
from bolwerk.core.kinds import SOVEREIGNTY_POLICY
from bolwerk.core.ownership import owned_by
from bolwerk.core.policy.governed import selector
from bolwerk.core.settings import Settings

__all__ = ["POLICY_LABEL", "Subject", "metadata"]

POLICY_LABEL = "bolwerk.dev/policy"


@dataclass(frozen=True, slots=True)
class Subject:
    """One SovereigntyPolicy.

    Attributes
    ----------
    selector
        The label selector of the governed namespaces, in Kubernetes' words, those that are exempt left out.
    """

    name: str
    uid: str
    generation: int
    selector: Mapping[str, Any]
    spec: SovereigntyPolicySpec

    @classmethod
    def of(cls, policy: Mapping[str, Any], settings: Settings) -> Subject:
        """Parse a SovereigntyPolicy as the API server has it.

        Raises
        ------
        InvalidSpecError
            If it was stored under another CRD and no longer means anything.
        """
        spec = parsed(SovereigntyPolicySpec, policy.get("spec"))
        return cls(
            name=policy["metadata"]["name"],
            uid=policy["metadata"]["uid"],
            generation=policy["metadata"].get("generation", 0),
            selector=selector(policy["spec"].get("namespaceSelector") or {}, settings),
            spec=spec,
        )

    @property
    def enforced(self) -> bool:
        """Whether it denies, or only tells."""
        return self.spec.mode == "Enforce"


def metadata(
    name: str,
    *,
    policy: str,
    uid: str,
    component: Literal["wall", "hole", "admission", "dns"],
    namespace: str | None = None,
) -> dict[str, Any]:
    """Return the metadata of an object that a policy makes: labelled after it and owned by it."""
    placed = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {
        **placed,
        "labels": {
            "app.kubernetes.io/managed-by": "bolwerk",
            "app.kubernetes.io/component": component,
            POLICY_LABEL: policy,
        },
        "ownerReferences": owned_by(SOVEREIGNTY_POLICY, policy, uid),
    }
