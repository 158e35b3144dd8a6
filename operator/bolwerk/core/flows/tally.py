"""Counts flows, one line after the other, in memory that does not grow with them.

Used by `bolwerk report --flows`. What is let out is counted for every exception that covers it, or as uncovered.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bolwerk.core.egress.backends.networkpolicy import MODEL_LABEL
from bolwerk.core.flows.event import Event, UnreadableEventError, parse
from bolwerk.core.flows.found import Flows, NodeFlows, Uncovered, Use
from bolwerk.core.flows.governing import Governing
from bolwerk.core.flows.openings import Opening
from bolwerk.core.flows.outward import Outward, UnjudgedError, outward
from bolwerk.core.line import Line
from bolwerk.core.report.world import Scope

__all__ = ["Tally"]

MOST_REFUSALS = 20
MOST_DESTINATIONS = 100
MOST_PODS = 20
MOST_PODS_REMEMBERED = 4096
MOST_UNCOVERED = 500
MOST_NODES = 10_000
SEALED = "a sealed model, in a namespace that nobody governs"


@dataclass(slots=True)
class _Count:
    """How many, and from when to when."""

    records: int = 0
    connections: int = 0
    first: datetime | None = None
    last: datetime | None = None

    def add(self, at: datetime, number: int = 1, *, begins: bool = False) -> None:
        self.records += number
        self.connections += number if begins else 0
        self.first = min(self.first or at, at)
        self.last = max(self.last or at, at)

    @property
    def span(self) -> tuple[str, str]:
        return _written(self.first), _written(self.last)


@dataclass(slots=True)
class _Used(_Count):
    destinations: Counter[str] = field(default_factory=Counter)
    pods: set[str] = field(default_factory=set)
    more: bool = False
    untold: int = 0


@dataclass(slots=True)
class _Found(_Count):
    where: str = ""
    governed: str = ""
    near: str = ""


class Tally:
    """What has been counted so far.

    Parameters
    ----------
    openings
        What exceptions open.
    """

    def __init__(self, governing: Governing, openings: Iterable[Opening], scope: Scope) -> None:
        self._governing, self._scope = governing, scope
        self._openings: defaultdict[str, list[Opening]] = defaultdict(list)
        self._used: dict[str, tuple[Opening, _Used]] = {}
        for each in openings:
            self._openings[each.hole.namespace].append(each)
            self._used[each.hole.uid] = each, _Used()
        self._uncovered: dict[tuple[str, str, str, str, int], _Found] = {}
        self._all, self._nodes = _Count(), defaultdict[str, _Count](_Count)
        self._counts: Counter[str] = Counter()
        self._unjudged: Counter[str] = Counter()
        self._refusals: list[str] = []
        self._pods: dict[tuple[str, frozenset[tuple[str, str]]], list[Opening]] = {}

    def take(self, line: Line) -> None:
        """Count one line. Never raises for what stands in it."""
        if not line.fault and not line.text.strip():
            return
        try:
            self._event(parse(line))
        except UnreadableEventError as error:
            self._counts["refused"] += 1
            if len(self._refusals) < MOST_REFUSALS:
                self._refusals.append(f"{line.where}: {error}")

    def found(self, log: str, nodes: Iterable[str]) -> Flows:
        """Return what was found.

        Parameters
        ----------
        nodes
            Those with pods that are judged here.
        """
        first, last = self._all.span
        return Flows(
            log=log,
            records=self._all.records,
            others=self._counts["others"],
            left_out=self._counts["left out"],
            first_at=first,
            last_at=last,
            nodes=tuple(NodeFlows(name, each.records, *each.span) for name, each in sorted(self._nodes.items())),
            silent_nodes=tuple(sorted({*nodes} - self._nodes.keys())),
            lost=self._counts["lost"],
            refused=self._counts["refused"],
            refusals=tuple(self._refusals),
            unjudged=tuple(sorted(self._unjudged.items())),
            uses=tuple(_use(opening, used) for opening, used in self._used.values() if used.records),
            uncovered=tuple(
                Uncovered(
                    *(key[0], key[1], each.where, each.records, each.connections, *each.span, each.governed, each.near)
                )
                for key, each in sorted(self._uncovered.items())
            ),
            more_uncovered=self._counts["more uncovered"],
        )

    def _event(self, event: Event) -> None:
        if event.lost_events is not None:
            self._counts["lost"] += event.lost_events.num_events_lost
        flow = event.flow
        at = (flow.time if flow else None) or event.time
        if flow is None or at is None:
            self._counts["others"] += 1
            return
        if self._scope.since is not None and at < self._scope.since:
            self._counts["left out"] += 1
            return
        namespace = flow.source.of if flow.source else ""
        let_out, lacks = None, ""
        try:
            let_out = outward(flow) if not namespace or self._scope.has(namespace) else None
        except UnjudgedError as error:
            lacks = str(error)
        # Only now, so that a line is either counted or refused.
        node = (event.node_name or flow.node_name).rpartition("/")[2] or "a node that is not named"
        self._all.add(at)
        self._nodes[node if node in self._nodes or len(self._nodes) < MOST_NODES else "further nodes"].add(at)
        if lacks and (not namespace or self._governing.policy(namespace)):
            self._unjudged[f"lacks {lacks}"] += 1
        elif let_out is not None:
            self._let_out(let_out, at)

    def _let_out(self, flow: Outward, at: datetime) -> None:
        namespace, governed = flow.namespace, self._governed(flow)
        if not governed:
            return
        if not self._governing.understood(namespace):
            self._unjudged[f"SovereigntyPolicy {self._governing.policy(namespace)} means nothing any more"] += 1
            return
        if not self._governing.is_outside(namespace, flow.address):
            return
        fitting = [each for each in self._of_pod(flow) if each.leads_to(flow)]
        covering = [each for each in fitting if each.covers(at)]
        for each in covering:
            self._use(each, flow, at)
        if not covering:
            self._finding(flow, at, governed, "; ".join(each.near for each in fitting[:3]))

    def _of_pod(self, flow: Outward) -> list[Opening]:
        """Return the exceptions that are for a pod; a thousand are not asked again for each of its packets."""
        pod = flow.namespace, frozenset(flow.labels.items())
        if pod not in self._pods:
            if len(self._pods) >= MOST_PODS_REMEMBERED:
                self._pods.clear()
            self._pods[pod] = [each for each in self._openings.get(flow.namespace, ()) if each.is_for(flow)]
        return self._pods[pod]

    def _governed(self, flow: Outward) -> str:
        policy = self._governing.policy(flow.namespace)
        if policy:
            return f"{policy}, {self._governing.mode(flow.namespace)}"
        return SEALED if MODEL_LABEL in flow.labels else ""

    def _use(self, opening: Opening, flow: Outward, at: datetime) -> None:
        used = self._used[opening.hole.uid][1]
        used.add(at, flow.number, begins=flow.begins)
        used.untold += 0 if opening.was_told_open(at) else flow.number
        pod = f"{flow.namespace}/{flow.pod}"
        if pod in used.pods or len(used.pods) < MOST_PODS:
            used.pods.add(pod)
        else:
            used.more = True
        if flow.where in used.destinations or len(used.destinations) < MOST_DESTINATIONS:
            used.destinations[flow.where] += flow.number
        else:
            used.more = True

    def _finding(self, flow: Outward, at: datetime, governed: str, near: str) -> None:
        key = flow.namespace, flow.pod, str(flow.address), flow.protocol, flow.port
        if key not in self._uncovered:
            if len(self._uncovered) >= MOST_UNCOVERED:
                self._counts["more uncovered"] += flow.number
                return
            self._uncovered[key] = _Found(where=flow.where, governed=governed)
        found = self._uncovered[key]
        found.add(at, flow.number, begins=flow.begins)
        found.near = found.near or near


def _use(opening: Opening, used: _Used) -> Use:
    return Use(
        namespace=opening.hole.namespace,
        exception=opening.hole.exception,
        uid=opening.hole.uid,
        records=used.records,
        connections=used.connections,
        first_at=used.span[0],
        last_at=used.span[1],
        destinations=tuple(f"{where}: {number} records" for where, number in sorted(used.destinations.items())),
        pods=tuple(sorted(used.pods)),
        more=used.more,
        untold=used.untold,
    )


def _written(instant: datetime | None) -> str:
    if instant is None:
        return ""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
