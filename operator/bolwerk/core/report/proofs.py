"""What has been measured, and the gaps: a node without a fresh proof is one, never a green one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from bolwerk.core.proof.asked import stale_after
from bolwerk.core.report.facts import ModelFacts, ProofFacts, Proofs
from bolwerk.core.report.reading import at, name_of, texts
from bolwerk.core.report.world import World

__all__ = ["proofs"]

NOT_MEASURED = (
    "Not measured: there is no IsolationProof. That the objects of a wall are there does not show that the network "
    "plugin enforces them."
)

NOT_READ = "Not read: IsolationProofs are shown to those who may list them (the chart's ClusterRole <release>-report)."

Object = Mapping[str, Any]


def proofs(world: World, models: Iterable[ModelFacts], now: datetime) -> Proofs:
    """Return the proofs, and the nodes with models that no fresh proof covers."""
    if world.proofs_forbidden:
        return Proofs(measured=False, remark=NOT_READ)
    stored = sorted(world.proofs or (), key=_finished, reverse=True)
    stale = stale_after(world.policies)
    newest: dict[str, Object] = {}
    for each in stored:
        newest.setdefault(str(at(each, "spec", "node") or ""), each)
    # Not any that is fresh: what was proven in the morning and is open at noon is open.
    fresh = {
        node
        for node, each in newest.items()
        if at(each, "spec", "verdict") == "Proven" and _is_fresh(each, now - stale)
    }
    nodes = sorted({node for model in models for node in model.nodes} - fresh)
    hours = int(stale.total_seconds() // 3600)
    return Proofs(
        measured=bool(stored),
        remark="" if stored else NOT_MEASURED,
        items=tuple(_facts(each) for each in stored if _is_fresh(each, world.scope.since)),
        gaps=tuple(f"node {node}: models run there, and {_says(newest.get(node), hours)}" for node in nodes),
    )


def _says(proof: Object | None, hours: int) -> str:
    if proof is None:
        return "it was not measured"
    verdict = at(proof, "spec", "verdict")
    return f"its newest proof {f'is older than {hours} hours' if verdict == 'Proven' else f'says {verdict}'}"


def _facts(proof: Object) -> ProofFacts:
    pods = at(proof, "spec", "notChecked", "hostNetworkPods")
    blind = (f"{pods} pods on the node's own network",) if pods else ()
    return ProofFacts(
        node=str(at(proof, "spec", "node") or ""),
        policy=str(at(proof, "spec", "policy") or ""),
        verdict=str(at(proof, "spec", "verdict") or ""),
        message=str(at(proof, "spec", "message") or ""),
        trigger=str(at(proof, "spec", "trigger") or ""),
        finished_at=_finished(proof)[0],
        observations=len(at(proof, "spec", "observations") or ()),
        not_checked=(*blind, *texts(proof, "spec", "notChecked", "reasons")),
    )


def _finished(proof: Object) -> tuple[str, str]:
    return str(at(proof, "spec", "finishedAt") or ""), name_of(proof)


def _is_fresh(proof: Object, since: datetime | None) -> bool:
    if since is None:
        return True
    try:
        return datetime.fromisoformat(_finished(proof)[0]) >= since
    except (ValueError, TypeError):  # no time, or one without a zone: it says nothing about then
        return False
