"""Makes the report: a pure function of a snapshot of the cluster and the time.

Called by `bolwerk report`. It states facts; it computes no level, no score and no verdict of its own.
"""

from __future__ import annotations

from datetime import UTC, datetime

from bolwerk.core.catalogue import age_days
from bolwerk.core.report import exceptions, governance, models, proofs, rights
from bolwerk.core.report.facts import About, Report
from bolwerk.core.report.unchecked import unchecked
from bolwerk.core.report.world import World

__all__ = ["report"]


def report(world: World, now: datetime) -> Report:
    """Return what is known and what is not."""
    governing = governance.governing(world)
    found = models.models(world, governing)
    governed = governance.namespaces(world, governing)
    register = exceptions.exceptions(world, governing, now)
    proven = proofs.proofs(world, found, now)
    may = rights.rights(world)
    return Report(
        about=_about(world, now),
        models=found,
        policies=governance.policies(world, governing),
        namespaces=governed,
        exceptions=register,
        proofs=proven,
        trail=world.trail,
        flows=world.flows,
        rights=may,
        not_checked=unchecked(
            world,
            models=found,
            namespaces=governed,
            exceptions=register,
            proofs=proven,
            rights=may,
            governing=governing,
        ),
    )


def _about(world: World, now: datetime) -> About:
    catalogue = world.settings.catalogue
    return About(
        made_at=_written(now),
        version=world.version,
        installed_version=world.installed,
        catalogue_version=catalogue.version,
        catalogue_digest=catalogue.digest,
        catalogue_age_days=age_days(catalogue, now),
        namespaces=tuple(sorted(world.scope.namespaces)),
        since=_written(world.scope.since) if world.scope.since else "",
    )


def _written(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
