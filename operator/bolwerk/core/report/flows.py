"""Counts exported flows against a snapshot of the cluster."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from bolwerk.core.flows.found import Flows
from bolwerk.core.flows.governing import Governing
from bolwerk.core.flows.openings import openings
from bolwerk.core.flows.tally import Tally
from bolwerk.core.line import Line
from bolwerk.core.report.governance import governing, host_network
from bolwerk.core.report.reading import at, namespace_of
from bolwerk.core.report.world import World

__all__ = ["flows"]


def flows(world: World, log: str, logs: Iterable[Iterable[Line]]) -> Flows:
    """Read logs of flows once, in whatever order, and return what they show.

    Parameters
    ----------
    log
        What people call them.
    """
    by = governing(world)
    governed = Governing(world.policies, by, world.settings.catalogue)
    tally = Tally(governed, openings(world.exceptions or (), governed.catalogue), world.scope)
    for line in chain.from_iterable(logs):
        tally.take(line)
    mine = (
        each
        for each in world.pods
        if namespace_of(each) in by and world.scope.has(namespace_of(each)) and not host_network(each)
    )
    return tally.found(log, {str(node) for each in mine if (node := at(each, "spec", "nodeName"))})
