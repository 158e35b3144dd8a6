"""What each backend's plugin does with the rendered objects, told again from its own documentation.

Independent of the renderers on purpose: nothing here knows of an intent. Each simulator takes objects, the pod that
sends and where to, and says `Deny`, or `Pass` for a packet that the cluster-wide rules leave to the namespace's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

Address = IPv4Address | IPv6Address
Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Pod:
    namespace: str
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Destination:
    address: Address
    pod: Pod | None = None


def selects(selector: Manifest, labels: Mapping[str, str]) -> bool:
    """Kubernetes' label selectors; NotIn is true of a label that is not there."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for each in selector.get("matchExpressions") or ():
        key, values = each["key"], each.get("values") or ()
        verdict = {
            "In": key in labels and labels[key] in values,
            "NotIn": key not in labels or labels[key] not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }[each["operator"]]
        if not verdict:
            return False
    return True


def inside(address: Address, network: str, holes: Iterable[str] = ()) -> bool:
    return address in ip_network(network) and not any(address in ip_network(hole) for hole in holes)


def lies_in(inner: str, outer: str) -> bool:
    first, last = ip_network(inner).network_address, ip_network(inner).broadcast_address
    return first in ip_network(outer) and last in ip_network(outer)


def ordered(objects: Iterable[Manifest], source: Pod, destination: Destination) -> str:
    """AdminNetworkPolicy and ClusterNetworkPolicy: by priority and order, the first match decides.

    `networks` match pods of the cluster too, by their addresses.
    """
    for policy in sorted(objects, key=lambda each: each["spec"]["priority"]):
        assert policy["kind"] == "AdminNetworkPolicy" or policy["spec"]["tier"] == "Admin"
        if not selects(policy["spec"]["subject"]["namespaces"], source.namespace_labels):
            continue
        for rule in policy["spec"]["egress"]:
            for peer in rule["to"]:
                (how,) = peer
                if how == "namespaces" and destination.pod:
                    matched = selects(peer[how], destination.pod.namespace_labels)
                else:
                    matched = how == "networks" and any(inside(destination.address, each) for each in peer[how])
                if matched:
                    return str(rule["action"])
    return "Pass"


def cilium(objects: Iterable[Manifest], source: Pod, destination: Destination) -> str:
    """Cilium: any denial that matches decides; CIDRs match no pod of the cluster (policy-cidr-match-mode)."""
    labels = {f"k8s:{key}": value for key, value in source.labels.items()}
    labels |= {f"k8s:io.cilium.k8s.namespace.labels.{key}": value for key, value in source.namespace_labels.items()}
    labels["k8s:io.kubernetes.pod.namespace"] = source.namespace
    for policy in objects:
        spec = policy["spec"]
        # With its absence, or an allowing rule, the pods would be isolated in the cluster too.
        assert spec["enableDefaultDeny"] == {"egress": False, "ingress": False}
        assert set(spec) == {"endpointSelector", "enableDefaultDeny", "egressDeny"}
        if destination.pod is None and selects(spec["endpointSelector"], labels):
            blocks = [block for rule in spec["egressDeny"] for block in rule["toCIDRSet"]]
            for block in blocks:
                assert all(lies_in(each, block["cidr"]) for each in block.get("except", ())), "Cilium refuses it"
                if inside(destination.address, block["cidr"], block.get("except", ())):
                    return "Deny"
    return "Pass"


def calico(objects: Iterable[Manifest], source: Pod, destination: Destination) -> str:
    """Calico: tiers by order, in each the policies by order; Pass goes on to the next tier; staged ones do nothing."""
    objects = list(objects)
    for tier in sorted((each for each in objects if each["kind"] == "Tier"), key=lambda each: each["spec"]["order"]):
        here = [each for each in objects if each["kind"] == "GlobalNetworkPolicy"]
        here = [each for each in here if each["spec"]["tier"] == tier["metadata"]["name"]]
        verdict = None
        for policy in sorted(here, key=lambda each: each["spec"]["order"]):
            assert policy["spec"]["types"] == ["Egress"]
            assert policy["metadata"]["name"].startswith(f"{tier['metadata']['name']}.")
            if verdict is None and calico_selects(policy["spec"]["namespaceSelector"], source.namespace_labels):
                rules = policy["spec"]["egress"]
                verdict = next((rule["action"] for rule in rules if _calico_rule(rule, destination)), None)
                verdict = verdict or tier["spec"]["defaultAction"]
        if verdict in {"Allow", "Deny"}:
            return str(verdict)
    return "Pass"


def _calico_rule(rule: Manifest, destination: Destination) -> bool:
    to = rule.get("destination") or {}
    assert set(to) <= {"nets", "selector", "namespaceSelector"}
    if "ipVersion" in rule and rule["ipVersion"] != destination.address.version:
        return False
    if "nets" in to:
        families = {ip_network(each).version for each in to["nets"]}
        assert families == {rule["ipVersion"]}, "Calico refuses a rule that mixes families"
        if not any(inside(destination.address, each) for each in to["nets"]):
            return False
    if "namespaceSelector" in to or "selector" in to:
        if destination.pod is None:
            return False
        labels = {**destination.pod.labels, "projectcalico.org/orchestrator": "k8s"}
        return calico_selects(to["namespaceSelector"], destination.pod.namespace_labels) and calico_selects(
            to["selector"], labels
        )
    return True


def calico_selects(expression: str, labels: Mapping[str, str]) -> bool:
    """Calico's selector language, as far as a label selector needs it."""
    return all(_calico_term(term.strip(), labels) for term in expression.split("&&"))


def _calico_term(term: str, labels: Mapping[str, str]) -> bool:
    if term == "all()":
        return True
    if found := re.fullmatch(r"(!?)has\(([-\w./]+)\)", term):
        return (found[2] in labels) != bool(found[1])
    if found := re.fullmatch(r"([-\w./]+) == '([^']*)'", term):
        return labels.get(found[1]) == found[2]
    found = re.fullmatch(r"([-\w./]+) (not )?in \{ (.*) \}", term)
    assert found, f"Calico would not parse {term!r}"
    values = re.findall(r"'([^']*)'", found[3])
    return (labels.get(found[1]) in values) != bool(found[2])


def networkpolicies(policies: Iterable[Manifest], source: Pod, destination: Destination) -> bool:
    """NetworkPolicies: whoever none selects is free; else the sum of what those that select it allow."""
    mine = [
        each["spec"]
        for each in policies
        if each["metadata"]["namespace"] == source.namespace
        and "Egress" in each["spec"]["policyTypes"]
        and selects(each["spec"]["podSelector"], source.labels)
    ]
    return not mine or any(
        not rule.get("to") or any(_peer(peer, source, destination) for peer in rule["to"])
        for spec in mine
        for rule in spec.get("egress") or ()
    )


def _peer(peer: Manifest, source: Pod, destination: Destination) -> bool:
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        for each in block.get("except", ()):
            assert lies_in(each, block["cidr"]), "the API server refuses it"
            assert each != block["cidr"], "the API server refuses it"
        return inside(destination.address, block["cidr"], block.get("except", ()))
    if destination.pod is None:
        return False
    if "namespaceSelector" in peer:
        there = selects(peer["namespaceSelector"], destination.pod.namespace_labels)
    else:
        there = destination.pod.namespace == source.namespace
    return there and selects(peer.get("podSelector") or {}, destination.pod.labels)
