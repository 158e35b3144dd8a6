"""Lines as Cilium's Hubble exporter writes them, and a cluster to judge them against."""

from __future__ import annotations

import json
from typing import Any

from bolwerk.core.catalogue import Catalogue
from bolwerk.core.flows.found import Flows
from bolwerk.core.line import Line
from bolwerk.core.report.flows import flows
from bolwerk.core.report.world import Scope, World
from bolwerk.core.settings import Settings
from core.exceptions.people import exception

OPENED = {"phase": "Open", "openedAt": "2026-12-01T12:00:01Z"}
VERDICT: dict[str, Any] = {"event_type": {"type": 5}, "is_reply": False, "traffic_direction": "EGRESS"}
TRACE: dict[str, Any] = {
    "event_type": {"type": 4, "sub_type": 3},
    "trace_observation_point": "TO_STACK",
    "is_reply": False,
}
AT = "2026-12-10T08:00:00.123456789Z"


def flow(*, to: str = "203.0.113.10", port: int = 443, at: str = AT, without: str = "", **changes: Any) -> str:
    """Return a flow out of the example's exception: the verdict about a new connection, if nothing else is said."""
    made: dict[str, Any] = {
        "time": at,
        "verdict": "FORWARDED",
        "IP": {"source": "10.244.0.7", "destination": to, "ipVersion": "IPv4"},
        "l4": {"TCP": {"source_port": 40000, "destination_port": port, "flags": {"SYN": True}}},
        "source": pod("a", app="translator"),
        "destination": {"identity": 16777217, "labels": ["cidr:203.0.113.0/24", "reserved:world"]},
        "Type": "L3_L4",
        "node_name": "default/node-1",
        "l7": {"http": {"url": "https://secret.example/secret-path", "headers": [{"key": "x", "value": "secret"}]}},
        "Summary": "TCP Flags: SYN",
        **VERDICT,
        **changes,
    }
    made.pop(without, None)
    return event(flow=made, at=at)


def event(*, at: str = AT, **kinds: Any) -> str:
    return json.dumps({**kinds, "node_name": "default/node-1", "time": at})


def pod(name: str, *, namespace: str = "team", account: str = "default", **labels: str) -> dict[str, Any]:
    told = {
        **labels,
        "io.cilium.k8s.policy.serviceaccount": account,
        "io.kubernetes.pod.namespace": namespace,
    }
    return {
        "namespace": namespace,
        "pod_name": name,
        "labels": [f"k8s:{key}={value}" for key, value in sorted(told.items())],
    }


def asked(number: int = 1, *, status: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return an exception that was opened, or has another status."""
    return {**exception(number, **changes), "status": OPENED if status is None else status}


def policy(name: str = "state", **spec: Any) -> dict[str, Any]:
    internal = {"networks": ["10.20.0.0/16"], "forwardProxies": ["10.20.0.8/32"]}
    selector = {"matchLabels": {"governed": "yes"}}
    return {
        "metadata": {"name": name, "uid": f"u-{name}"},
        "spec": {"namespaceSelector": selector, "mode": "Enforce", "internal": internal, **spec},
    }


def world(*exceptions: dict[str, Any], scope: Scope | None = None, **changes: Any) -> World:
    """Return a cluster with one governed namespace, `team`, and one that nobody governs."""
    facts: dict[str, Any] = {
        "settings": Settings(namespace="bolwerk-system", catalogue=Catalogue.empty()),
        "version": "0.1.0",
        "policies": (policy(),),
        "namespaces": tuple(
            {"metadata": {"name": name, "labels": labels}}
            for name, labels in (("team", {"governed": "yes"}), ("free", {}))
        ),
        "pods": ({"metadata": {"name": "a", "namespace": "team"}, "spec": {"nodeName": "node-1"}},),
        "exceptions": exceptions or (asked(),),
        "scope": scope or Scope(),
        **changes,
    }
    return World(**facts)


def read(*texts: str, cluster: World | None = None) -> Flows:
    """Count lines."""
    lines = [Line(f"flows:{number}", text) for number, text in enumerate(texts, start=1)]
    return flows(cluster or world(), "flows", [lines])
