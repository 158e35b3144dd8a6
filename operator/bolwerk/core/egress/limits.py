"""What a wall cannot hold, whoever enforces it; a sentence each that says what to do about it.

Called by the renderers, which add what their own backend cannot express.
"""

from __future__ import annotations

from bolwerk.core.egress.addresses import Addresses
from bolwerk.core.egress.intent import Intent

__all__ = ["AUDIT_IS_SILENT", "common_limits"]

HOST_NETWORK = (
    "Pods with hostNetwork send as their node and no network policy holds them: keep them out of governed namespaces, "
    "and hold the nodes with the firewall in front of the cluster."
)
CONTROL_PLANE = (
    "The API server, and a DNS cache on the nodes, are no pods: declare their addresses in spec.internal.networks "
    "where governed pods need them."
)
SERVICES = (
    "A Service is judged by the addresses behind it and never by its ClusterIP: declare the addresses of its endpoints "
    "in spec.internal.networks, where these are no pods of this cluster."
)
PROXIES_IN_PODS = (
    "A proxy or private endpoint that is a pod of this cluster is reached like any pod, whatever forwardProxies and "
    "privateEndpoints say: govern its namespace too, so that it leads nowhere."
)
AUDIT_IS_SILENT = (
    "This backend has no rules that only tell, so in Audit nothing shows which packets would be dropped: read what DNS "
    "and admission report before you set spec.mode to Enforce."
)


def common_limits(intent: Intent) -> tuple[str, ...]:
    """Return the limits that every backend has for this intent."""
    outward = Addresses.of(intent.outward)
    swallowed = [str(inner) for inner in intent.internal if Addresses.of([inner]).within(outward)]
    return (
        HOST_NETWORK,
        CONTROL_PLANE,
        SERVICES,
        *((PROXIES_IN_PODS,) if intent.outward else ()),
        *((_swallowed(swallowed),) if swallowed else ()),
    )


def _swallowed(networks: list[str]) -> str:
    shown = ", ".join(networks[:5]) + (", …" if len(networks) > 5 else "")  # noqa: PLR2004 - a handful
    return (
        f"spec.internal.networks: nothing in {shown} is let through, because forwardProxies and privateEndpoints "
        f"contain all of it: narrow these, or take {'it' if len(networks) == 1 else 'them'} out."
    )
