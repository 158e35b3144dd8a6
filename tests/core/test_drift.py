"""What others change: taken back where it is ours, left alone where it is theirs, and told when it was the wall."""

from __future__ import annotations

from typing import Any

import pytest

from bolwerk.core.kinds import DEPLOYMENT, NETWORK_POLICY, POD_DISRUPTION_BUDGET, SERVICE, SERVICE_ACCOUNT, Kind
from bolwerk.core.model.observed import CHILD_KINDS
from bolwerk.core.reasons import Reason
from core.builders import (
    after,
    applied,
    changed,
    child,
    decide,
    edited,
    make_model,
    serving,
    with_child,
)

TWO: dict[str, Any] = {"replicas": 2}

MOUNT = "automountServiceAccountToken"
POD = "spec.template.spec"
PEERS, PEER = "spec.ingress.0.from", "spec.ingress[0].from[0]"
WALLED = "spec.podSelector.matchLabels"


@pytest.mark.parametrize("kind", CHILD_KINDS, ids=lambda kind: kind.name)
def test_a_deleted_child_comes_back(kind: Kind) -> None:
    observed = with_child(serving(make_model(**TWO)), kind, None)

    assert applied(decide(observed)) == {kind.name: "absent"}


@pytest.mark.parametrize(
    ("kind", "path", "value", "want_because"),
    [
        pytest.param(SERVICE_ACCOUNT, MOUNT, True, MOUNT, id="a token is mounted"),
        pytest.param(SERVICE, "spec.ports.0.port", 9000, "spec.ports[http].port", id="a port"),
        pytest.param(SERVICE, "spec.type", "LoadBalancer", "spec.type", id="the service goes public"),
        pytest.param(SERVICE, "spec.selector.extra", "x", "spec.selector", id="the service selects nothing"),
        pytest.param(POD_DISRUPTION_BUDGET, "spec.maxUnavailable", 0, "spec.maxUnavailable", id="a drain is blocked"),
        pytest.param(DEPLOYMENT, "spec.replicas", 9, "spec.replicas", id="somebody scaled the Deployment"),
        pytest.param(DEPLOYMENT, f"{POD}.containers.0.image", "evil", f"{POD}.containers[engine].image", id="an image"),
        pytest.param(DEPLOYMENT, f"{POD}.hostNetwork", True, f"{POD}.hostNetwork", id="the node's network"),
        pytest.param(DEPLOYMENT, "metadata.ownerReferences", [], "metadata.ownerReferences[", id="an orphan"),
        pytest.param(DEPLOYMENT, "metadata.labels", {}, "metadata.labels.", id="labels taken away"),
        pytest.param(NETWORK_POLICY, "spec.egress", [{}], "spec.egress", id="a way out"),
        pytest.param(NETWORK_POLICY, "spec.policyTypes", ["Ingress"], "spec.policyTypes", id="not about egress"),
        pytest.param(NETWORK_POLICY, "spec.ingress", [], "spec.ingress", id="clients are shut out"),
        pytest.param(NETWORK_POLICY, f"{PEERS}.1", {"podSelector": {}}, "spec.ingress[0].from[1]", id="another peer"),
        pytest.param(NETWORK_POLICY, f"{PEERS}.0.namespaceSelector", {}, f"{PEER}.namespaceS", id="every namespace"),
        pytest.param(NETWORK_POLICY, f"{PEERS}.0.podSelector", {}, f"{PEER}.podSelector", id="everybody"),
        pytest.param(NETWORK_POLICY, "spec.ingress.0.ports", [], "spec.ingress[0].ports", id="every port"),
        pytest.param(NETWORK_POLICY, f"{WALLED}.extra", "x", WALLED, id="a wall around fewer pods"),
        pytest.param(NETWORK_POLICY, WALLED, {"a": "b"}, WALLED, id="a wall around other pods"),
    ],
)  # fmt: skip
def test_drift_is_healed_and_nothing_else_is_touched(kind: Kind, path: str, value: Any, want_because: str) -> None:
    clients = [{"podSelector": {"matchLabels": {"app": "chat"}}}, {"namespaceSelector": {"matchLabels": {"a": "b"}}}]
    observed = serving(make_model(**TWO, access={"clients": clients}))
    damaged = with_child(observed, kind, changed(child(observed, kind), path, value))

    plan = decide(damaged)

    because = applied(plan)
    assert list(because) == [kind.name]
    assert because[kind.name].startswith(want_because)
    assert decide(after(damaged, plan)).apply == ()


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        *(
            pytest.param(kind, f"metadata.{where}", {"foreign": "1"}, id=f"{where} on a {kind.name}")
            for kind in CHILD_KINDS for where in ("labels", "annotations")
        ),
        pytest.param(SERVICE, "spec.externalTrafficPolicy", "Cluster", id="a field of the Service that is not ours"),
        pytest.param(DEPLOYMENT, "spec.minReadySeconds", 5, id="a field of the Deployment that is not ours"),
    ],
)  # fmt: skip
def test_what_others_add_is_theirs(kind: Kind, path: str, value: Any) -> None:
    observed = serving(make_model(**TWO))
    live = child(observed, kind)
    if isinstance(value, dict):
        value = {**(live["metadata"].get(path.split(".")[1]) or {}), **value}

    assert decide(with_child(observed, kind, changed(live, path, value))).empty


def test_a_restored_wall_is_told_once_and_a_changed_wish_is_no_damage() -> None:
    observed = serving(make_model())
    opened = with_child(observed, NETWORK_POLICY, changed(child(observed, NETWORK_POLICY), "spec.egress", [{}]))

    (apply,) = decide(opened).apply
    assert apply.event is not None
    assert apply.event.reason == Reason.SEAL_RESTORED
    assert apply.event.message == "NetworkPolicy llama was found changed at spec.egress and has been restored"

    (apply,) = decide(with_child(observed, NETWORK_POLICY, None)).apply
    assert apply.event is not None
    assert "was found deleted" in apply.event.message

    (apply,) = decide(edited(observed, access={"clients": [{"podSelector": {}}]})).apply
    assert apply.event is None
