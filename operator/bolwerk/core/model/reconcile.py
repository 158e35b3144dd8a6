"""The reconciliation of one LocalModel."""

from __future__ import annotations

from datetime import datetime

from bolwerk.core.model.observed import Observed
from bolwerk.core.plan import Plan
from bolwerk.core.settings import Settings

__all__ = ["reconcile"]


def reconcile(observed: Observed, settings: Settings, now: datetime) -> Plan:
    """Decide what has to change so that the world is as the LocalModel asks."""
    raise NotImplementedError
