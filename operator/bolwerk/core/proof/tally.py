"""What the standings of many nodes come to: one condition, one sentence, and when that changes by itself.

Used for `Isolated` of a LocalModel and `Proven` of a SovereigntyPolicy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bolwerk.core.conditions import Condition, false, true, unknown
from bolwerk.core.proof.judgement import Standing
from bolwerk.core.proof.standing import standing
from bolwerk.core.reasons import Reason

__all__ = ["Tally", "moment", "tally"]

NAMED = 3
"""How many nodes a sentence names; the status lists more."""

BREACHES = {"NotEnforced": Reason.NOT_ENFORCED, "Bypass": Reason.BYPASS}
DOUBTS = {
    "OverBlocked": Reason.OVER_BLOCKED,
    "Inconclusive": Reason.INCONCLUSIVE,
    "Stale": Reason.PROOF_STALE,
    "None": Reason.NOT_PROVEN,
}
"""In the order in which they matter."""


def moment(at: datetime) -> str:
    """Return a time as it stands in a status."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Tally:
    """How one subject stands on each of its nodes.

    Attributes
    ----------
    standings
        By node, in the order of their names.
    stale_after
        How long a proof counts.
    """

    standings: Mapping[str, Standing]
    stale_after: timedelta = timedelta.max

    @property
    def breached(self) -> bool:
        """Whether packets got through on some node."""
        return any(each.verdict in BREACHES for each in self.standings.values())

    @property
    def proven(self) -> dict[str, datetime]:
        """When each node was proven that still is."""
        return {node: each.at for node, each in self.standings.items() if each.verdict == "Proven" and each.at}

    @property
    def all_proven(self) -> bool:
        """Whether there are nodes, and every one is proven."""
        return bool(self.standings) and len(self.proven) == len(self.standings)

    @property
    def unproven(self) -> dict[str, Standing]:
        """The other nodes, the worst first."""
        order = [*BREACHES, *DOUBTS]
        others = [(node, each) for node, each in self.standings.items() if each.verdict != "Proven"]
        return dict(sorted(others, key=lambda pair: order.index(pair[1].verdict)))

    def until_stale(self, now: datetime) -> float:
        """Return the seconds after which the first proof no longer counts; infinite without one."""
        oldest = min(self.proven.values(), default=None)
        return (oldest + self.stale_after - now).total_seconds() + 1 if oldest else float("inf")

    def condition(self, type_: str) -> Condition | None:
        """Decide the condition; None where nothing was ever measured."""
        if self.all_proven:
            return true(type_, Reason.PROVEN, f"measured on {self._proven_on()}")
        unproven = self.unproven
        node, worst = next(iter(unproven.items()), ("", None))
        if worst is None or all(each.verdict == "None" for each in self.standings.values()):
            return None
        alike = sum(each.verdict == worst.verdict for each in unproven.values()) - 1
        more = f"; {alike} more like it" if alike else ""
        message = f"{_on(node, worst)}{more}; {len(self.proven)} of {len(self.standings)} nodes are proven"
        if worst.verdict in BREACHES:
            return false(type_, BREACHES[worst.verdict], message)
        return unknown(type_, DOUBTS[worst.verdict], message)

    def _proven_on(self) -> str:
        proven = self.proven
        if len(proven) <= NAMED:
            return ", ".join(f"{node} at {moment(at)}" for node, at in proven.items())
        oldest = min(proven, key=lambda node: proven[node])
        return f"{len(proven)} nodes, longest ago on {oldest}, at {moment(proven[oldest])}"


def tally(
    proofs: Iterable[Mapping[str, Any]],
    *,
    nodes: Iterable[str],
    subject: Callable[[Sequence[Mapping[str, Any]]], str],
    stale_after: timedelta,
    now: datetime,
) -> Tally:
    """Work out how a subject stands on each of the nodes.

    Parameters
    ----------
    subject
        Names the subject that counts on a node, from the proofs of that node.
    """
    of_node: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for proof in proofs:
        of_node[proof["spec"]["node"]].append(proof)
    found = {
        node: standing(of_node[node], node=node, subject=subject(of_node[node]), now=now, stale_after=stale_after)
        for node in sorted(nodes)
    }
    return Tally(found, stale_after)


def _on(node: str, standing: Standing) -> str:
    when = f", measured at {moment(standing.at)}" if standing.at else ""
    return f"{node}{when}: {standing.message}"
