"""The roles for `bolwerk plan`: it reads what the operator reads, and writes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from bolwerk.core.kinds import DAEMON_SET, EVENT
from chart.rendering import Render
from chart.test_rbac import granted, needed

READING = frozenset({"get", "list"})


def test_plan_may_read_what_the_operator_reads_and_no_more(render: Render) -> None:
    objects = render()
    of_the_operator = granted(objects, "ClusterRole", "bolwerk")

    rights = granted(objects, "ClusterRole", "bolwerk-plan")

    # What runs beside models is told in proofs; what is beside each model stands in a role of its own.
    of_gates = {right for right in granted(objects, "ClusterRole", "bolwerk-gates") if right[2] in READING}
    beside = {(DAEMON_SET.group, DAEMON_SET.plural, "list")}
    assert rights == {right for right in of_the_operator if right[2] in READING} - beside | of_gates
    assert rights >= {right for right in needed() if right[2] in READING and right[1] != EVENT.plural} - beside


@pytest.mark.parametrize(
    ("values", "want"),
    [
        pytest.param({}, {"bolwerk-system": {"get", "list"}}, id="snippets beside the operator"),
        pytest.param(
            {"dns": {"namespace": "kube-system"}},
            {"bolwerk-system": {"get", "list"}, "kube-system": {"get"}},
            id="snippets where CoreDNS is",
        ),
    ],
)
def test_plan_may_read_config_maps_only_where_bolwerk_keeps_some(
    render: Render, values: dict[str, Any], want: dict[str, set[str]]
) -> None:
    roles = [item for item in render(**values) if item["kind"] == "Role" and item["metadata"]["name"] == "bolwerk-plan"]

    assert {role["metadata"]["namespace"]: set(role["rules"][0]["verbs"]) for role in roles} == want
    assert all(role["rules"][0]["resources"] == ["configmaps"] for role in roles)


def test_nobody_is_bound_to_the_role(render: Render) -> None:
    bound = {item["roleRef"]["name"] for item in render() if item["kind"] in ("ClusterRoleBinding", "RoleBinding")}

    assert "bolwerk-plan" not in bound
