"""Decisions about a SovereigntyPolicy: the wall first, closed on any doubt, no moment without it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bolwerk.core.kinds import CILIUM_CLUSTERWIDE_NETWORK_POLICY, NETWORK_POLICY, VALIDATING_ADMISSION_POLICY, Ref
from bolwerk.core.plan import Plan
from bolwerk.core.policy.observed import WALL_KINDS
from bolwerk.core.policy.reconcile import SETTLING
from bolwerk.core.reasons import Reason
from bolwerk.core.references.findings import Finding, Findings
from core.policy.world import CILIUM, FREE, GOVERNED, NOBODY, SHARED, World, namespace, policy

OVERLAPPING = {"networks": ["10.20.0.0/16", "10.20.5.0/24"]}
WALL = Ref(CILIUM_CLUSTERWIDE_NETWORK_POLICY, "", "bolwerk-government")


def told(world: World, type_: str = "Ready") -> tuple[str, str]:
    condition = world.condition(type_)
    return condition.get("status", "absent"), condition.get("reason", "")


def test_the_wall_is_applied_before_anything_that_follows_from_names() -> None:
    plan = World().decide()

    kinds = [apply.kind for apply in plan.apply]
    assert kinds[0] == CILIUM_CLUSTERWIDE_NETWORK_POLICY
    assert VALIDATING_ADMISSION_POLICY in kinds
    assert not any(kind in WALL_KINDS for kind in kinds[1:])


@pytest.mark.parametrize("served", [CILIUM, SHARED, NOBODY], ids=["Cilium", "ClusterNetworkPolicy", "NetworkPolicy"])
def test_what_was_applied_is_the_steady_state(served: Any) -> None:
    world = World(served=served)
    world.step()

    plan = world.decide()

    assert (plan.apply, plan.delete, plan.status, plan.events) == ((), (), None, ())
    assert told(world) == ("True", "Ready")
    assert told(world, "WallStands") == ("True", "Enforced")
    assert told(world, "Proven") == ("Unknown", "NotProven")


def test_audit_blocks_nothing_and_is_ready() -> None:
    world = World(policy(mode="Audit"))
    world.step()

    assert world.walls() == set()
    assert told(world) == ("True", "Ready")
    assert told(world, "WallStands") == ("False", "AuditOnly")


def test_from_enforce_to_audit_the_wall_goes_at_once() -> None:
    world = World()
    world.step()
    world.edit(mode="Audit")
    world.step()

    assert world.walls() == set()


def test_a_former_wall_stays_until_the_new_one_has_stood_for_a_while() -> None:
    world = World(served=CILIUM | SHARED)
    world.step()
    world.edit(enforcement={"backend": "ClusterNetworkPolicy"})

    first = world.step()
    assert not first.delete
    assert first.requeue_after == SETTLING.total_seconds()
    assert world.walls() == {"CiliumClusterwideNetworkPolicy", "ClusterNetworkPolicy"}
    assert told(world, "Reconciling") == ("True", "SwitchingBackend")

    world.wait(SETTLING.total_seconds() - 1)
    early = world.step()
    assert not early.delete
    assert early.requeue_after == 1

    world.wait(1)
    last = world.step()
    assert [delete.ref for delete in last.delete] == [WALL]
    assert world.walls() == {"ClusterNetworkPolicy"}
    assert told(world, "Reconciling") == ("absent", "")


def test_a_crd_that_somebody_installs_does_not_move_a_wall_that_stands() -> None:
    world = World(served=NOBODY)
    world.step()
    world.served = SHARED

    plan = world.step()

    assert not plan.apply
    assert not plan.delete
    assert "to ClusterNetworkPolicy to move there" in world.policy["status"]["backendReason"]


def test_a_backend_that_is_served_no_more_is_left() -> None:
    world = World(served=SHARED)
    world.step()
    world.served = NOBODY
    world.objects.clear()  # its kind went, and they with it

    world.step()

    assert world.walls() == {"NetworkPolicy"}


@pytest.mark.parametrize(
    ("changes", "reason", "sentence"),
    [
        pytest.param({"internal": OVERLAPPING}, "InvalidSpec", "10.20.5.0/24", id="networks that overlap"),
        pytest.param({"internal": {"networks": []}}, "InvalidSpec", "networks", id="no internal network"),
        pytest.param({"mode": "Perhaps"}, "InvalidSpec", "mode", id="an unknown mode"),
        pytest.param({"enforcement": {"backend": "Calico"}}, "BackendNotServed", "install Calico", id="no such plugin"),
        pytest.param({"catalogue": {"refuse": ["opemai"]}}, "InvalidSpec", "openai", id="an unknown group"),
    ],
)
def test_what_cannot_be_understood_leaves_every_wall_as_it_is(
    changes: dict[str, Any], reason: str, sentence: str
) -> None:
    world = World()
    world.step()
    before = dict(world.objects)
    world.edit(**changes)

    plan = world.step()

    assert world.objects == before
    assert not plan.delete
    assert told(world) == ("False", reason)
    assert told(world, "Stalled") == ("True", reason)
    assert sentence in world.condition("Stalled")["message"]
    assert "stays" in world.condition("Stalled")["message"]


def test_whatever_is_wrong_with_names_the_wall_is_still_healed() -> None:
    world = World()
    world.step()
    world.edit(catalogue={"refuse": ["opemai"]})
    del world.objects[WALL]

    world.step()

    assert WALL in world.objects


def test_a_broken_overlay_takes_nothing_back() -> None:
    world = World()
    world.step()
    before = dict(world.objects)
    metadata = {"name": "bolwerk-catalogue", "namespace": "bolwerk-system"}
    world.overlay = {"metadata": metadata, "data": {"catalogue.yaml": "groups: ["}}

    world.step()

    assert world.objects == before
    assert told(world) == ("False", "OverlayRefused")
    assert "bolwerk-system/bolwerk-catalogue" in world.condition("CatalogueCurrent")["message"]


def test_an_object_that_was_tampered_with_is_restored_and_told_of() -> None:
    world = World()
    world.step()
    world.objects[WALL] = {**world.objects[WALL], "spec": {**world.objects[WALL]["spec"], "egressDeny": []}}

    plan = world.decide()

    assert [(apply.ref, apply.event.reason) for apply in plan.apply if apply.event] == [(WALL, Reason.WALL_RESTORED)]


def test_of_two_policies_the_lower_priority_governs_and_both_tell() -> None:
    other = policy("ministry", enforcement={"priority": 10})
    world = World(others=(other,), served=NOBODY)
    world.step()

    assert world.policy["status"]["governedNamespaces"] == 0
    assert told(world, "Undisputed") == ("False", "OverlappingPolicy")
    assert [finding["type"] for finding in world.policy["status"]["findings"]] == ["Overlap"]


def test_system_namespaces_and_the_operators_own_are_never_governed() -> None:
    names = ("kube-system", "kube-public", "kube-node-lease", "bolwerk-system", "team")
    world = World(policy(namespaceSelector={}), namespaces=tuple(map(namespace, names)), served=NOBODY)
    world.step()

    assert {ref.namespace for ref in world.objects if ref.kind == NETWORK_POLICY} == {"team"}
    assert world.policy["status"]["governedNamespaces"] == 1


def test_a_restart_tells_of_references_what_was_known_and_writes_nothing() -> None:
    leak = Finding("team", "ConfigMap", "settings", "URL", "Endpoint", "openai", "Refuse", ("Deployment/chat",))
    world = World(references=Findings.of([leak], looked_at=3, not_looked_at=["Secrets are not looked at."]))
    world.step()
    assert told(world, "ReferencesClean") == ("False", "EndpointFound")
    assert told(world) == ("True", "Ready")
    assert world.policy["status"]["findingsTotal"] == 1

    world.references = None

    assert world.decide().status is None


def test_a_policy_that_is_going_is_left_alone() -> None:
    going = policy()
    going["metadata"]["deletionTimestamp"] = "2026-12-01T12:00:00Z"

    assert World(going).decide() == Plan()


STEPS = st.one_of(
    st.tuples(st.just("serve"), st.sampled_from([CILIUM, SHARED, CILIUM | SHARED, NOBODY])),
    st.tuples(
        st.just("edit"),
        st.fixed_dictionaries(
            {},
            optional={
                "enforcement": st.sampled_from(
                    [{}, {"backend": "Cilium"}, {"backend": "ClusterNetworkPolicy"}, {"backend": "NetworkPolicy"}]
                ),
                "internal": st.sampled_from(
                    [OVERLAPPING, {"networks": ["10.20.0.0/16"]}, {"networks": ["10.9.0.0/16"]}]
                ),
                "catalogue": st.sampled_from([{}, {"refuse": ["no-such-group"]}]),
            },
        ),
    ),
    st.tuples(st.just("wait"), st.floats(0, 40)),
    st.tuples(
        st.just("namespaces"), st.sampled_from([(GOVERNED, FREE), (GOVERNED, namespace("new", sovereignty="enforced"))])
    ),
)


@settings(deadline=None, max_examples=50)
@given(steps=st.lists(STEPS, max_size=12))
def test_no_sequence_of_edits_and_faults_leaves_a_moment_without_a_settled_wall(steps: list[tuple[str, Any]]) -> None:
    world = World()
    world.step()
    world.wait(SETTLING.total_seconds())

    for what, value in steps:
        match what:
            case "serve":
                world.served = value
            case "edit":
                world.edit(**value)
            case "wait":
                world.wait(value)
            case _:
                world.namespaces = value
        settled = {ref for ref, live in world.objects.items() if ref.kind in WALL_KINDS and world.age(live) >= SETTLING}
        plan = world.step()

        left = settled - {delete.ref for delete in plan.delete}
        assert left, f"{what} {value} leaves no wall that has settled"
