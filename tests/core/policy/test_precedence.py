"""Rules of others that open the wall again, for each backend that may hold it."""

from __future__ import annotations

from typing import Any

import pytest

from bolwerk.core.egress.backend import BACKENDS, Choice
from bolwerk.core.kinds import (
    ADMIN_NETWORK_POLICY,
    CALICO_TIER,
    CILIUM_CLUSTERWIDE_NETWORK_POLICY,
    CILIUM_NETWORK_POLICY,
    CLUSTER_NETWORK_POLICY,
    GLOBAL_NETWORK_POLICY,
    NETWORK_POLICY,
    Kind,
)
from bolwerk.core.policy.before import BEFORE
from bolwerk.core.policy.finding import Finding
from bolwerk.core.policy.precedence import reopened
from core.egress.worlds import intent_of
from core.policy.world import FREE, GOVERNED, policy

# Internal: 10.20.0.0/16 and 2001:db8:20::/48, but for the proxies in 10.20.1.0/28; priority 100.
INTENT = intent_of(policy())
OUTSIDE = "203.0.113.0/24"
EVERYTHING = "0.0.0.0/0"

Rules = dict[Kind, tuple[dict[str, Any], ...]]


def found(backend: str, rules: Rules, *, namespaces: tuple[Any, ...] = (GOVERNED,)) -> tuple[Finding, ...]:
    (held,) = (each for each in BACKENDS if each.name == backend)
    return reopened(INTENT, Choice(held, ""), rules, namespaces)


def networkpolicy(*egress: Any, namespace: str = "team", **spec: Any) -> Rules:
    body = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [*egress], **spec}
    return {NETWORK_POLICY: ({"metadata": {"name": "their-own", "namespace": namespace}, "spec": body},)}


def block(cidr: str, *holes: str) -> Any:
    return {"to": [{"ipBlock": {"cidr": cidr, **({"except": [*holes]} if holes else {})}}]}


def clusternetworkpolicy(*egress: Any, tier: str = "Admin", priority: int = 50, subject: Any = None) -> Rules:
    spec = {"tier": tier, "priority": priority, "subject": subject or {"namespaces": {}}, "egress": [*egress]}
    return {CLUSTER_NETWORK_POLICY: ({"metadata": {"name": "theirs"}, "spec": spec},)}


def adminnetworkpolicy(*egress: Any, priority: int = 50) -> Rules:
    spec = {"priority": priority, "subject": {"namespaces": {}}, "egress": [*egress]}
    return {ADMIN_NETWORK_POLICY: ({"metadata": {"name": "theirs"}, "spec": spec},)}


def rule(action: str, *networks: str, **more: Any) -> Any:
    return {"action": action, "to": [{"networks": [*networks]}], **more}


def calico(*egress: Any, tier: str = "security", order: float | None = 50, name: str = "security.theirs") -> Rules:
    body = {"tier": tier, "order": order, "egress": [*egress], "types": ["Egress"]}
    return {
        GLOBAL_NETWORK_POLICY: ({"metadata": {"name": name}, "spec": body},),
        CALICO_TIER: (
            {"metadata": {"name": "security"}, "spec": {"order": 10}},
            {"metadata": {"name": "later"}, "spec": {"order": 500}},
            {"metadata": {"name": "default"}, "spec": {"order": 1_000_000}},
        ),
    }


def to(action: str, *nets: str, **destination: Any) -> Any:
    return {"action": action, "destination": {**({"nets": [*nets]} if nets else {}), **destination}}


def cilium(*egress: Any, namespace: str | None = "team") -> Rules:
    kind = CILIUM_NETWORK_POLICY if namespace else CILIUM_CLUSTERWIDE_NETWORK_POLICY
    metadata = {"name": "theirs", **({"namespace": namespace} if namespace else {})}
    return {kind: ({"metadata": metadata, "spec": {"endpointSelector": {}, "egress": [*egress]}},)}


@pytest.mark.parametrize(
    ("backend", "rules", "want"),
    [
        pytest.param("NetworkPolicy", networkpolicy({}), "lets pods reach every address", id="no peers at all"),
        pytest.param(
            "NetworkPolicy", networkpolicy({"ports": [{"port": 443}]}), "every address", id="one port of everybody"
        ),
        pytest.param("NetworkPolicy", networkpolicy(block(OUTSIDE)), OUTSIDE, id="a block outside"),
        pytest.param("NetworkPolicy", networkpolicy(block("10.20.1.8/29")), "10.20.1.8/29", id="a block of proxies"),
        pytest.param("NetworkPolicy", networkpolicy(block("10.20.0.0/15")), "10.20.0.0/15", id="a block too wide"),
        pytest.param("NetworkPolicy", networkpolicy(block("::/0")), "::/0", id="a block of the other family"),
        pytest.param(
            "NetworkPolicy",
            networkpolicy(block("10.20.0.0/16", "10.20.1.0/29")),
            "10.20.0.0/16",
            id="half of the proxies excepted",
        ),
        pytest.param(
            "NetworkPolicy", networkpolicy({}, policyTypes=None), "every address", id="egress without saying so"
        ),
        pytest.param(
            "NetworkPolicy", clusternetworkpolicy(rule("Accept", OUTSIDE), priority=900), OUTSIDE, id="accepted before"
        ),
        pytest.param("NetworkPolicy", adminnetworkpolicy(rule("Allow", OUTSIDE)), OUTSIDE, id="allowed before"),
        pytest.param("NetworkPolicy", calico(to("Allow"), tier="default"), "every address", id="Calico's default tier"),
        pytest.param("NetworkPolicy", cilium({"toCIDR": [OUTSIDE]}), OUTSIDE, id="a CiliumNetworkPolicy"),
        pytest.param(
            "NetworkPolicy", cilium({"toEntities": ["world"]}, namespace=None), "the entity world", id="an entity"
        ),
        pytest.param(
            "NetworkPolicy",
            cilium({"toFQDNs": [{"matchName": "api.openai.com"}, {"matchPattern": "*.azure.com"}]}),
            "the names api.openai.com, *.azure.com",
            id="names",
        ),
        pytest.param("NetworkPolicy", cilium({"toPorts": [{}]}), "every address", id="Cilium's ports of everybody"),
        pytest.param(
            "NetworkPolicy", cilium({"toCIDRSet": [{"cidrGroupRef": "saas"}]}), "a CiliumCIDRGroup", id="a CIDR group"
        ),
        pytest.param(
            "ClusterNetworkPolicy",
            clusternetworkpolicy(rule("Accept", EVERYTHING)),
            "its priority 50 comes before the wall's; give it one above 100",
            id="Accept of a lower priority",
        ),
        pytest.param(
            "ClusterNetworkPolicy", clusternetworkpolicy(rule("Pass", EVERYTHING)), EVERYTHING, id="Pass skips the wall"
        ),
        pytest.param(
            "ClusterNetworkPolicy",
            clusternetworkpolicy(rule("Pass", EVERYTHING), priority=100),
            "it has the wall's priority 100, and which comes first is undefined",
            id="the same priority",
        ),
        pytest.param(
            "ClusterNetworkPolicy",
            clusternetworkpolicy({"action": "Accept", "to": [{"domainNames": ["*.openai.com"]}]}),
            "the names *.openai.com",
            id="names before the wall",
        ),
        pytest.param(
            "ClusterNetworkPolicy",
            clusternetworkpolicy(
                rule("Deny", OUTSIDE, protocols=[{"tcp": {}}]),
                rule("Accept", OUTSIDE),
            ),
            OUTSIDE,
            id="a denial of some protocols is none",
        ),
        pytest.param("ClusterNetworkPolicy", calico(to("Allow")), "Calico decides tier security", id="Calico's tiers"),
        pytest.param("AdminNetworkPolicy", adminnetworkpolicy(rule("Pass", OUTSIDE)), OUTSIDE, id="ANP's Pass"),
        pytest.param(
            "Cilium",
            clusternetworkpolicy(rule("Accept", OUTSIDE), priority=900),
            "the Admin tier comes before Cilium's own policies",
            id="the Admin tier in front of Cilium",
        ),
        pytest.param(
            "Calico",
            calico(to("Allow", OUTSIDE)),
            "tier security comes before the wall's: give it an order above 100",
            id="an earlier tier",
        ),
        pytest.param(
            "Calico",
            calico(to("Pass"), tier="bolwerk-government", order=1, name="bolwerk-government.theirs"),
            "it comes before the wall in the wall's own tier",
            id="an intruder in the wall's tier",
        ),
        pytest.param("Calico", calico(to("Allow", notSelector="a == 'b'")), "every address", id="all but some"),
        pytest.param("Calico", calico(to("Allow", domains=["*.x.ai"])), "the names *.x.ai", id="Enterprise's names"),
        pytest.param("Calico", calico({"action": "Allow", "ipVersion": 6}), "every address", id="one family"),
    ],
)
def test_what_opens_the_wall_is_found(backend: str, rules: Rules, want: str) -> None:
    (finding,) = found(backend, rules)

    assert want in finding.sentence
    assert finding.name in finding.sentence
    assert finding.sentence.endswith(".")
    assert {finding.kind} <= {*rules}


@pytest.mark.parametrize(
    ("backend", "rules"),
    [
        pytest.param("NetworkPolicy", networkpolicy(block("10.20.7.0/24")), id="an internal block"),
        pytest.param(
            "NetworkPolicy", networkpolicy(block("10.20.0.0/16", "10.20.1.0/28")), id="an internal block less proxies"
        ),
        pytest.param(
            "NetworkPolicy", networkpolicy({"to": [{"namespaceSelector": {}}, {"podSelector": {}}]}), id="pods"
        ),
        pytest.param("NetworkPolicy", networkpolicy(), id="no rules"),
        pytest.param("NetworkPolicy", networkpolicy({}, namespace="other"), id="a namespace that is not governed"),
        pytest.param("NetworkPolicy", networkpolicy({}, policyTypes=["Ingress"]), id="a policy about ingress"),
        pytest.param("NetworkPolicy", clusternetworkpolicy(rule("Pass", OUTSIDE)), id="Pass comes to NetworkPolicies"),
        pytest.param("NetworkPolicy", cilium({"toEndpoints": [{}]}, {}), id="Cilium's pods, and its empty rule"),
        pytest.param("NetworkPolicy", cilium({"toEntities": ["world"]}, namespace="other"), id="Cilium elsewhere"),
        pytest.param(
            "ClusterNetworkPolicy", clusternetworkpolicy(rule("Accept", OUTSIDE), priority=101), id="a later priority"
        ),
        pytest.param(
            "ClusterNetworkPolicy", clusternetworkpolicy(rule("Accept", OUTSIDE), tier="Baseline"), id="another tier"
        ),
        pytest.param("ClusterNetworkPolicy", clusternetworkpolicy(rule("Deny", EVERYTHING)), id="a denial"),
        pytest.param(
            "ClusterNetworkPolicy",
            clusternetworkpolicy(rule("Deny", EVERYTHING), rule("Accept", OUTSIDE)),
            id="a denial of its own before",
        ),
        pytest.param(
            "ClusterNetworkPolicy", clusternetworkpolicy({"action": "Accept", "to": [{"namespaces": {}}]}), id="to pods"
        ),
        pytest.param(
            "ClusterNetworkPolicy",
            clusternetworkpolicy(rule("Accept", OUTSIDE), subject={"namespaces": {"matchLabels": {"no": "body"}}}),
            id="another subject",
        ),
        pytest.param(
            "ClusterNetworkPolicy",
            clusternetworkpolicy(
                rule("Accept", OUTSIDE),
                subject={"pods": {"namespaceSelector": {"matchLabels": {"no": "body"}}, "podSelector": {}}},
            ),
            id="pods of another subject",
        ),
        pytest.param("ClusterNetworkPolicy", networkpolicy({}), id="NetworkPolicies, which come later"),
        pytest.param("ClusterNetworkPolicy", calico(to("Allow"), tier="default"), id="Calico's later tiers"),
        pytest.param("Cilium", cilium({"toEntities": ["world"]}), id="an allowance, which a denial beats"),
        pytest.param("Cilium", networkpolicy({}), id="NetworkPolicies, which a denial beats"),
        pytest.param("Cilium", clusternetworkpolicy(rule("Pass", OUTSIDE)), id="Pass comes to Cilium's policies"),
        pytest.param("Calico", calico(to("Allow", "10.20.7.0/24")), id="an internal network"),
        pytest.param("Calico", calico(to("Allow"), tier="later"), id="a later tier"),
        pytest.param("Calico", calico(to("Pass", OUTSIDE)), id="Pass comes to the wall's tier"),
        pytest.param("Calico", calico(to("Deny"), to("Allow")), id="a denial of everything before"),
        pytest.param("Calico", calico(to("Allow", namespaceSelector="all()")), id="Calico's pods"),
        pytest.param(
            "Calico",
            calico(to("Allow"), tier="bolwerk-government", order=200, name="bolwerk-government.theirs"),
            id="after the wall in its own tier",
        ),
    ],
)
def test_what_leaves_the_wall_as_it_is_is_no_finding(backend: str, rules: Rules) -> None:
    assert found(backend, rules) == ()


def test_without_governed_namespaces_there_is_nothing_to_open() -> None:
    assert found("NetworkPolicy", clusternetworkpolicy(rule("Accept", EVERYTHING)), namespaces=()) == ()


def test_a_subject_of_ungoverned_namespaces_is_no_finding() -> None:
    rules = clusternetworkpolicy(
        rule("Accept", EVERYTHING), subject={"namespaces": {"matchLabels": FREE["metadata"]["labels"]}}
    )

    assert found("ClusterNetworkPolicy", rules) == ()


def test_findings_come_in_order_and_one_for_each_object() -> None:
    (first,) = networkpolicy({}, block(OUTSIDE))[NETWORK_POLICY]
    second = {**first, "metadata": {"name": "another", "namespace": "team"}}

    findings = found("NetworkPolicy", {NETWORK_POLICY: (first, second)})

    assert [each.name for each in findings] == ["another", "their-own"]


def test_every_backend_has_its_suspects() -> None:
    assert {*BEFORE} == {backend.name for backend in BACKENDS}
