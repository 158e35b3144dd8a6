"""Whom a run speaks for, what its pods have to try, and what is told of what they cannot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bolwerk.core.kinds import NETWORK_POLICY, Ref
from bolwerk.core.proof.arrangement import Arrangement, Assignment, arrangement
from bolwerk.core.proof.subjects import considered
from bolwerk.core.proof.targets import shown
from core.builders import make_model
from core.policy.world import namespace, policy
from core.proof.cluster import MODEL, POLICY, PROOF_SPEC, SERVICE, SETTINGS, Cluster, node

SERVING = {"status": {"readyReplicas": 1}}


def arranged(**changes: Any) -> Arrangement:
    return arrangement(Cluster(**changes).observed(), SETTINGS)


def of(found: Arrangement, arm: str, subject: str = "") -> Assignment:
    [only] = [each for each in found.assignments if (each.arm, each.subject) == (arm, subject)]
    return only


def tried(assignment: Assignment, arm: str) -> list[str]:
    return [f"{each.vector} {shown(each)}" for each in assignment.targets if each.arm == arm and each.vector != "Name"]


def told(found: Arrangement, words: str) -> bool:
    return any(words in each for each in found.remarks)


def walled_by(**changes: Any) -> dict[str, Any]:
    return policy(**{"proof": PROOF_SPEC, **changes})


def proof(**changes: Any) -> dict[str, Any]:
    return walled_by(proof={**PROOF_SPEC, **changes})


def test_each_subject_tries_what_it_must_not_reach_and_the_control_tries_the_same() -> None:
    found = arranged()
    own = ["TCP 10.96.0.99:8443", "UDP 10.96.0.99:8443", "TCP [fd00:96::99]:8443", "UDP [fd00:96::99]:8443"]
    outside = [
        "TCP 203.0.113.10:443",
        "TCP [2001:db8:ffff::10]:443",
        "UDP 203.0.113.10:443",
        "UDP [2001:db8:ffff::10]:443",
        "DNS 198.51.100.53:53",
        "Proxy 10.20.1.3:3128 to 203.0.113.10:443",
    ]
    metadata = "Metadata 169.254.169.254:80"

    assert tried(of(found, "Control"), "Control") == [*own, *outside, "DNS the cluster's DNS"]
    assert tried(of(found, "Treatment", "LocalModel ai/llama"), "Treatment") == [*own, *outside, metadata]
    wall = of(found, "Treatment", "Namespace ai")
    assert tried(wall, "Treatment") == [*outside, metadata]
    assert tried(wall, "Function") == ["DNS the cluster's DNS", *own]
    names = [each.to for each in wall.targets if each.vector == "Name"]
    assert 30 < len(names) <= 40
    assert [each.vector for each in wall.targets[-len(names) :]] == ["Name"] * len(names)


def test_a_policy_that_only_audits_is_not_measured_and_lends_its_canaries() -> None:
    found = arranged(policies=(walled_by(mode="Audit"),))

    assert [each.subject for each in found.assignments] == ["", "LocalModel ai/llama"]
    assert "TCP 203.0.113.10:443" in tried(found.assignments[1], "Treatment")


def test_pods_that_only_bear_a_models_label_are_named() -> None:
    found = arranged(strangers=("ai/d", "ai/a", "ai/c", "ai/b"))

    assert told(found, "were not tried: ai/a, ai/b, ai/c and 1 more.")
    assert not told(arranged(), "bear a model's labels")


@pytest.mark.parametrize(("required", "seconds"), [(True, 5), (False, 0)])
def test_a_probe_waits_for_a_late_wall_where_a_gate_does(required: bool, seconds: float) -> None:
    found = arranged(models=(make_model(isolation={"required": required}),))

    assert of(found, "Treatment", "LocalModel ai/llama").patience_seconds == seconds
    assert of(found, "Treatment", "Namespace ai").patience_seconds == 0


def test_without_canaries_outside_only_models_are_measured() -> None:
    found = arranged(policies=(walled_by(proof={}),))

    assert [each.subject for each in found.assignments] == ["", "LocalModel ai/llama"]
    assert told(found, "spec.proof.canaries names no host outside")
    assert not arranged(policies=(walled_by(proof={}),), models=()).assignments


def test_without_the_own_canary_a_model_is_measured_against_the_policys() -> None:
    assert len(arranged(canary=None).assignments) == 3
    found = arranged(canary=None, policies=())
    assert not found.assignments
    assert told(found, "LocalModel ai/llama is not measured: there is no canary")


@pytest.mark.parametrize(
    ("spec", "gone", "kept"),
    [
        pytest.param({"canaries": [{"address": "10.20.5.5", "port": 443}, {"address": "203.0.113.10", "port": 443}]},
                     "TCP 10.20.5.5:443", "TCP 203.0.113.10:443", id="a canary within"),
        pytest.param({"resolvers": [{"address": "2001:db8:20::53", "port": 53}]}, "DNS [2001:db8:20::53]:53",
                     "TCP 203.0.113.10:443", id="a resolver within"),
    ],
)  # fmt: skip
def test_what_a_governed_pod_may_reach_is_not_tried(spec: dict[str, Any], gone: str, kept: str) -> None:
    found = arranged(policies=(proof(**spec),))
    wall = tried(of(found, "Treatment", "Namespace ai"), "Treatment")

    assert gone not in wall
    assert kept in wall
    assert told(found, f"{gone.split()[1]} among spec.proof is not tried, for it lies within spec.internal.networks")
    assert gone in tried(of(found, "Treatment", "LocalModel ai/llama"), "Treatment"), "a model may reach nothing"


def test_a_proxy_within_the_networks_is_tried_all_the_same() -> None:
    found = arranged(policies=(proof(proxies=[{"address": "10.20.9.9", "port": 8080}]),))

    assert "Proxy 10.20.9.9:8080 to 203.0.113.10:443" in tried(of(found, "Treatment", "Namespace ai"), "Treatment")


def test_one_namespace_speaks_for_a_policy_where_nothing_else_closes_anything() -> None:
    spaces = tuple(namespace(name, sovereignty="enforced") for name in ("ai", "beta", "aaa"))
    own = {Ref(NETWORK_POLICY, name, "deny"): "sha256:1" for name in ("ai", "aaa")}
    ours = {
        Ref(NETWORK_POLICY, "beta", "bolwerk-government"): "sha256:1",
        Ref(NETWORK_POLICY, "ai", "llama"): "sha256:1",
    }

    assert arranged(namespaces=spaces).assignments[-1].subject == "Namespace ai", "where models of the node are"
    assert arranged(namespaces=spaces, models=()).assignments[-1].subject == "Namespace aaa"
    assert arranged(namespaces=spaces, enforcing={**own, **ours}).assignments[-1].subject == "Namespace beta"
    alone = arranged(namespaces=spaces[:1], enforcing=own)
    assert alone.assignments[-1].subject == "Namespace ai"
    assert told(alone, "Namespace ai has network policies of its own (deny)")
    assert tried(of(alone, "Treatment", "Namespace ai"), "Function") == [], "it may be theirs to close"
    assert told(arranged(namespaces=spaces), "of the 3 namespaces that SovereigntyPolicy government governs")
    going = {**spaces[0], "metadata": {**spaces[0]["metadata"], "deletionTimestamp": "x"}}
    assert arranged(namespaces=(going, *spaces[1:])).assignments[-1].subject == "Namespace aaa"


def test_each_policy_that_enforces_has_a_namespace() -> None:
    other = policy("other", namespaceSelector={"matchLabels": {"x": "y"}}, proof=PROOF_SPEC)
    found = arranged(
        policies=(POLICY, other), namespaces=(namespace("ai", sovereignty="enforced"), namespace("b", x="y"))
    )

    assert [each.subject for each in found.assignments] == ["", "LocalModel ai/llama", "Namespace ai", "Namespace b"]
    assert found.policy == "government"


def test_what_exceptions_open_is_not_tried_and_told() -> None:
    found = arranged(policies=({**POLICY, "status": {"openExceptions": [{"uid": "x"}]}},))

    assert told(found, "has 1 open exceptions: what they open was not tried")


def client(**selectors: Any) -> Mapping[str, Any]:
    return {**make_model(access={"clients": [selectors]}), **SERVING}


def test_a_client_is_impersonated_by_its_labels() -> None:
    found = arranged(models=({**MODEL, **SERVING},))
    function = of(found, "Function", "LocalModel ai/llama")

    assert function.labels == {"app": "chat"}
    assert tried(function, "Function") == ["TCP 10.96.0.7:8000"]
    assert not told(found, "was not tried")


@pytest.mark.parametrize(
    ("model", "services", "why"),
    [
        pytest.param(MODEL, (SERVICE,), "it does not serve yet", id="not ready"),
        pytest.param({**make_model(), **SERVING}, (SERVICE,), "access.clients lists nobody", id="no clients"),
        pytest.param(client(namespaceSelector={}), (SERVICE,), "matchLabels only", id="another namespace"),
        pytest.param(
            client(podSelector={"matchExpressions": [{"key": "a", "operator": "Exists"}]}),
            (SERVICE,),
            "matchLabels only",
            id="an expression",
        ),
        pytest.param(
            client(podSelector={"matchLabels": {"app.kubernetes.io/managed-by": "helm"}}),
            (SERVICE,),
            "matchLabels only",
            id="a label that is taken",
        ),
        pytest.param({**MODEL, **SERVING}, (), "its Service has no address", id="no Service"),
    ],
)
def test_a_client_that_cannot_be_impersonated_is_told(
    model: Mapping[str, Any], services: tuple[Mapping[str, Any], ...], why: str
) -> None:
    found = arranged(models=(model,), services=services)

    assert [each.arm for each in found.assignments] == ["Control", "Treatment", "Treatment"]
    assert told(found, f"whether clients reach LocalModel ai/llama was not tried: {why}") or told(found, why)


def test_what_was_stored_under_another_crd_is_passed_over_and_told() -> None:
    found = arranged(
        models=(MODEL, {**make_model(name="odd"), "spec": {"model": 3}}),
        policies=(POLICY, {**policy("odd"), "spec": {"mode": "Enforce", "namespaceSelector": {}}}),
    )

    assert [each.subject for each in found.assignments] == ["", "LocalModel ai/llama", "Namespace ai"]
    assert told(found, "LocalModel ai/odd is not measured: spec.")
    assert told(found, "SovereigntyPolicy odd is not measured: spec.")


@pytest.mark.parametrize(
    ("allocatable", "has_models", "want"),
    [
        ({"cpu": "8"}, False, False),
        ({"cpu": "8"}, True, True),
        ({"nvidia.com/gpu": "1"}, False, True),
        ({"nvidia.com/gpu": "0"}, False, False),
        ({"nvidia.com/mig-1g.10gb": "7"}, False, True),
        ({"gpu.intel.com/i915": "1"}, False, True),
        ({"amd.com/gpu": "8"}, False, True),
    ],
)
def test_nodes_with_models_or_gpus_are_measured(allocatable: dict[str, str], *, has_models: bool, want: bool) -> None:
    assert considered(node(allocatable=allocatable), has_models=has_models) == want
