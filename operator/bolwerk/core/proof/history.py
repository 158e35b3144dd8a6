"""Which proofs are kept: enough to see how it was, and never so many that they fill the cluster."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bolwerk.core.conclusion import ref_of
from bolwerk.core.kinds import ISOLATION_PROOF
from bolwerk.core.plan import Delete
from bolwerk.core.proof.standing import finished_at

__all__ = ["KEPT", "newest_first", "of_gone_nodes", "surplus_proofs"]

KEPT = 10
"""Of each node; beside these its newest Proven, however old."""

OF_GONE = timedelta(days=30)
"""How long the proofs of a node are kept that is no more."""

Proof = Mapping[str, Any]


def newest_first(proofs: Iterable[Proof]) -> list[Proof]:
    """Return the proofs, the newest first."""
    return sorted(proofs, key=lambda each: (finished_at(each), each["metadata"]["name"]), reverse=True)


def surplus_proofs(proofs: Iterable[Proof], *, coming: int = 0) -> tuple[Delete, ...]:
    """Return what to delete of one node's proofs; room is left for those that are `coming`."""
    ordered = newest_first(proofs)
    proven = next((each for each in ordered if each["spec"]["verdict"] == "Proven"), None)
    return tuple(
        _delete(each, f"{KEPT} newer ones of its node are kept")
        for each in ordered[KEPT - coming :]
        if each is not proven
    )


def of_gone_nodes(proofs: Iterable[Proof], nodes: Collection[str], now: datetime) -> tuple[Delete, ...]:
    """Return what to delete of the proofs of nodes that are no more; nobody else looks at these.

    Parameters
    ----------
    nodes
        The names of all nodes that there are.
    """
    return tuple(
        _delete(each, f"its node has been gone for {OF_GONE.days} days")
        for each in proofs
        if each["spec"]["node"] not in nodes and now - finished_at(each) > OF_GONE
    )


def _delete(proof: Proof, because: str) -> Delete:
    return Delete(ref_of(ISOLATION_PROOF, proof), proof["metadata"]["uid"], because)
