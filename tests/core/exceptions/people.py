"""Exceptions and approvals as the API server has them."""

from __future__ import annotations

from typing import Any

UID = "0123abc{}-0000-4000-8000-000000000000"
"""By the number of an exception."""
ALICE, BOB, CAROL = "alice@example.org", "bob@example.org", "carol@example.org"
PIPELINE = "system:serviceaccount:argocd:application-controller"


def exception(number: int = 1, *, namespace: str = "team", by: str | None = ALICE, **changes: Any) -> dict[str, Any]:
    """Return an exception from 1 to 31 December 2026."""
    spec = {
        "ground": "NotPossible",
        "justification": "There is no local model for this language yet.",
        "alternativesConsidered": "Three local models were tried and failed.",
        "subject": {"podSelector": {"matchLabels": {"app": "translator"}}},
        "destinations": [{"network": "203.0.113.0/24", "ports": [{"port": 443}]}],
        "dataClassification": "Public",
        "ticket": "T-1",
        "validFrom": "2026-12-01T12:00:00Z",
        "validUntil": "2026-12-31T12:00:00Z",
        "exitPlan": "A local model is being trained until next summer.",
        **({"requestedBy": {"username": by}} if by else {}),
        **changes,
    }
    metadata = {
        "name": f"exception-{number}",
        "namespace": namespace,
        "uid": UID.format(number),
        "generation": 1,
        "creationTimestamp": f"2026-11-0{number}T12:00:00Z",
    }
    return {"metadata": metadata, "spec": spec}


def approval(of: dict[str, Any], by: str | None = BOB, **changes: Any) -> dict[str, Any]:
    """Return an approval of exactly this exception."""
    metadata = of["metadata"]
    spec = {
        "exception": {"name": metadata["name"], "uid": metadata["uid"]},
        "reason": "Weighed and found necessary.",
        **({"approvedBy": {"username": by}} if by else {}),
        **changes,
    }
    return {"metadata": {"name": f"by-{by}", "namespace": metadata["namespace"], "uid": f"uid-{by}"}, "spec": spec}


def git(author: str, *reviewers: str) -> dict[str, Any]:
    return {"repository": "https://git.example/policy", "commit": "a" * 40, "author": author, "reviewers": [*reviewers]}
