"""Pods that share the node's network or processes: no network policy holds them."""

from __future__ import annotations

from bolwerk.core.admission.cel import items, told
from bolwerk.core.admission.rule import Check
from bolwerk.core.admission.workloads import CONTAINERS, POD_SPEC

__all__ = ["host_checks"]

_INSTEAD = "or run it in a namespace that no SovereigntyPolicy governs"


def host_checks() -> tuple[Check, ...]:
    """Return the checks."""
    ports = f"{items('c.?ports')}.exists(p, p.?hostPort.orValue(0) != 0)"
    first = f"variables.containers.filter(c, {ports})[0]"
    shared = "variables.spec.?hostNetwork.orValue(false)"
    return (
        Check(
            f"!{shared}",
            "hostNetwork: a pod in the node's network is behind no wall; take hostNetwork away and reach it by a "
            f"Service, {_INSTEAD}",
            variables=POD_SPEC,
        ),
        Check(
            "!variables.spec.?hostPID.orValue(false) && !variables.spec.?hostIPC.orValue(false)",
            "hostPID, hostIPC: from the node's processes a pod can enter the node's network; take them away, "
            f"{_INSTEAD}",
            variables=POD_SPEC,
        ),
        Check(
            # With hostNetwork every port becomes a host port; that one reason is enough.
            f"{shared} || !variables.containers.exists(c, {ports})",
            f"hostPort: a port of the node; take hostPort away and use a Service, {_INSTEAD}",
            named=told(
                f"container %s has a hostPort, a port of the node; take it away and use a Service, {_INSTEAD}",
                f"{first}.name",
            ),
            variables=CONTAINERS,
        ),
    )
