"""Reads out of a flow whether a pod was let out with it, and where to.

Most of what Hubble tells is not that: packets that were dropped, or seen before anybody has judged them, replies,
traffic within the cluster, and requests that a proxy has seen beside the packets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from bolwerk.core.flows.event import Endpoint, Flow, Layer4, UnreadableEventError

__all__ = ["Outward", "UnjudgedError", "outward"]

LET_THROUGH = frozenset({"FORWARDED", "REDIRECTED", "AUDIT"})
"""Redirected: to the proxy that looks at names. Audit: let through because Cilium was told not to enforce."""
TRACE, POLICY_VERDICT = 4, 5
POINTS = {1: "TO_PROXY", 2: "TO_HOST", 3: "TO_STACK", 4: "TO_OVERLAY", 11: "TO_NETWORK", 13: "TO_CRYPTO"}
"""Behind the policy. At the others the policy has not judged yet, or the destination is a pod of this node."""
OF_THE_CLUSTER = frozenset(
    f"reserved:{name}" for name in ("host", "remote-node", "kube-apiserver", "health", "ingress", "unmanaged")
)
STAYS_ON_THE_LINK = tuple(map(ip_network, ("fe80::/10", "ff01::/16", "ff02::/16", "224.0.0.0/24")))
"""Neighbours and routers are spoken to there, and no router passes it on. Not 169.254.0.0/16: clouds answer there."""
_NO_PODS = OF_THE_CLUSTER | {"reserved:world", "reserved:world-ipv4", "reserved:world-ipv6"}
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
    if flow.verdict and flow.verdict not in LET_THROUGH:
        return None
    source, begins = flow.source or Endpoint(), _begins(flow) if _may_be_pods(flow.source) else None
    if begins is None or _is_of_the_cluster(flow.destination):
        return None
    if not flow.verdict:
        raise UnjudgedError("verdict")
    if not source.of:
        raise UnjudgedError("source.namespace")
    if source.labels is None:
        raise UnjudgedError("source.labels")
    if flow.ip is None:
        raise UnjudgedError("IP")
    if flow.l4 is None:
        raise UnjudgedError("l4")
    address, many = _address(flow.ip.destination), flow.aggregate
    if any(address in each for each in STAYS_ON_THE_LINK if each.version == address.version):
        return None
    protocol, port = _protocol(flow.l4)
    return Outward(
        namespace=source.of,
        pod=source.pod_name or "unknown",
        labels=dict(map(_label, source.labels)),
        address=address,
        names=tuple(sorted({name.rstrip(".").lower() for name in flow.destination_names})),
        protocol=protocol,
        port=port,
        number=max(1, many.egress_flow_count + many.unknown_direction_flow_count) if many else 1,
        begins=begins,
    )


def _may_be_pods(source: Endpoint | None) -> bool:
    """Whether a pod sent it, or nobody can tell; what has no pod, as a node or the world, has only a reserved label."""
    return source is None or bool(source.of) or _NO_PODS.isdisjoint(source.labels or ())


def _is_of_the_cluster(destination: Endpoint | None) -> bool:
    if destination is not None and destination.of:
        return True
    if destination is None or destination.labels is None:
        raise UnjudgedError("destination.labels")
    return not OF_THE_CLUSTER.isdisjoint(destination.labels)


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
