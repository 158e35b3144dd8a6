"""Keeps a node drain from stopping more than one replica at a time."""

from __future__ import annotations

from bolwerk.core.kinds import POD_DISRUPTION_BUDGET
from bolwerk.core.model.subject import Subject
from bolwerk.core.plan import Manifest
from bolwerk.core.proof.pods import RUN_LABEL

__all__ = ["pod_disruption_budget"]


def pod_disruption_budget(subject: Subject) -> Manifest:
    """Return the PodDisruptionBudget; sensible with more than one replica only, else it blocks every drain."""
    return {
        "apiVersion": POD_DISRUPTION_BUDGET.api_version,
        "kind": POD_DISRUPTION_BUDGET.name,
        "metadata": subject.metadata(),
        "spec": {
            "maxUnavailable": 1,
            # A probe bears the model's labels and would count as a replica that is wanting.
            "selector": {
                "matchLabels": subject.selector,
                "matchExpressions": [{"key": RUN_LABEL, "operator": "DoesNotExist"}],
            },
            # A replica that never became ready must not keep a node from being drained.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }
