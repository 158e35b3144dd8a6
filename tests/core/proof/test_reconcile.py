"""Runs, from the first look at a node to the proof; and operators that die on the way."""

from __future__ import annotations

import copy
from datetime import timedelta

import pytest

from bolwerk.core.conclusion import ref_of
from bolwerk.core.kinds import POD
from core.proof.cluster import HOURS, NOW, SETTINGS, Cluster, started
from core.proof.networks import is_control


def test_a_wall_that_holds_is_proven_once_and_then_nothing_is_written() -> None:
    cluster = Cluster()
    cluster.look()
    assert not cluster.pods(), "what has just changed has to settle first"
    cluster.tick(29)
    assert not cluster.pods()

    proof = cluster.measure()

    assert (proof["verdict"], proof["trigger"], proof["families"]) == ("Proven", "Onboarding", ["IPv4", "IPv6"])
    assert proof["policy"] == "government"
    assert proof["provenance"]["probeImage"] == f"{SETTINGS.image}@sha256:{'7' * 64}"
    assert proof["notChecked"]["hostNetworkPods"] == 4
    assert not cluster.pods()
    assert cluster.writes == 3 + 1 + 3, "three pods are made, one proof is written, three pods go"
    cluster.tick(20 * HOURS)
    for _ in range(5):
        cluster.look()
    assert cluster.writes == 7

    cluster.until(lambda: bool(cluster.pods()), seconds=7 * HOURS, step=60)
    again = cluster.measure()

    assert (again["trigger"], again["verdict"]) == ("Interval", "Proven")
    assert timedelta(hours=21.6) < cluster.begun["gpu-1"] - NOW < timedelta(hours=26.5)


def test_an_operator_that_starts_anew_goes_on_with_the_run() -> None:
    cluster = started()
    run = {each["metadata"]["labels"]["bolwerk.dev/proof-run"] for each in cluster.pods()}
    cluster.since.clear()
    cluster.wake.clear()

    proof = cluster.measure()

    assert {proof["run"]} == run
    assert len(cluster.proofs()) == 1


@pytest.mark.parametrize("left", [1, 2])
def test_an_operator_that_died_while_it_made_the_pods_makes_the_others(left: int) -> None:
    cluster = started()
    for ref in [ref for ref, each in cluster.objects.items() if not is_control(each)][left - 1 :]:
        del cluster.objects[ref]
    cluster.wake.clear()

    assert cluster.measure()["verdict"] == "Proven"


def test_an_operator_that_died_before_it_deleted_the_pods_writes_no_second_proof() -> None:
    cluster = started()
    cluster.until(lambda: all(each.get("status", {}).get("phase") == "Succeeded" for each in cluster.pods()))
    kept = [copy.deepcopy(each) for each in cluster.pods()]
    cluster.measure() if not cluster.proofs() else None
    for each in kept:
        cluster.objects[ref_of(POD, each)] = each

    plan = cluster.look()

    assert not plan.apply
    assert not cluster.pods()
    assert len(cluster.proofs()) == 1
