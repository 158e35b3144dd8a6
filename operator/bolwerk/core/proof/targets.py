"""What the pods of a run have to try, and what cannot be tried.

A control that no policy holds tries every canary; each subject has to be blocked from them; and what has to work in
spite of a wall is tried too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from bolwerk.api.sovereigntypolicy import Outside
from bolwerk.core.egress.addresses import Addresses
from bolwerk.core.egress.networks import parsed
from bolwerk.core.invalid import InvalidSpecError
from bolwerk.core.policy.subject import Subject as Policy
from bolwerk.core.proof.names import refused_names
from bolwerk.core.proof.observed import Observed
from bolwerk.core.proof.subjects import Subject, Subjects
from bolwerk.core.proof.task import CLUSTER_DNS, Arm, Family, Target, Vector
from bolwerk.core.settings import Settings

__all__ = ["NOTHING", "Reachable", "addresses_of", "control", "governed", "listening", "model", "shown", "target"]

KNOWN_NAME = "kubernetes.default.svc"
"""Asked of resolvers: any answer, also that there is no such name, means that one was reached."""

METADATA = "169.254.169.254"
DNS_PORT = 53
MOST_OF_CONTROL = 96


@dataclass(frozen=True, slots=True)
class Reachable:
    """What a policy lets governed pods reach: its networks, less what leads outside."""

    addresses: Addresses
    networks: tuple[str, ...]

    @classmethod
    def of(cls, policy: Policy) -> Reachable:
        """Read it out of a policy; nothing where that means nothing."""
        internal = policy.spec.internal
        try:
            inside = parsed(internal.networks, "spec.internal.networks")
            outward = parsed((*internal.forward_proxies, *internal.private_endpoints), "spec.internal")
        except InvalidSpecError:
            return NOTHING  # its own status tells so
        return cls(Addresses.of(inside) - Addresses.of(outward), tuple(map(str, inside)))

    def __contains__(self, address: str) -> bool:
        return Addresses.of([ip_network(address)]).within(self.addresses)


NOTHING = Reachable(Addresses(), ())


def family_of(address: str) -> Family:
    """Return the family of an address."""
    return "IPv4" if ip_address(address).version == 4 else "IPv6"  # noqa: PLR2004 - IPv4


def shown(target: Target) -> str:
    """Return a target as it stands in a proof."""
    if target.vector == "Name":
        return target.to
    if target.address == CLUSTER_DNS:
        return "the cluster's DNS"
    address = f"[{target.address}]" if target.family == "IPv6" else target.address
    return f"{address}:{target.port}{f' to {target.to}' if target.vector == 'Proxy' else ''}"


def addresses_of(service: Mapping[str, Any] | None) -> list[str]:
    """Return the cluster addresses of a Service, all families."""
    spec = (service or {}).get("spec") or {}
    return [str(each) for each in spec.get("clusterIPs") or [spec.get("clusterIP")] if each and each != "None"]


def listening(canary: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return where the Service of Bolwerk's canary takes connections: `host:port`, IPv6 in brackets, sorted."""
    ports = [
        each["port"] for each in ((canary or {}).get("spec") or {}).get("ports") or () if each.get("protocol") != "UDP"
    ]
    hosts = [f"[{each}]" if ":" in each else each for each in addresses_of(canary)]
    return tuple(sorted(f"{host}:{port}" for host in hosts for port in ports))


def own_canary(observed: Observed, arm: Arm) -> list[Target]:
    """Return Bolwerk's own canary, by all its addresses and ports."""
    spec = (observed.canary or {}).get("spec") or {}
    return [
        target(arm, "UDP" if port.get("protocol") == "UDP" else "TCP", address, port["port"])
        for address in addresses_of(observed.canary)
        for port in spec.get("ports") or ()
    ]


def control(observed: Observed, subjects: Subjects) -> tuple[list[Target], list[str]]:
    """Return what the control has to reach, and remarks."""
    policies = {each.policy.name: each.policy for each in subjects.found if each.policy}
    targets = list(dict.fromkeys([*own_canary(observed, "Control"), *_of_policies(policies.values())]))
    targets.append(_cluster_dns("Control"))
    left = targets[MOST_OF_CONTROL:]
    remarks = [f"the control tries {MOST_OF_CONTROL} targets and not {len(left)} more"] if left else []
    return targets[:MOST_OF_CONTROL], remarks


def _of_policies(policies: Iterable[Policy]) -> Iterator[Target]:
    for policy in policies:
        yield from _outside(policy, "Control")


def model(observed: Observed, subject: Subject) -> list[Target]:
    """Return what a model must not reach: nothing at all, so the canary in the cluster too."""
    outside = _outside(subject.policy, "Treatment") if subject.policy else ()
    canaries = list(dict.fromkeys([*own_canary(observed, "Treatment"), *outside]))
    return [*canaries, target("Treatment", "Metadata", METADATA, 80)] if canaries else []


def governed(
    observed: Observed, policy: Policy, settings: Settings, *, alone: bool
) -> tuple[list[Target], Reachable, list[str]]:
    """Return what an ordinary pod of a governed namespace must not and must reach; what it may; and remarks."""
    reachable = Reachable.of(policy)
    outside = list(_outside(policy, "Treatment"))
    # A proxy inside the networks is what a probe has to find; another host there was meant to be reached.
    inside = [each for each in outside if each.vector != "Proxy" and each.address in reachable]
    remarks = [
        f"SovereigntyPolicy {policy.name}: {shown(each)} among spec.proof is not tried, for it lies within "
        "spec.internal.networks: name a host outside of them"
        for each in inside
    ]
    tried = [each for each in outside if each not in inside]
    if not any(each.vector == "TCP" for each in tried):
        return [], reachable, remarks
    names, unnamed = refused_names(policy, observed.overlay, settings)
    return (
        [
            *tried,
            target("Treatment", "Metadata", METADATA, 80),
            *((_cluster_dns("Function"), *own_canary(observed, "Function")) if alone else ()),
            *(Target(arm="Treatment", vector="Name", family="IPv4", to=name) for name in names),
        ],
        reachable,
        [*remarks, *unnamed],
    )


def _outside(policy: Policy, arm: Arm) -> Iterator[Target]:
    proof = policy.spec.proof
    yield from _targets(arm, "TCP", proof.canaries)
    yield from _targets(arm, "UDP", proof.datagram_canaries)
    yield from _targets(arm, "DNS", proof.resolvers, to=KNOWN_NAME)
    if proof.canaries:
        yield from _targets(arm, "Proxy", proof.proxies, to=_host_port(proof.canaries[0]))


def _targets(arm: Arm, vector: Vector, hosts: Iterable[Outside], *, to: str = "") -> Iterator[Target]:
    return (target(arm, vector, each.address, each.port, to=to) for each in hosts)


def target(arm: Arm, vector: Vector, address: str, port: int, *, to: str = "") -> Target:
    """Return a target, its address in the usual spelling."""
    plain = str(ip_address(address))
    return Target(arm=arm, vector=vector, family=family_of(plain), address=plain, port=port, to=to)


def _cluster_dns(arm: Arm) -> Target:
    return Target(arm=arm, vector="DNS", family="IPv4", address=CLUSTER_DNS, port=DNS_PORT, to=KNOWN_NAME)


def _host_port(host: Outside) -> str:
    plain = str(ip_address(host.address))
    return f"[{plain}]:{host.port}" if family_of(plain) == "IPv6" else f"{plain}:{host.port}"
