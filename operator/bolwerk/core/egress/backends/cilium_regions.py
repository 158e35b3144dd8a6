"""The denials of a namespace with holes: its pods in regions, each with what the holes of these pods leave open.

All of it is part of the wall's one object, so that no moment exists in which a denial is gone and another not yet
there. Nothing in it needs Cilium's proxies: an agent without them refuses an object as a whole, and would the wall.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bolwerk.core.egress.backends.cilium_endpoints import SERVICE_ACCOUNT, pods_of
from bolwerk.core.egress.backends.cilium_openings import block, denials, ports_of
from bolwerk.core.egress.backends.networkpolicy import concerns_egress
from bolwerk.core.egress.backends.regions import Region, regions
from bolwerk.core.egress.hole import Hole, Unopened, by_ports
from bolwerk.core.egress.intent import Intent, Scene
from bolwerk.core.egress.networks import contains

__all__ = ["Parted", "parted", "selector_of"]

LARGEST_REGIONS = 128
"""In one namespace."""
LARGEST_OBJECT = 1_200_000
"""Bytes of all regions. An object of more than 1.5 MiB is refused, and the wall with it."""

TOO_LARGE = (
    "The wall's object has no room for this exception, because the open ones fill it; let some end, or move the "
    "wall to ClusterNetworkPolicy, where each has an object of its own."
)


@dataclass(frozen=True, slots=True)
class Parted:
    """The namespaces with holes.

    Attributes
    ----------
    namespaces
        Those that are parted: the denial of all others leaves them out.
    specs
        The rules of their regions.
    opened, unopened
        The holes among these, and those that there is no room for.
    """

    namespaces: tuple[str, ...] = ()
    specs: tuple[dict[str, Any], ...] = ()
    opened: tuple[Hole, ...] = ()
    unopened: tuple[Unopened, ...] = ()


def parted(intent: Intent, scene: Scene, holes: Iterable[Hole]) -> Parted:
    """Part the pods of every namespace that has holes."""
    by_namespace: dict[str, list[Hole]] = {}
    for hole in holes:
        by_namespace.setdefault(hole.namespace, []).append(hole)
    found = Parted()
    size = 0
    for namespace, here in sorted(by_namespace.items()):
        specs = _specs(intent, scene, namespace, here)
        more = len(json.dumps(specs)) if specs else 0
        if specs is None or size + more > LARGEST_OBJECT:
            why = _too_tangled(namespace) if specs is None else TOO_LARGE
            found = replace(found, unopened=(*found.unopened, *((hole, why) for hole in here)))
            continue
        size += more
        found = replace(
            found,
            namespaces=(*found.namespaces, namespace),
            specs=(*found.specs, *specs),
            opened=(*found.opened, *here),
        )
    return found


def _too_tangled(namespace: str) -> str:
    return (
        f"The exceptions of namespace {namespace} and its NetworkPolicies select pods in more ways than "
        f"{LARGEST_REGIONS} selectors can part; give the pods of each exception one label of their own."
    )


def selector_of(hole: Hole) -> dict[str, Any]:
    """Return the selector of a hole's pods; as whom a pod runs is one more label to Cilium."""
    account = hole.service_account
    labels = {**hole.pod_selector.get("matchLabels", {}), **({SERVICE_ACCOUNT: account} if account else {})}
    expressions = list(hole.pod_selector.get("matchExpressions", ()))
    return {**({"matchLabels": labels} if labels else {}), "matchExpressions": expressions}


def _specs(intent: Intent, scene: Scene, namespace: str, holes: list[Hole]) -> list[dict[str, Any]] | None:
    """Return the rules of one namespace, or None if it takes too many."""
    teams: list[Mapping[str, Any]] = []
    if any(hole.domains for hole in holes):
        foreign = (scene.policies or {}).get(namespace, ())
        teams = [(each.get("spec") or {}).get("podSelector") or {} for each in foreign if concerns_egress(each)]
    found = regions([*map(selector_of, holes), *teams], largest=LARGEST_REGIONS)
    if found is None:
        return None
    specs: list[dict[str, Any]] = []
    for region in found:
        here = [hole for number, hole in enumerate(holes) if number in region.selected_by]
        closed = any(number >= len(holes) for number in region.selected_by)
        specs.extend(_of_region(intent, region, namespace, here, closed=closed))
    return specs


def _of_region(
    intent: Intent, region: Region, namespace: str, holes: list[Hole], *, closed: bool
) -> Iterable[dict[str, Any]]:
    # By name alone: what makes the namespace a governed one would be said again in each of a thousand regions.
    selected = {"matchExpressions": pods_of(namespace, region.expressions)}
    yield {
        "endpointSelector": selected,
        "enableDefaultDeny": {"egress": False, "ingress": False},
        "egressDeny": denials(intent, holes),
    }
    if any(hole.domains for hole in holes):
        yield {
            "endpointSelector": selected,
            "enableDefaultDeny": {"egress": True, "ingress": False},
            # Where the team's own policies isolate these pods already, nothing is granted beside them.
            "egress": [{}] if closed else _grants(intent, holes),
        }


def _grants(intent: Intent, holes: Iterable[Hole]) -> list[dict[str, Any]]:
    """Return what isolated pods still have to reach: all that the wall does not deny, and the holes' networks."""
    internal = [
        block(network, (each for each in intent.outward if contains(network, each)))
        for network in intent.internal
        if not any(contains(each, network) for each in intent.outward)
    ]
    opened = by_ports(opening for hole in holes for opening in hole.networks)
    return [
        {"toEntities": ["cluster"]},
        *([{"toCIDRSet": internal}] if internal else []),
        *(
            {"toCIDRSet": [block(each) for each in networks], "toPorts": [{"ports": ports_of(ports)}]}
            for ports, networks in opened.items()
        ),
    ]
