"""When a node is measured, and how many are at a time."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from bolwerk.core.kinds import ISOLATION_PROOF, POD
from core.proof.cluster import HOURS, POLICY, SETTINGS, Cluster, node
from core.proof.networks import open_to_all, walled


def test_a_change_is_measured_once_it_has_settled() -> None:
    cluster = Cluster()
    cluster.measure()
    for generation in (2, 3, 4):
        cluster.policies = ({**POLICY, "metadata": {**POLICY["metadata"], "generation": generation}},)
        cluster.look()
        cluster.tick(20)
        assert not cluster.pods()
    changed = cluster.now - timedelta(seconds=20)
    proof = cluster.measure()

    assert proof["trigger"] == "Change"
    assert timedelta(seconds=30) <= cluster.begun["gpu-1"] - changed <= timedelta(seconds=32)
    cluster.tick(600)
    assert len(cluster.proofs()) == 2


def test_what_is_not_proven_is_tried_again_less_and_less_often() -> None:
    cluster = Cluster(network=open_to_all)
    begun = []
    for _ in range(7):
        cluster.until(lambda: not cluster.pods(), step=5)
        cluster.until(lambda: bool(cluster.pods()), seconds=2 * HOURS, step=5)
        begun.append(cluster.now)
    minutes = [round((after - before).total_seconds() / 60) for before, after in pairwise(begun)]

    assert minutes == [5, 10, 20, 40, 60, 60]

    cluster.network = walled
    assert cluster.measure()["verdict"] == "Proven"
    cluster.tick(2 * HOURS)
    assert not cluster.pods()


def test_a_node_that_is_away_is_not_measured() -> None:
    away = node(conditions=[{"type": "Ready", "status": "Unknown"}])
    cluster = Cluster(nodes=[away])
    cluster.tick(600)
    assert not cluster.objects

    cluster.nodes = [node()]
    cluster.look()
    assert cluster.measure()["verdict"] == "Proven"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"models": (), "policies": ()}, id="nobody to speak for"),
        pytest.param({"settings": SETTINGS.__class__(namespace="bolwerk")}, id="no image"),
        pytest.param({"canary": None, "policies": ()}, id="no canary"),
        pytest.param({"nodes": [{**node(), "metadata": {**node()["metadata"], "deletionTimestamp": "x"}}]}, id="going"),
    ],
)
def test_nothing_is_measured_where_nothing_can_be(changes: dict[str, Any]) -> None:
    cluster = Cluster(**changes)
    for _ in range(5):
        cluster.tick(60)
        cluster.look()

    assert not cluster.objects


def test_five_nodes_at_a_time_and_all_of_them_in_the_end() -> None:
    names = [f"gpu-{number}" for number in range(24)]
    cluster = Cluster(nodes=[node(name) for name in names])
    cluster.until(lambda: len(cluster.of(ISOLATION_PROOF)) == len(names), seconds=900)

    assert cluster.most_at_once == SETTINGS.proof_concurrency
    cluster.until(lambda: not cluster.of(POD))
    writes = cluster.writes
    cluster.tick(HOURS)
    cluster.tick(HOURS)
    assert cluster.writes == writes
