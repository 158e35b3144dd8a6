"""SovereigntyPolicies that a real API server takes or refuses; declared here, enforced by a controller to come."""

from __future__ import annotations

from typing import Any

import pytest

from api.asking import GONE, Api, changed

pytestmark = pytest.mark.cluster

POLICY: dict[str, Any] = {
    "apiVersion": "bolwerk.dev/v1alpha1",
    "kind": "SovereigntyPolicy",
    "metadata": {"name": "government"},
    "spec": {
        "namespaceSelector": {"matchLabels": {"bolwerk.dev/governed": "true"}},
        "mode": "Enforce",
        "internal": {
            "networks": ["10.20.0.0/16", "2001:db8:20::/48"],
            "forwardProxies": ["10.20.1.0/28"],
            "privateEndpoints": ["10.0.0.0/8"],
        },
    },
}
NETWORKS = "spec.internal.networks"
WHOLE = "is not internal: private endpoints of external services and forward proxies have such addresses too"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="with proxies and private endpoints"),
        pytest.param({"spec.namespaceSelector": {}}, id="for every namespace"),
        pytest.param({"spec.catalogue": {"alert": ["openai"], "allow": ["mistral"]}}, id="with groups by name"),
        pytest.param(
            {"spec.catalogue.entries": [{"name": "own", "suffixes": ["llm.example.com"]}]}, id="with an own entry"
        ),
        pytest.param({"spec.enforcement": {"backend": "Cilium", "priority": 10}}, id="with a backend by name"),
        pytest.param({"spec.exceptions": {"longestDays": 30, "approvals": 2}}, id="with bounds for exceptions"),
        pytest.param({NETWORKS: ["10.0.0.0/9", "172.16.0.0/13"]}, id="with half of a private space"),
    ],
)
def test_taken(api: Api, changes: dict[str, Any]) -> None:
    assert api.refusal(changed(POLICY, changes)) == ""


@pytest.mark.parametrize(
    ("changes", "want"),
    [
        pytest.param({"spec.mode": GONE}, "spec.mode: Required value", id="no mode"),
        pytest.param({"spec.mode": "Warn"}, 'supported values: "Audit", "Enforce"', id="a mode that is none"),
        pytest.param({NETWORKS: []}, "should have at least 1 items", id="an empty internal list"),
        pytest.param({NETWORKS: ["10.0.0.0/8"]}, WHOLE, id="all of 10/8 as internal"),
        pytest.param({NETWORKS: ["192.168.0.0/16"]}, WHOLE, id="all of 192.168/16 as internal"),
        pytest.param({NETWORKS: ["0.0.0.0/0"]}, WHOLE, id="the internet as internal"),
        pytest.param({NETWORKS: ["fc00::/7"]}, WHOLE, id="all of IPv6's private space as internal"),
        pytest.param({NETWORKS: ["::/0"]}, WHOLE, id="all of IPv6 as internal"),
        pytest.param({NETWORKS: ["10.20.0.0"]}, "write each network as CIDR", id="an address as a network"),
        pytest.param({NETWORKS: ["10.20.0.1/16"]}, "with its first address", id="a network with host bits"),
        pytest.param(
            {NETWORKS: ["2001:db8::/129"]}, "write each network as CIDR", id="an IPv6 prefix that is too long"
        ),
        pytest.param({NETWORKS: ["10.20.0.0/33"]}, "write each network as CIDR", id="an IPv4 prefix that is too long"),
        pytest.param({NETWORKS: ["10.20.0.0/16", "10.20.0.0/16"]}, "Duplicate value", id="a network twice"),
        pytest.param(
            {"spec.catalogue": {"refuse": ["openai"], "allow": ["openai"]}},
            "catalogue: a group stands in refuse and in allow; keep one of them",
            id="a group in two lists",
        ),
        pytest.param(
            {"spec.catalogue.allow": [f"group-{number}" for number in range(201)]},
            "must have at most 200 items",
            id="201 groups",
        ),
        pytest.param(
            {"spec.catalogue.entries": [{"name": "own"}]}, "needs suffixes, hosts or both", id="an entry of nothing"
        ),
        pytest.param(
            {"spec.proof": {"intervalHours": 72}}, "staleAfterHours (default 72) has to be longer", id="always stale"
        ),
        pytest.param({"spec.exceptions.longestDays": 400}, "spec.exceptions.longestDays", id="exceptions without end"),
    ],
)
def test_refused_with_a_sentence(api: Api, changes: dict[str, Any], want: str) -> None:
    assert want in api.refusal(changed(POLICY, changes))
