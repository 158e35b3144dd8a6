"""What the report says of a cluster, case by case: facts that are there, and facts that are not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bolwerk.core.report.report import report
from bolwerk.core.report.unchecked import ALWAYS
from bolwerk.core.report.world import Scope, World
from report.cluster import (
    DIGEST,
    NOW,
    SETTINGS,
    condition,
    deployment,
    model,
    namespace,
    outside,
    pod,
    policy,
    proof,
    world,
)

IMAGE = {"image": {"reference": "registry.example.nl/m:1"}}
OTHER = "sha256:" + "e5" * 32


# Models


def test_the_digest_of_a_mounted_image_is_the_kubelets() -> None:
    found = report(world(models=(model(source=IMAGE),), pods=(pod("a", mounted=OTHER), pod("b", mounted=OTHER))), NOW)

    assert found.models[0].source_digests == (OTHER,)


def test_a_pinned_image_has_its_digest_before_any_pod_runs() -> None:
    pinned = {"image": {"reference": f"registry.example.nl/m@{DIGEST}"}}

    assert report(world(models=(model(source=pinned),), pods=()), NOW).models[0].source_digests == (DIGEST,)


def test_replicas_of_different_engine_images_are_all_told() -> None:
    found = report(world(pods=(pod("a", image_id="x@sha256:1"), pod("b", image_id="x@sha256:2"))), NOW)

    assert found.models[0].engine_image_ids == ("x@sha256:1", "x@sha256:2")


def test_pods_of_another_namespace_are_none_of_a_model() -> None:
    stray = pod("a")
    stray["metadata"]["namespace"] = "office"

    assert report(world(pods=(stray,)), NOW).models[0].nodes == ()


def test_a_model_of_which_nothing_is_known_yet_is_told_so() -> None:
    bare = {"metadata": {"name": "x", "namespace": "office"}, "spec": {}}
    [found] = report(world(models=(bare,), deployments=(deployment(),)), NOW).models

    assert (found.source, found.engine_image, found.policy) == ("", "", "")
    assert found.isolated.status == "Unknown"


# Namespaces and policies


@pytest.mark.parametrize(
    ("name", "labels", "want"),
    [
        pytest.param("team", {"governed": "yes"}, "", id="governed"),
        pytest.param("office", {}, "no SovereigntyPolicy selects it", id="not selected"),
        pytest.param("kube-system", {"governed": "yes"}, "of the cluster itself: never governed", id="the cluster's"),
        pytest.param("bolwerk-system", {"governed": "yes"}, "the operator's own: never governed", id="the operator's"),
    ],
)
def test_who_is_not_governed_is_told_why(name: str, labels: dict[str, str], want: str) -> None:
    [found] = report(world(namespaces=(namespace(name, **labels),)), NOW).namespaces

    assert found.why_not == want
    assert bool(found.policy) is not bool(want)


def test_of_two_policies_the_one_that_enforces_governs() -> None:
    audit = policy("a-first")
    audit["spec"] = {**audit["spec"], "mode": "Audit"}
    found = report(world(policies=(audit, policy())), NOW)

    assert {each.name: each.governed for each in found.policies} == {"a-first": (), "baseline": ("team",)}


def test_a_priority_of_nothing_is_a_priority() -> None:
    first = policy()
    first["spec"] = {**first["spec"], "enforcement": {"priority": 0}}

    assert report(world(policies=(first,)), NOW).policies[0].priority == 0


def test_only_what_is_asked_about_is_told() -> None:
    found = report(world(scope=Scope(frozenset({"office"}))), NOW)

    assert not found.models
    assert not found.exceptions.items
    assert [each.name for each in found.namespaces] == ["office"]
    assert "Namespaces that were not asked about." in found.not_checked


# Proofs


@pytest.mark.parametrize(
    ("proofs", "gap"),
    [
        pytest.param((proof(),), False, id="a fresh proof"),
        pytest.param((proof(finished="2026-11-20T06:00:00Z"),), True, id="a stale one"),
        pytest.param((proof(verdict="Inconclusive"),), True, id="none that says Proven"),
        pytest.param(
            (proof(finished="2026-11-23T06:00:00Z"), proof(verdict="Bypass", finished="2026-11-23T07:00:00Z")),
            True,
            id="a fresh one, and a breach since",
        ),
        pytest.param((proof("gpu-2"),), True, id="one of another node"),
        pytest.param((proof(finished="yesterday"),), True, id="one without a time"),
        pytest.param(None, True, id="no such kind"),
    ],
)
def test_a_node_without_a_fresh_proof_is_a_gap(proofs: Any, *, gap: bool) -> None:
    found = report(world(proofs=proofs), NOW).proofs

    assert bool(found.gaps) is gap
    assert found.measured is bool(proofs)
    assert bool(found.remark) is not bool(proofs)


def test_proofs_that_may_not_be_read_are_not_called_none() -> None:
    found = report(world(proofs_forbidden=True), NOW).proofs

    assert found.remark.startswith("Not read:")
    assert not found.gaps


# What was not checked


def test_even_of_an_empty_cluster_something_was_not_checked() -> None:
    found = report(World(settings=SETTINGS, version="0.1.0"), NOW).not_checked

    assert set(found) > set(ALWAYS)


@pytest.mark.parametrize(
    ("changes", "want"),
    [
        pytest.param({}, "2 of 3 pods, 1 of them in governed namespaces (team/node-exporter)", id="host network"),
        pytest.param({"settings": replace(SETTINGS, references_config_maps=False)}, "ConfigMaps that", id="ConfigMaps"),
        pytest.param({}, "Secrets that governed pods refer to", id="Secrets"),
        pytest.param({"trail": None}, "The audit trail: none was given (--audit-log)", id="no trail"),
        pytest.param(
            {"models": (model(),)}, "of models in PersistentVolumeClaims: 1 models", id="no digest of a claim"
        ),
        pytest.param({"models": (model(source=IMAGE),)}, "neither a reference nor a pod gives", id="no digest"),
        pytest.param({"pods": (pod("a", image_id=""),)}, "no pod has told the id yet: 1 models", id="no image id"),
        pytest.param({"policies": (policy(references=None),)}, "baseline: not looked at yet", id="no look yet"),
        pytest.param(
            {}, "For SovereigntyPolicy baseline: Secrets: reading them", id="what the operator did not look at"
        ),
        pytest.param({}, "Whether the network plugin enforces the walls. Not measured", id="nothing measured"),
    ],
)
def test_what_was_not_checked_is_told_with_its_number(changes: dict[str, Any], want: str) -> None:
    found = report(world(**changes), NOW).not_checked

    assert any(want in sentence for sentence in found), found


def test_pods_that_have_ended_are_on_no_network() -> None:
    ended = outside()
    ended["status"]["phase"] = "Succeeded"

    assert "0 of 1 pods, 0 of them" in report(world(pods=(ended,)), NOW).not_checked[0]


def test_a_model_that_a_probe_has_shown_to_be_isolated_is_no_gap() -> None:
    shown = model(conditions=[condition("Isolated", "True", "Proven", "measured")])
    found = report(world(models=(shown,), proofs=(proof(),)), NOW)

    assert not any("models are isolated in fact" in each for each in found.not_checked)
