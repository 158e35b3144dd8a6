"""An exception and its approval as people write them; a test names only what matters."""

from __future__ import annotations

from typing import Any

Manifest = dict[str, Any]

NO_UID = "00000000-0000-4000-8000-000000000000"


def exception(namespace: str, name: str, **spec: Any) -> Manifest:
    return {
        "apiVersion": "bolwerk.dev/v1alpha1",
        "kind": "EgressException",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "ground": "NotPossible",
            "justification": "Speech of this quality is not to be had from an open model yet.",
            "alternativesConsidered": "Whisper large-v3 on our own GPUs: 31 % of words wrong on the test set.",
            "subject": {"podSelector": {"matchLabels": {"app": "transcripts"}}},
            "destinations": [{"domain": "speech.example", "ports": [{"port": 443}]}],
            "dataClassification": "Public",
            "ticket": "AI-123",
            "validFrom": "2026-11-01T00:00:00Z",
            "validUntil": "2026-12-01T00:00:00Z",
            "exitPlan": "Measure again with the next open model, in January.",
            **spec,
        },
    }


def approval(namespace: str, name: str, *, of: str, uid: str, **spec: Any) -> Manifest:
    return {
        "apiVersion": "bolwerk.dev/v1alpha1",
        "kind": "EgressApproval",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"exception": {"name": of, "uid": uid}, "reason": "Weighed with the privacy officer.", **spec},
    }


def git(author: str = "jan", *reviewers: str) -> Manifest:
    return {
        "repository": "https://git.example/platform/exceptions",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "author": author,
        "reviewers": list(reviewers or ("eva",)),
    }
