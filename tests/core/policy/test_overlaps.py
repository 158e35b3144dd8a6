"""Several policies and one namespace: who governs, and who is told of whom."""

from __future__ import annotations

from typing import Any

import pytest

from bolwerk.core.policy.overlaps import governing, overlaps
from core.policy.world import FREE, GOVERNED, namespace, policy

MORE = tuple(namespace(f"team-{number}", sovereignty="enforced") for number in range(4))
EVERYBODY: dict[str, Any] = {"namespaceSelector": {}}


def prior(priority: int) -> dict[str, Any]:
    return {"enforcement": {"priority": priority}}


@pytest.mark.parametrize(
    ("policies", "want"),
    [
        pytest.param([policy("a")], {"team": "a"}, id="one policy"),
        pytest.param([policy("a", **EVERYBODY)], {"team": "a", "other": "a"}, id="one of everybody"),
        pytest.param([policy("a"), policy("b", **EVERYBODY)], {"team": "a", "other": "b"}, id="the first by name"),
        pytest.param([policy("b", **EVERYBODY), policy("a")], {"team": "a", "other": "b"}, id="in whatever order"),
        pytest.param([policy("a", **prior(200)), policy("b", **prior(20))], {"team": "b"}, id="the lowest priority"),
        pytest.param([policy("a"), policy("b", **prior(99))], {"team": "b"}, id="before the default priority"),
        pytest.param(
            [policy("a", mode="Audit", **prior(1)), policy("b", **prior(900))], {"team": "b"}, id="enforce before audit"
        ),
        pytest.param([policy("a", mode="Audit")], {"team": "a"}, id="audit where nobody enforces"),
        pytest.param(
            [policy("a", namespaceSelector={"matchExpressions": [{"key": "x"}]}), policy("b")],
            {"team": "b"},
            id="a selector that means nothing",
        ),
        pytest.param([], {}, id="no policy"),
    ],
)
def test_exactly_one_policy_governs(policies: list[Any], want: dict[str, str]) -> None:
    assert governing(policies, (GOVERNED, FREE)) == want


@pytest.mark.parametrize(
    ("mine", "other", "want"),
    [
        pytest.param(
            policy("a", **prior(10)),
            policy("b", **prior(20)),
            "SovereigntyPolicies a and b both select 1 namespace (team). a governs there, because its priority 10 "
            "comes before 20: narrow one spec.namespaceSelector if that is not meant.",
            id="by priority",
        ),
        pytest.param(
            policy("b"),
            policy("a"),
            "SovereigntyPolicies b and a both select 1 namespace (team). a governs there, because both have priority "
            "100 and its name comes first, which not every backend knows of: give them different priorities in "
            "spec.enforcement.",
            id="by name",
        ),
        pytest.param(
            policy("a", mode="Audit"),
            policy("b"),
            "SovereigntyPolicies a and b both select 1 namespace (team). b governs there, because a only audits: set "
            "its spec.mode to Enforce, or narrow one spec.namespaceSelector.",
            id="by mode",
        ),
    ],
)
def test_each_is_told_of_the_other(mine: Any, other: Any, want: str) -> None:
    (finding,) = overlaps(mine, (other,), (GOVERNED, FREE))

    assert (finding.kind.name, finding.name, finding.sentence) == ("SovereigntyPolicy", other["metadata"]["name"], want)


def test_a_few_examples_stand_for_many_namespaces() -> None:
    (finding,) = overlaps(policy("a"), (policy("b"),), (*MORE, GOVERNED))

    assert "both select 5 namespaces (team, team-0, team-1, …)" in finding.sentence


def test_policies_that_share_no_namespace_are_in_nobodys_way() -> None:
    other = policy("b", namespaceSelector={"matchLabels": {"sovereignty": "none"}})

    assert overlaps(policy("a"), (other,), (GOVERNED, FREE)) == ()


def test_findings_come_by_name() -> None:
    others = (policy("c"), policy("b"))

    assert [each.name for each in overlaps(policy("a"), others, (GOVERNED,))] == ["b", "c"]
