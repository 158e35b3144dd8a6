"""Reads out of a flow whether a pod was let out with it, and where to.

Most of what Hubble tells is not that: packets that were dropped, or seen before anybody has judged them, replies,
traffic within the cluster, and requests that a proxy has seen beside the packets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from bolwerk.core.flows.event import Flow, Layer4, UnreadableEventError

__all__ = ["Outward", "UnjudgedError", "outward"]

LET_THROUGH = frozenset({"FORWARDED", "REDIRECTED", "AUDIT"})
"""Redirected: to the proxy that looks at names. Audit: let through because Cilium was told not to enforce."""
TRACE, POLICY_VERDICT = 4, 5
POINTS = {1: "TO_PROXY", 2: "TO_HOST", 3: "TO_STACK", 4: "TO_OVERLAY", 11: "TO_NETWORK", 13: "TO_CRYPTO"}
"""Behind the policy. At the others the policy has not judged yet, or the destination is a pod of this node."""
OF_THE_CLUSTER = frozenset(
    f"reserved:{name}" for name in ("host", "remote-node", "kube-apiserver", "health", "ingress", "unmanaged")
)
SERVICE_ACCOUNT = "io.cilium.k8s.policy.serviceaccount"


class UnjudgedError(ValueError):
    """The record lacks something; the message names it as the exporter's field mask does."""


@dataclass(frozen=True, slots=True)
class Outward:
    """A pod was let out.

    Attributes
    ----------
    number
        How many flows the record stands for.
    begins
        Whether it is the verdict about a new connection.
    """

    namespace: str
    pod: str
    labels: Mapping[str, str]
    address: IPv4Address | IPv6Address
    names: tuple[str, ...]
    protocol: str
    port: int
    number: int
    begins: bool

    @property
    def service_account(self) -> str:
        """As which ServiceAccount the pod runs, or empty."""
        return self.labels.get(SERVICE_ACCOUNT, "")

    @property
    def where(self) -> str:
        """The destination as people read it."""
        names = f" ({', '.join(self.names[:3])})" if self.names else ""
        return f"{self.address}{names}, {self.protocol}{f' {self.port}' if self.port else ''}"


def outward(flow: Flow) -> Outward | None:
    """Return whose pod was let out to where, or None for all other flows.

    Raises
    ------
    UnjudgedError
        If it may be one, and a field is missing that would tell.
    UnreadableEventError
        If a field holds nonsense.
    """
    source, destination = flow.source, flow.destination
    if flow.verdict not in LET_THROUGH or source is None or not source.namespace:
        return None
    if destination is not None and (destination.namespace or not OF_THE_CLUSTER.isdisjoint(destination.labels or ())):
        return None
    begins = _begins(flow)
    if begins is None:
        return None
    if source.labels is None:
        raise UnjudgedError("source.labels")
    if flow.ip is None:
        raise UnjudgedError("IP")
    if flow.l4 is None:
        raise UnjudgedError("l4")
    protocol, port = _protocol(flow.l4)
    many = flow.aggregate
    return Outward(
        namespace=source.namespace,
        pod=source.pod_name or "unknown",
        labels=dict(map(_label, source.labels)),
        address=_address(flow.ip.destination),
        names=tuple(sorted({name.rstrip(".").lower() for name in flow.destination_names})),
        protocol=protocol,
        port=port,
        number=max(1, many.egress_flow_count + many.unknown_direction_flow_count) if many else 1,
        begins=begins,
    )


def _begins(flow: Flow) -> bool | None:
    """Return whether a new connection begins with it; None where the record does not say that it was let out."""
    kind = flow.event_type
    if kind is None and not flow.trace_observation_point:
        raise UnjudgedError("event_type")
    if kind is not None and kind.type == POLICY_VERDICT:
        return None if flow.traffic_direction == "INGRESS" else True
    if kind is not None and kind.type != TRACE:
        return None
    point = flow.trace_observation_point or (POINTS.get(kind.sub_type, "") if kind else "")
    if point not in POINTS.values():
        return None
    if flow.is_reply is None:
        raise UnjudgedError("is_reply")
    return None if flow.is_reply else False


def _protocol(layer4: Layer4) -> tuple[str, int]:
    for protocol in ("tcp", "udp", "sctp"):
        ports = getattr(layer4, protocol)
        if ports is not None:
            return protocol.upper(), ports.destination_port
    if layer4.icmpv4 is None and layer4.icmpv6 is None:
        return "another protocol", 0
    return ("ICMP" if layer4.icmpv4 is not None else "ICMPv6"), 0


def _label(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    return key.removeprefix("k8s:"), value


def _address(text: str) -> IPv4Address | IPv6Address:
    try:
        address = ip_address(text)
    except ValueError:
        raise UnreadableEventError("flow.IP.destination: it is no address") from None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
