"""Holes for names, as Cilium opens them: the addresses that DNS gave for a name, and the name in the TLS handshake.

An object of its own for each hole, which only allows: the wall's object has isolated the pods and left the ports open.
Whatever an agent makes of this one, the wall stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from bolwerk.core.egress.addresses import Addresses
from bolwerk.core.egress.backends.cilium_endpoints import pods_of
from bolwerk.core.egress.backends.cilium_openings import ports_of
from bolwerk.core.egress.backends.cilium_regions import selector_of
from bolwerk.core.egress.backends.networkpolicy import MODEL_LABEL, concerns_egress
from bolwerk.core.egress.backends.regions import regions
from bolwerk.core.egress.hole import Hole, Port, by_ports
from bolwerk.core.egress.inexpressible import Narrowing, closed, listed
from bolwerk.core.egress.intent import Intent, Scene
from bolwerk.core.kinds import CILIUM_CLUSTERWIDE_NETWORK_POLICY
from bolwerk.core.policy.reach import by_networkpolicy

__all__ = ["NEEDS_PROXIES", "named_by_labels_they_have", "names_only", "policy", "undisturbed", "with_envoy"]

DNS_PORT = 53
ANY_NAME = [{"matchPattern": "*"}]

NEEDS_PROXIES = (
    "Exceptions for names need Cilium's DNS proxy and Envoy (enable-l7-proxy), reach only servers that speak TLS and "
    "show the name in its handshake, and let their pods ask the cluster's DNS. Keep Envoy working on every node: where "
    "it fails while such an exception is open, Cilium starts no new pods and closes no hole, of whatever exception."
)


def policy(intent: Intent, hole: Hole) -> dict[str, Any]:
    """Return what allows the pods of a hole to reach its names."""
    selector = selector_of(hole)
    labels = [{"key": key, "operator": "In", "values": [value]} for key, value in _labels(selector)]
    return {
        "apiVersion": CILIUM_CLUSTERWIDE_NETWORK_POLICY.api_version,
        "kind": CILIUM_CLUSTERWIDE_NETWORK_POLICY.name,
        "metadata": intent.hole_metadata(hole),
        "spec": {
            "endpointSelector": {"matchExpressions": pods_of(hole.namespace, [*labels, *selector["matchExpressions"]])},
            # The wall's object isolates these pods; until it does, this one takes nothing from them.
            "enableDefaultDeny": {"egress": False, "ingress": False},
            "egress": [_dns(), *_named(hole)],
        },
    }


def _labels(selector: Mapping[str, Any]) -> list[tuple[str, str]]:
    return sorted((selector.get("matchLabels") or {}).items())


def _dns() -> dict[str, Any]:
    """Return the rule that lets Cilium read along which addresses a name has."""
    ports = [{"port": str(DNS_PORT), "protocol": protocol} for protocol in ("TCP", "UDP")]
    return {"toEntities": ["cluster"], "toPorts": [{"ports": ports, "rules": {"dns": ANY_NAME}}]}


def _named(hole: Hole) -> Iterator[dict[str, Any]]:
    for ports, domains in by_ports(hole.domains).items():
        names = [f"*{domain}" if domain.startswith("*.") else domain for domain in domains]
        yield {
            "toFQDNs": [{"matchPattern": each} if each.startswith("*") else {"matchName": each} for each in names],
            "toPorts": [{"ports": ports_of(ports), "serverNames": names}],
        }


def with_envoy(intent: Intent) -> Narrowing:
    """Return the narrowing where nobody says that Envoy is there.

    Without it an agent waits for its answer, starts no pod on its node and applies no change of a wall to one any more
    (measured with 1.20.2), so that one tenant's exception would stop everybody's pods and keep their holes open.
    """

    def narrow(hole: Hole) -> tuple[Hole, str | None]:
        if intent.envoy or not hole.domains:
            return hole, None
        return replace(hole, domains=()), (
            f"Names ({listed(domain for domain, _ in hole.domains)}) stay closed, because only Envoy checks them and, "
            "where it is missing, Cilium starts no new pods; set spec.exceptions.ciliumEnvoy of the SovereigntyPolicy "
            "to true once Envoy works on every node, or ask for networks."
        )

    return narrow


def named_by_labels_they_have(hole: Hole) -> tuple[Hole, str | None]:
    """Cilium leaves out some labels, and so who has not one of these may be anybody."""
    without = [
        each["key"]
        for each in hole.pod_selector.get("matchExpressions", ())
        if each["operator"] in {"NotIn", "DoesNotExist"} and each["key"] != MODEL_LABEL
    ]
    if not without:
        return hole, None
    return closed(hole), (
        f"Cilium does not look at every label, so pods cannot be selected by not having one ({listed(without)}) and "
        "this exception opens nothing; select them by labels that they have."
    )


def names_only(hole: Hole) -> tuple[Hole, str | None]:
    """Only within TLS can a name be checked: addresses are shared with whoever else is there."""
    kept = tuple((domain, ports) for domain, asked in hole.domains if (ports := tuple(filter(_checked, asked))))
    left_out = sorted({port for _, asked in hole.domains for port in asked if not _checked(port)})
    if not left_out:
        return hole, None
    shown = listed(f"{port.protocol} {port.number}" for port in left_out)
    return replace(hole, domains=kept), (
        f"Names stay closed on {shown}, because Cilium can check them only in TLS handshakes on TCP; ask for TCP 443."
    )


def _checked(port: Port) -> bool:
    return port.protocol == "TCP" and port.number != DNS_PORT


def undisturbed(intent: Intent, scene: Scene) -> Narrowing:
    """Return the narrowing where other rules would let a hole's pods through the ports that are left open for names."""
    let_through = Addresses.of(intent.internal) - Addresses.of(intent.outward)

    def narrow(hole: Hole) -> tuple[Hole, str | None]:
        if not hole.domains:
            return hole, None
        others = next(_disturbing(hole, scene, let_through), None)
        if others is None:
            return hole, None
        return replace(hole, domains=()), (
            f"Names stay closed, because in Cilium allowances add up and {others} may allow the same pods more; leave "
            "these pods out of it, or ask for networks."
        )

    return narrow


def _disturbing(hole: Hole, scene: Scene, let_through: Addresses) -> Iterator[str]:
    for each in (scene.policies or {}).get(hole.namespace, ()):
        opens = any(not opening.addresses.within(let_through) for opening in by_networkpolicy(each))
        if concerns_egress(each) and opens and _overlap(selector_of(hole), each["spec"].get("podSelector") or {}):
            yield f"NetworkPolicy {hole.namespace}/{each['metadata']['name']}"
    for each in scene.cilium:
        metadata = each["metadata"]
        if metadata.get("namespace", hole.namespace) == hole.namespace and _allows(each):
            where = f"{metadata['namespace']}/" if "namespace" in metadata else ""
            yield f"{each.get('kind', 'CiliumNetworkPolicy')} {where}{metadata['name']}"


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether some pod may be selected by both."""
    found = regions([one, other], largest=64)
    return found is None or any(len(region.selected_by) > 1 for region in found)


def _allows(rules: Mapping[str, Any]) -> bool:
    """Whether it allows anything, or isolates: whom it selects is told in Cilium's own language, which is not read."""
    specs: Iterable[Mapping[str, Any]] = (rules.get("spec") or {}, *(rules.get("specs") or ()))
    return any("egress" in spec for spec in specs)
