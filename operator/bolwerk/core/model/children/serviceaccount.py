"""The ServiceAccount of the pods: an identity without rights and without a token."""

from __future__ import annotations

from bolwerk.core.kinds import SERVICE_ACCOUNT
from bolwerk.core.model.subject import Subject
from bolwerk.core.plan import Manifest

__all__ = ["service_account"]


def service_account(subject: Subject) -> Manifest:
    """Return the ServiceAccount."""
    return {
        "apiVersion": SERVICE_ACCOUNT.api_version,
        "kind": SERVICE_ACCOUNT.name,
        "metadata": subject.metadata(),
        "automountServiceAccountToken": False,
    }
