"""Clusters with an approved exception, and what their policy's status says of it."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from bolwerk.core.kinds import CILIUM_CLUSTERWIDE_NETWORK_POLICY, VALIDATING_ADMISSION_POLICY, Kind, Ref
from core.exceptions.people import approval, exception
from core.policy.world import CILIUM, NOBODY, SHARED, World, policy

PLUGINS = pytest.mark.parametrize(
    "served", [CILIUM, SHARED, NOBODY], ids=["Cilium", "ClusterNetworkPolicy", "NetworkPolicy"]
)
WALL = Ref(CILIUM_CLUSTERWIDE_NETWORK_POLICY, "", "bolwerk-government")
BEGIN = datetime.fromisoformat("2026-12-01T12:00:00Z")
END = datetime.fromisoformat("2026-12-31T12:00:00Z")
ENVOY = {"ciliumEnvoy": True}
DOMAIN = [{"domain": "api.example.com", "ports": [{"port": 443}]}]


def world(*, served: frozenset[Kind] = CILIUM, at: datetime = BEGIN, **changes: Any) -> World:
    """Return a cluster with one approved exception, settled before it begins."""
    asked = exception(**changes)
    made = World(
        policy(exceptions=ENVOY),
        served=served,
        exceptions=(asked,),
        approvals=(approval(asked),),
        now=BEGIN - timedelta(minutes=1),
    )
    made.step()
    made.now = at
    return made


def listed(world: World) -> list[str]:
    return [f"{each['namespace']}/{each['name']}" for each in world.policy["status"].get("openExceptions", ())]


def let_through(world: World) -> set[str]:
    """Return the uids of the exceptions that admission knows to be open."""
    told = [
        set(re.findall(r" #([0-9a-f-]+)", json.dumps(live["spec"])))
        for ref, live in world.objects.items()
        if ref.kind == VALIDATING_ADMISSION_POLICY and ref.name.endswith(("-pods", "-alerts"))
    ]
    assert told[0] == told[1]
    return told[0]


def unopened(world: World) -> list[str]:
    return [each["message"] for each in world.policy["status"]["findings"] if each["type"] == "Unopened"]
