"""What each condition of a SovereigntyPolicy says, and whether it keeps the policy from being ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from bolwerk.core.kinds import CILIUM_CLUSTERWIDE_NETWORK_POLICY, NETWORK_POLICY, Ref
from bolwerk.core.plan import Refusal
from bolwerk.core.reasons import Reason
from bolwerk.core.references.findings import Finding, Findings
from core.policy.world import CILIUM, NOBODY, SHARED, World, network_policy, policy

WALL = Ref(CILIUM_CLUSTERWIDE_NETWORK_POLICY, "", "bolwerk-government")
LEAK = Finding("team", "ConfigMap", "settings", "URL", "Endpoint", "openai", "Refuse", ("Deployment/chat",))
OVERLAY = {"metadata": {"name": "bolwerk-catalogue", "namespace": "bolwerk-system"}, "data": {"catalogue.yaml": "a: ["}}
OPEN = {
    NETWORK_POLICY: (network_policy("team", "open", {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]}),)
}

PRODUCED_ELSEWHERE = {Reason.WALL_RESTORED: "test_reconcile: an object that was tampered with"}


@dataclass(frozen=True)
class Case:
    """A world, and what one condition says of it; `ready` is the reason of Ready."""

    id: str
    type: str
    status: str
    reason: Reason
    ready: Reason
    world: Callable[[], World]


def switching() -> World:
    world = World(served=CILIUM | SHARED)
    world.step()
    world.edit(enforcement={"backend": "ClusterNetworkPolicy"})
    return world


def overruled() -> World:
    return World(overruled={WALL: {"spec": {"endpointSelector": {}}}})  # whatever is applied becomes this


def aged() -> World:
    world = World()
    world.now += timedelta(days=365)
    return world


def refused(world: World) -> World:
    world.refusals = (Refusal(WALL, Reason.REFUSED_BY_CLUSTER, "it was refused: no"),)
    return world


READY = Reason.READY
CASES = (
    Case("enforced", "WallStands", "True", Reason.ENFORCED, READY, World),
    Case("audit", "WallStands", "False", Reason.AUDIT_ONLY, READY, lambda: World(policy(mode="Audit"))),
    Case(
        "a backend that is not there",
        "Stalled",
        "True",
        Reason.BACKEND_NOT_SERVED,
        Reason.BACKEND_NOT_SERVED,
        lambda: World(policy(enforcement={"backend": "Calico"})),
    ),
    Case("overruled", "WallStands", "False", Reason.WALL_DAMAGED, Reason.WALL_DAMAGED, overruled),
    Case(
        "refused by the cluster",
        "WallStands",
        "False",
        Reason.REFUSED_BY_CLUSTER,
        Reason.REFUSED_BY_CLUSTER,
        lambda: refused(World()),
    ),
    Case("switching", "Reconciling", "True", Reason.SWITCHING_BACKEND, READY, switching),
    Case("alone", "Undisputed", "True", Reason.NO_OVERLAP, READY, World),
    Case(
        "beside another",
        "Undisputed",
        "False",
        Reason.OVERLAPPING_POLICY,
        Reason.OVERLAPPING_POLICY,
        lambda: World(others=(policy("other", enforcement={"priority": 500}),)),
    ),
    Case("unopened", "NotReopened", "True", Reason.NOTHING_OPENS, READY, World),
    Case(
        "opened by a team",
        "NotReopened",
        "False",
        Reason.REOPENED,
        Reason.REOPENED,
        lambda: World(served=NOBODY, rules=OPEN),
    ),
    Case(
        "a team's rule beside a denial", "NotReopened", "True", Reason.NOTHING_OPENS, READY, lambda: World(rules=OPEN)
    ),
    Case("a young catalogue", "CatalogueCurrent", "True", Reason.CATALOGUE_CURRENT, READY, World),
    Case("an old catalogue", "CatalogueCurrent", "False", Reason.CATALOGUE_STALE, READY, aged),
    Case(
        "a broken overlay",
        "CatalogueCurrent",
        "False",
        Reason.OVERLAY_REFUSED,
        Reason.OVERLAY_REFUSED,
        lambda: World(overlay=OVERLAY),
    ),
    Case("not looked yet", "ReferencesClean", "Unknown", Reason.NOT_SCANNED_YET, READY, World),
    Case(
        "nothing found",
        "ReferencesClean",
        "True",
        Reason.NOTHING_FOUND,
        READY,
        lambda: World(references=Findings.of([], looked_at=3, not_looked_at=[])),
    ),
    Case(
        "an endpoint behind a reference",
        "ReferencesClean",
        "False",
        Reason.ENDPOINT_FOUND,
        READY,
        lambda: World(references=Findings.of([LEAK], looked_at=3, not_looked_at=[])),
    ),
    Case("not measured", "Proven", "Unknown", Reason.NOT_PROVEN, READY, World),
)


def told(world: World, type_: str) -> Mapping[str, Any]:
    world.step()
    return world.condition(type_)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_condition_says(case: Case) -> None:
    world = case.world()

    condition = told(world, case.type)

    assert (condition["status"], condition["reason"]) == (case.status, case.reason)
    assert world.condition("Ready")["reason"] == case.ready
    assert condition["message"]


def test_what_was_not_looked_at_is_no_clean_bill() -> None:
    world = World(references=Findings.of([], looked_at=3, not_looked_at=["Secrets are not looked at."]))

    assert "of those that were looked at" in told(world, "ReferencesClean")["message"]
    assert world.policy["status"]["references"] == {"leaks": 0, "notLookedAt": ["Secrets are not looked at."]}
