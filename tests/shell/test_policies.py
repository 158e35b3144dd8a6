"""Which SovereigntyPolicies an object's change concerns, and what they see of the cluster."""

from typing import Any

import pytest

from bolwerk.core.kinds import (
    CILIUM_NETWORK_POLICY,
    CLUSTER_NETWORK_POLICY,
    CONFIG_MAP,
    LOCAL_MODEL,
    NAMESPACE,
    NETWORK_POLICY,
    SOVEREIGNTY_POLICY,
    VALIDATING_ADMISSION_POLICY,
    Kind,
    Ref,
)
from bolwerk.core.plan import Manifest, Refusal
from bolwerk.core.settings import Settings
from bolwerk.shell.cache import Cache
from bolwerk.shell.models import LocalModels
from bolwerk.shell.policies import SovereigntyPolicies

from .objects import make, make_model, make_policy

STATE, TOWN = Ref(SOVEREIGNTY_POLICY, "", "state"), Ref(SOVEREIGNTY_POLICY, "", "town")
CHAT = Ref(LOCAL_MODEL, "team", "chat")
SETTINGS = Settings(namespace="bolwerk-system", dns_namespace="kube-system")
SERVED = frozenset({CLUSTER_NETWORK_POLICY, CILIUM_NETWORK_POLICY})


def of_policy(kind: Kind, name: str, owner: str, *, namespace: str = "", **fields: Any) -> Manifest:
    return make(kind, name, namespace=namespace, owner=owner, owned_by=SOVEREIGNTY_POLICY, **fields)


def of_cluster(kind: Kind, name: str, **fields: Any) -> Manifest:
    return make(kind, name, namespace="", **fields)


@pytest.fixture(autouse=True)
def policies(cache: Cache) -> SovereigntyPolicies:
    """Two policies and a LocalModel."""
    LocalModels(cache, settings=Settings())
    policies = SovereigntyPolicies(cache, served=SERVED, settings=SETTINGS)
    cache.put(SOVEREIGNTY_POLICY, make_policy("state", uid="u-state"))
    cache.put(SOVEREIGNTY_POLICY, make_policy("town", uid="u-town"))
    cache.put(LOCAL_MODEL, make_model("chat", uid="u-chat"))
    return policies


@pytest.mark.parametrize(
    ("kind", "manifest", "want"),
    [
        pytest.param(NAMESPACE, of_cluster(NAMESPACE, "team"), {STATE, TOWN}, id="a namespace: all"),
        pytest.param(
            NETWORK_POLICY, make(NETWORK_POLICY, "own", namespace="away"), {STATE, TOWN}, id="a team's policy: all"
        ),
        pytest.param(
            NETWORK_POLICY, make(NETWORK_POLICY, "own"), {STATE, TOWN, CHAT}, id="beside a model: the model too"
        ),
        pytest.param(
            NETWORK_POLICY, make(NETWORK_POLICY, "chat", owner="u-chat"), {CHAT}, id="a model's seal: the model only"
        ),
        pytest.param(
            NETWORK_POLICY, of_policy(NETWORK_POLICY, "bolwerk-state", "u-state", namespace="team"), {STATE, CHAT},
            id="a wall beside a model: its owner and the model",
        ),
        pytest.param(
            CLUSTER_NETWORK_POLICY, of_policy(CLUSTER_NETWORK_POLICY, "bolwerk-state", "u-state"), {STATE},
            id="a wall of the cluster: its owner",
        ),
        pytest.param(
            CLUSTER_NETWORK_POLICY, of_cluster(CLUSTER_NETWORK_POLICY, "platform"), {STATE, TOWN},
            id="somebody else's rule: all",
        ),
        pytest.param(
            CLUSTER_NETWORK_POLICY, of_cluster(CLUSTER_NETWORK_POLICY, "odd", owner="u-chat"), {STATE, TOWN},
            id="a rule that only claims to be a model's: all",
        ),
        pytest.param(
            CILIUM_NETWORK_POLICY, of_policy(CILIUM_NETWORK_POLICY, "odd", "u-state", namespace="team"), {STATE, TOWN},
            id="a rule of a kind that no policy makes: all, whoever it claims to belong to",
        ),
        pytest.param(
            NAMESPACE, of_policy(NAMESPACE, "odd", "u-state"), {STATE, TOWN},
            id="a namespace is nobody's, whoever it claims to belong to",
        ),
        pytest.param(
            VALIDATING_ADMISSION_POLICY, of_policy(VALIDATING_ADMISSION_POLICY, "bolwerk-state", "u-state"), {STATE},
            id="an admission policy: its owner",
        ),
        pytest.param(
            VALIDATING_ADMISSION_POLICY, of_cluster(VALIDATING_ADMISSION_POLICY, "foreign"), set(),
            id="somebody else's admission policy: nobody",
        ),
        pytest.param(
            CONFIG_MAP, make(CONFIG_MAP, "bolwerk-catalogue", namespace="bolwerk-system"), {STATE, TOWN},
            id="the overlay: all",
        ),
        pytest.param(
            CONFIG_MAP, of_policy(CONFIG_MAP, "bolwerk-catalogue", "u-state", namespace="bolwerk-system"),
            {STATE, TOWN}, id="the overlay is nobody's, whoever it claims to belong to",
        ),
        pytest.param(
            CONFIG_MAP, make(CONFIG_MAP, "bolwerk-catalogue", namespace="team"), set(), id="its namesake: nobody"
        ),
        pytest.param(
            CONFIG_MAP, of_policy(CONFIG_MAP, "bolwerk-town-dns", "u-town", namespace="kube-system"), {TOWN},
            id="a snippet for CoreDNS: its owner",
        ),
    ],
)  # fmt: skip
def test_a_change_concerns(cache: Cache, kind: Kind, manifest: Manifest, want: set[Ref]) -> None:
    assert cache.put(kind, manifest) == want
    assert cache.put(kind, manifest) == set(), "the same news twice is no news"
    assert cache.remove(kind, manifest) == want
    assert cache.remove(kind, manifest) == set()


def test_a_policys_status_concerns_itself_and_its_spec_concerns_all(cache: Cache) -> None:
    told = make_policy("state", uid="u-state", version=2, conditions={"Ready": "True"})
    edited = make_policy("state", uid="u-state", version=3, generation=2)

    assert cache.put(SOVEREIGNTY_POLICY, told) == {STATE}
    assert cache.put(SOVEREIGNTY_POLICY, edited) == {STATE, TOWN}
    assert cache.remove(SOVEREIGNTY_POLICY, edited) == {STATE, TOWN}


def test_a_rule_that_changes_hands_concerns_both(cache: Cache) -> None:
    name = "bolwerk-state"
    cache.put(CLUSTER_NETWORK_POLICY, of_policy(CLUSTER_NETWORK_POLICY, name, "u-state"))

    taken = of_policy(CLUSTER_NETWORK_POLICY, name, "u-town", version=2)
    assert cache.put(CLUSTER_NETWORK_POLICY, taken) == {STATE, TOWN}
    assert cache.put(CLUSTER_NETWORK_POLICY, of_cluster(CLUSTER_NETWORK_POLICY, name, version=3)) == {STATE, TOWN}


def test_what_nobody_reads_of_a_namespace_or_a_foreign_rule_wakes_nobody(cache: Cache) -> None:
    cache.put(NAMESPACE, of_cluster(NAMESPACE, "team", status={"phase": "Active"}))
    cache.put(CLUSTER_NETWORK_POLICY, of_cluster(CLUSTER_NETWORK_POLICY, "platform", spec={"priority": 1}))

    busy = of_cluster(NAMESPACE, "team", status={"phase": "Terminating"}, spec={"finalizers": []}, version=2)
    busy["metadata"]["annotations"] = {"team.example/touched": "now"}
    assert cache.put(NAMESPACE, busy) == set()
    reported = of_cluster(CLUSTER_NETWORK_POLICY, "platform", spec={"priority": 1}, status={"nodes": 7}, version=2)
    assert cache.put(CLUSTER_NETWORK_POLICY, reported) == set()
    assert cache.put(NAMESPACE, of_cluster(NAMESPACE, "team", labels={"a": "b"}, version=3)) == {STATE, TOWN}


def test_what_is_observed(cache: Cache, policies: SovereigntyPolicies) -> None:
    seen: list[tuple[Kind, Manifest]] = [
        (NAMESPACE, of_cluster(NAMESPACE, "team", labels={"governed": "yes"}, status={"phase": "Active"})),
        (NETWORK_POLICY, make(NETWORK_POLICY, "chat", owner="u-chat")),
        (NETWORK_POLICY, make(NETWORK_POLICY, "own")),
        (NETWORK_POLICY, of_policy(NETWORK_POLICY, "bolwerk-state", "u-state", namespace="team")),
        (NETWORK_POLICY, of_policy(NETWORK_POLICY, "bolwerk-town", "u-town", namespace="team")),
        (CLUSTER_NETWORK_POLICY, of_policy(CLUSTER_NETWORK_POLICY, "wall", "u-state", status={"conditions": []})),
        (CLUSTER_NETWORK_POLICY, of_cluster(CLUSTER_NETWORK_POLICY, "platform", status={"conditions": []})),
        (CONFIG_MAP, make(CONFIG_MAP, "bolwerk-catalogue", namespace="bolwerk-system", data={"catalogue.yaml": "{}"})),
        (CONFIG_MAP, of_policy(CONFIG_MAP, "bolwerk-state-dns", "u-state", namespace="kube-system")),
    ]
    for kind, manifest in seen:
        cache.put(kind, manifest)
    refusal = Refusal(Ref(CLUSTER_NETWORK_POLICY, "", "wall"), "NameTaken", "it is taken")

    observed = policies.observe(STATE.key, refusals=(refusal,))

    def names(found: Any) -> dict[str, list[str]]:
        return {kind.name: [each["metadata"]["name"] for each in objects] for kind, objects in found.items()}

    assert observed is not None
    assert observed.resource["metadata"]["uid"] == "u-state"
    assert [other["metadata"]["name"] for other in observed.others] == ["town"]
    assert names(observed.owned) == {
        "ClusterNetworkPolicy": ["wall"],
        "ConfigMap": ["bolwerk-state-dns"],
        "NetworkPolicy": ["bolwerk-state"],
    }
    assert names(observed.rules) == {"ClusterNetworkPolicy": ["platform"], "NetworkPolicy": ["own"]}
    assert "status" in observed.owned[CLUSTER_NETWORK_POLICY][0], "it may tell what became of it"
    assert "status" not in observed.rules[CLUSTER_NETWORK_POLICY][0]
    [namespace] = observed.namespaces
    assert namespace["metadata"] == {"name": "team", "uid": "namespaces--team", "labels": {"governed": "yes"}}
    assert namespace.keys() == {"apiVersion", "kind", "metadata"}
    assert observed.overlay is not None
    assert observed.overlay["data"] == {"catalogue.yaml": "{}"}
    assert observed.served == SERVED
    assert observed.references is None
    assert observed.refusals == (refusal,)
    assert policies.observe(("", "nobody")) is None
    assert [each.policy["metadata"]["name"] for each in policies.observe_all()] == ["state", "town"]


def test_only_served_kinds_are_looked_at(policies: SovereigntyPolicies) -> None:
    assert set(policies.kinds) > SERVED
    assert {kind.group for kind in policies.kinds} & {"projectcalico.org"} == set()
    assert NETWORK_POLICY in policies.kinds


def test_config_maps_are_known_by_name(cache: Cache, policies: SovereigntyPolicies) -> None:
    cache.remove(SOVEREIGNTY_POLICY, make_policy("town", uid="u-town"))

    assert list(policies.polled()) == [
        Ref(CONFIG_MAP, "bolwerk-system", "bolwerk-catalogue"),
        Ref(CONFIG_MAP, "kube-system", "bolwerk-state-dns"),
    ]


def test_what_a_scan_found_concerns_its_policy_when_it_is_news(cache: Cache, policies: SovereigntyPolicies) -> None:
    assert policies.put_references("state", ("ConfigMap team/settings",)) == {STATE}
    assert policies.put_references("state", ("ConfigMap team/settings",)) == set()
    assert policies.put_references("state", ()) == {STATE}
    assert policies.put_references("nobody", ()) == set()

    cache.put(SOVEREIGNTY_POLICY, make_policy("state", uid="u-state", version=2, generation=2))
    observed = policies.observe(STATE.key)
    assert observed is not None
    assert observed.references == (), "an edit does not undo a scan"

    cache.put(SOVEREIGNTY_POLICY, make_policy("state", uid="u-namesake", version=3))
    observed = policies.observe(STATE.key)
    assert observed is not None
    assert observed.references is None, "a namesake has not been scanned for"


def test_conditions_are_counted_over_all_policies(cache: Cache, policies: SovereigntyPolicies) -> None:
    cache.put(SOVEREIGNTY_POLICY, make_policy("state", uid="u-state", version=2, conditions={"Ready": "True"}))
    cache.put(SOVEREIGNTY_POLICY, make_policy("state", uid="u-state", version=3, conditions={"Ready": "False"}))

    assert +policies.conditions == {("Ready", "False"): 1}


def test_nothing_is_left_of_what_is_gone(cache: Cache, policies: SovereigntyPolicies) -> None:
    things = [
        (NAMESPACE, of_cluster(NAMESPACE, "team")),
        (NETWORK_POLICY, make(NETWORK_POLICY, "own")),
        (CLUSTER_NETWORK_POLICY, of_policy(CLUSTER_NETWORK_POLICY, "wall", "u-state")),
        (CLUSTER_NETWORK_POLICY, of_policy(CLUSTER_NETWORK_POLICY, "orphan", "u-gone")),
        (SOVEREIGNTY_POLICY, make_policy("state", uid="u-state")),
        (SOVEREIGNTY_POLICY, make_policy("town", uid="u-town")),
    ]
    policies.put_references("state", ())
    for kind, manifest in things:
        cache.put(kind, manifest)
    for kind, manifest in things:
        cache.remove(kind, manifest)

    for left in (policies._policies, policies._owned, policies._shared, policies._references):
        assert not left
