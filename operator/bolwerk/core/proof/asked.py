"""What SovereigntyPolicies ask of proofs, read from policies as the API server has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from bolwerk.api.sovereigntypolicy import Proof
from bolwerk.core.invalid import InvalidSpecError, parsed

__all__ = ["asked", "interval", "stale_after"]


def asked(policy: Mapping[str, Any]) -> Proof:
    """Return `spec.proof`; the defaults where it means nothing."""
    try:
        return parsed(Proof, (policy.get("spec") or {}).get("proof"))
    except (InvalidSpecError, AttributeError):
        return Proof()  # stored under another CRD; its own status tells so


def interval(policies: Iterable[Mapping[str, Any]]) -> timedelta:
    """Return after how long the strictest of them wants a node measured again; the default without any."""
    return timedelta(hours=min((asked(each).interval_hours for each in policies), default=Proof().interval_hours))


def stale_after(policies: Iterable[Mapping[str, Any]]) -> timedelta:
    """Return how long a proof counts for the strictest of them; the default without any."""
    return timedelta(hours=min((asked(each).stale_after_hours for each in policies), default=Proof().stale_after_hours))
