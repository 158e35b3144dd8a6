"""Who is to hold the wall, and what is said when nobody by that name can."""

from __future__ import annotations

from typing import get_args

import pytest

from bolwerk.api.sovereigntypolicy import Enforcement
from bolwerk.core.egress.backend import BACKENDS, Backend, Choice, Unserved, choose
from bolwerk.core.kinds import (
    ADMIN_NETWORK_POLICY,
    CALICO_TIER,
    CILIUM_CLUSTERWIDE_NETWORK_POLICY,
    CLUSTER_NETWORK_POLICY,
    GLOBAL_NETWORK_POLICY,
    NETWORK_POLICY,
    STAGED_GLOBAL_NETWORK_POLICY,
    Kind,
)
from bolwerk.core.policy.observed import OPTIONAL_KINDS, OWNED_KINDS

CALICO = {CALICO_TIER, GLOBAL_NETWORK_POLICY, STAGED_GLOBAL_NETWORK_POLICY}


@pytest.mark.parametrize(
    ("served", "want"),
    [
        pytest.param(set(), "NetworkPolicy", id="nothing beside Kubernetes' own"),
        pytest.param({CLUSTER_NETWORK_POLICY}, "ClusterNetworkPolicy", id="the shared API"),
        pytest.param({ADMIN_NETWORK_POLICY}, "AdminNetworkPolicy", id="its older form"),
        pytest.param({CLUSTER_NETWORK_POLICY, ADMIN_NETWORK_POLICY}, "AdminNetworkPolicy", id="both forms"),
        pytest.param(CALICO, "Calico", id="Calico with its API server"),
        pytest.param({CALICO_TIER, GLOBAL_NETWORK_POLICY}, "NetworkPolicy", id="Calico without staged policies"),
        pytest.param({CILIUM_CLUSTERWIDE_NETWORK_POLICY, CLUSTER_NETWORK_POLICY}, "Cilium", id="Cilium with the CRD"),
        pytest.param({*OPTIONAL_KINDS}, "Cilium", id="everything at once"),
    ],
)
def test_auto_takes_the_strongest_that_is_served(served: set[Kind], want: str) -> None:
    choice = choose("Auto", frozenset(served))

    assert isinstance(choice, Choice)
    assert choice.backend.name == want
    assert choice.why.startswith(f"Auto chose {want}: ")
    assert choice.why.endswith(".")


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda each: each.name)
def test_a_backend_by_name_is_taken_where_it_is_served(backend: Backend) -> None:
    choice = choose(backend.name, frozenset(OPTIONAL_KINDS))

    assert isinstance(choice, Choice)
    assert choice.backend is backend


@pytest.mark.parametrize(
    ("asked", "served", "want"),
    [
        pytest.param(
            "Cilium",
            {CLUSTER_NETWORK_POLICY},
            "spec.enforcement.backend names Cilium, but the API server does not serve CiliumClusterwideNetworkPolicy "
            "(cilium.io/v2); install Cilium, or set spec.enforcement.backend to Auto, which would choose "
            "ClusterNetworkPolicy.",
            id="not installed",
        ),
        pytest.param(
            "Calico",
            {CALICO_TIER, GLOBAL_NETWORK_POLICY},
            "does not serve StagedGlobalNetworkPolicy (projectcalico.org/v3); install Calico 3.30 or newer",
            id="too old",
        ),
        pytest.param("Antrea", set(), "There is no backend Antrea; set spec.enforcement.backend to Auto", id="unknown"),
    ],
)
def test_one_that_is_not_served_is_an_error_with_its_mend(asked: str, served: set[Kind], want: str) -> None:
    choice = choose(asked, frozenset(served))

    assert isinstance(choice, Unserved)
    assert want in choice.message


def test_every_backend_can_be_named_in_a_policy() -> None:
    names = get_args(Enforcement.model_fields["backend"].annotation)

    assert {*names} == {"Auto", *(backend.name for backend in BACKENDS)}


def test_backends_write_only_what_a_policy_may_own() -> None:
    written = {kind for backend in BACKENDS for kind in backend.kinds}

    assert written <= {*OWNED_KINDS}
    assert written - {NETWORK_POLICY} <= {*OPTIONAL_KINDS}
