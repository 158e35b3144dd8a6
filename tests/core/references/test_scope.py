"""Where a scan looks and what counts there."""

from typing import Any

import pytest

from bolwerk.core.invalid import InvalidSpecError
from bolwerk.core.policy.observed import Observed
from bolwerk.core.references.look import judge
from bolwerk.core.references.scope import scope
from bolwerk.core.settings import Settings
from core.references.cataloguing import catalogue

SETTINGS = Settings(catalogue=catalogue(), namespace="bolwerk-system")
OVERLAY = """
schemaVersion: bolwerk.dev/catalogue-overlay/v1
version: 2026.11.25
sources: {known: {what: what is known}}
groups:
  newcomer: {title: New, jurisdiction: US, suffixes: [newcomer.example], sources: [known],
             examples: {refused: [newcomer.example]}}
remove: [acme]
"""


def policy(name: str = "state", **spec: Any) -> dict[str, Any]:
    base = {"namespaceSelector": {}, "mode": "Audit", "internal": {"networks": ["192.0.2.0/24"]}}
    return {"metadata": {"name": name, "uid": f"u-{name}", "generation": 1}, "spec": {**base, **spec}}


def namespaces(*names: str) -> tuple[dict[str, Any], ...]:
    return tuple({"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}}} for name in names)


def test_system_namespaces_and_those_of_another_policy_are_left_out() -> None:
    before = policy("before", enforcement={"priority": 1})
    before["spec"]["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": "taken"}}
    observed = Observed(policy(), (before,), namespaces("b", "a", "taken", "kube-system", "bolwerk-system"))

    assert scope(observed, SETTINGS).namespaces == ("a", "b")


@pytest.mark.parametrize(
    ("overlay", "want"),
    [
        pytest.param(None, {"acme"}, id="none"),
        pytest.param({"data": {"catalogue.yaml": OVERLAY}}, {"newcomer"}, id="one that adds and removes"),
        pytest.param({"data": {"catalogue.yaml": "groups: ["}}, {"acme"}, id="one that cannot be used"),
        pytest.param({"data": {}}, {"acme"}, id="one that holds nothing"),
    ],
)
def test_the_catalogue_is_the_one_that_decides_everything_else(overlay: dict[str, Any] | None, want: set[str]) -> None:
    named = overlay and {"metadata": {"name": "bolwerk-catalogue", "namespace": "bolwerk-system"}, **overlay}
    rules = scope(Observed(policy(), overlay=named), SETTINGS).rules

    assert judge("api.acme.ai newcomer.example", rules) == want


def test_own_entries_and_own_networks_count() -> None:
    declared = policy(
        internal={"networks": ["192.0.2.0/24"], "forwardProxies": ["192.0.2.9/32"]},
        catalogue={"entries": [{"name": "own", "suffixes": ["own.example"]}]},
    )

    rules = scope(Observed(declared), SETTINGS).rules

    assert judge("www.own.example", rules) == {"own"}
    assert [str(network) for network in rules.outward] == ["192.0.2.9/32"]
    assert {"192.0.2.0/24", "10.0.0.0/8", "fc00::/7"} <= {str(network) for network in rules.inside}


def test_a_policy_that_means_nothing_has_no_scope() -> None:
    with pytest.raises(InvalidSpecError, match="no-such-group"):
        scope(Observed(policy(catalogue={"refuse": ["no-such-group"]})), SETTINGS)
