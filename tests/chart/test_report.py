"""The roles for `bolwerk report`: what it lists, to read only, and bound to nobody."""

from __future__ import annotations

from typing import Any

import pytest

from bolwerk.core import kinds
from bolwerk.preview import inspection
from chart.rendering import Render
from chart.test_rbac import granted

ALWAYS = (
    kinds.LOCAL_MODEL,
    kinds.SOVEREIGNTY_POLICY,
    kinds.NAMESPACE,
    kinds.POD,
    kinds.DEPLOYMENT,
    kinds.PERSISTENT_VOLUME_CLAIM,
    kinds.EGRESS_EXCEPTION,
    kinds.EGRESS_APPROVAL,
    kinds.VALIDATING_ADMISSION_POLICY,
    kinds.VALIDATING_ADMISSION_POLICY_BINDING,
)
OPTIONAL = (
    kinds.ISOLATION_PROOF,
    inspection.CLUSTER_ROLE,
    inspection.CLUSTER_ROLE_BINDING,
    inspection.ROLE,
    inspection.ROLE_BINDING,
)


@pytest.mark.parametrize("kind", ALWAYS, ids=lambda kind: kind.name)
def test_who_may_plan_may_report(render: Render, kind: Any) -> None:
    assert (kind.group, kind.plural, "list") in granted(render(), "ClusterRole", "bolwerk-plan")


def test_the_role_beside_it_gives_no_more_than_the_rest(render: Render) -> None:
    assert granted(render(), "ClusterRole", "bolwerk-report") == {
        (kind.group, kind.plural, "list") for kind in OPTIONAL
    }


def test_nobody_is_bound_to_the_role(render: Render) -> None:
    bound = {item["roleRef"]["name"] for item in render() if item["kind"] in ("ClusterRoleBinding", "RoleBinding")}

    assert "bolwerk-report" not in bound
