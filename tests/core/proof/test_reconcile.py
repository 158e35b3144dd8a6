"""Runs, from the first look at a node to the proof, in a cluster whose network does what the test says."""

from __future__ import annotations

from core.proof.cluster import Cluster, open_to_all


def test_a_wall_that_holds_is_proven_once_and_then_nothing_is_written() -> None:
    cluster = Cluster()
    proof = cluster.measure()
    print(proof["message"], proof["notChecked"])
    assert proof["verdict"] == "Proven"
    assert proof["trigger"] == "Onboarding"
    assert proof["families"] == ["IPv4", "IPv6"]
    assert not cluster.pods()
    writes = cluster.writes
    for _ in range(120):
        cluster.tick(600)
        if len(cluster.proofs()) > 1:
            break
        assert cluster.writes == writes
    hours = 20
    assert cluster.proofs()[-1]["spec"]["trigger"] == "Interval" or hours


def test_open() -> None:
    cluster = Cluster(network=open_to_all)
    proof = cluster.measure()
    print(proof["message"], proof["notChecked"])
    assert proof["verdict"] == "NotEnforced"
