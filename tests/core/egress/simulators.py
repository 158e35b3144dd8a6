"""What each backend's plugin does with the rendered objects, told again from its own documentation.

Independent of the renderers on purpose: nothing here knows of an intent. Each simulator takes objects, the pod that
sends and where to, and says `Deny`, or `Pass` for a packet that the cluster-wide rules leave to the namespace's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any, Literal

Address = IPv4Address | IPv6Address
Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Pod:
    namespace: str
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    account: str = "default"

    @property
    def place(self) -> Mapping[str, str]:
        """The labels of its namespace, with the one that the API server gives it."""
        return {**self.namespace_labels, "kubernetes.io/metadata.name": self.namespace}


@dataclass(frozen=True)
class Destination:
    """Where a packet goes; `name` is the one under which the address was found, `shown` the one in the handshake."""

    address: Address
    pod: Pod | None = None
    protocol: Literal["TCP", "UDP"] = "TCP"
    port: int = 443
    name: str = ""
    shown: str = ""


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
        (how,) = subject = policy["spec"]["subject"]
        if how == "namespaces" and not selects(subject[how], source.place):
            continue
        if how == "pods" and not (
            selects(subject[how]["namespaceSelector"], source.place)
            and selects(subject[how]["podSelector"], source.labels)
        ):
            continue
        for rule in policy["spec"]["egress"]:
            if not _ordered_ports(rule, destination):
                continue
            for peer in rule["to"]:
                (how,) = peer
                if how == "namespaces" and destination.pod:
                    matched = selects(peer[how], destination.pod.namespace_labels)
                else:
                    matched = how == "networks" and any(inside(destination.address, each) for each in peer[how])
                if matched:
                    return str(rule["action"])
    return "Pass"


def _ordered_ports(rule: Manifest, destination: Destination) -> bool:
    if "protocols" in rule:
        return {destination.protocol.lower(): {"destinationPort": {"number": destination.port}}} in rule["protocols"]
    if "ports" in rule:
        return {"portNumber": {"protocol": destination.protocol, "port": destination.port}} in rule["ports"]
    return True


def cilium(objects: Iterable[Manifest], source: Pod, destination: Destination, teams: Iterable[Manifest] = ()) -> str:
    """Cilium: any denial that matches decides; then, of pods that anything isolates, any allowance.

    CIDRs match no pod of the cluster (policy-cidr-match-mode). NetworkPolicies count among the allowances.
    """
    teams = list(teams)
    labels = {f"k8s:{key}": value for key, value in source.labels.items()}
    labels |= {f"k8s:io.cilium.k8s.namespace.labels.{key}": value for key, value in source.place.items()}
    labels["k8s:io.kubernetes.pod.namespace"] = source.namespace
    labels["k8s:io.cilium.k8s.policy.serviceaccount"] = source.account
    specs = [spec for each in objects for spec in (each["spec"], *each.get("specs", ()))]
    mine = [spec for spec in specs if selects(spec["endpointSelector"], labels)]
    for spec in specs:
        assert spec["enableDefaultDeny"]["ingress"] is False
        assert set(spec) in ({"endpointSelector", "enableDefaultDeny", each} for each in ("egress", "egressDeny"))
        assert not (spec["enableDefaultDeny"]["egress"] and "egressDeny" in spec), "it would isolate in the cluster"
    if any(_cilium_rule(rule, destination) for spec in mine for rule in spec.get("egressDeny", ())):
        return "Deny"
    theirs = networkpolicies_of(teams, source)
    if not theirs and not any(spec["enableDefaultDeny"]["egress"] for spec in mine):
        return "Pass"
    allowed = any(_cilium_rule(rule, destination) for spec in mine for rule in spec.get("egress", ()))
    return "Pass" if allowed or (theirs and networkpolicies(teams, source, destination)) else "Deny"


def _cilium_rule(rule: Manifest, destination: Destination) -> bool:
    assert len([key for key in rule if key != "toPorts"]) <= 1, "Cilium refuses it"
    assert set(rule) <= {"toCIDRSet", "toEntities", "toFQDNs", "toPorts"}
    if not rule:
        return False
    for block in rule.get("toCIDRSet", ()):
        assert all(lies_in(each, block["cidr"]) for each in block.get("except", ())), "Cilium refuses it"
    if "toEntities" in rule:
        assert rule["toEntities"] == ["cluster"]
        there = destination.pod is not None
    elif "toFQDNs" in rule:
        assert rule["toPorts"], "an address is shared with others"
        there = destination.pod is None and any(
            _fqdn(name, destination.name) for each in rule["toFQDNs"] for name in each.values()
        )
    else:
        there = destination.pod is None and any(
            inside(destination.address, block["cidr"], block.get("except", ())) for block in rule["toCIDRSet"]
        )
    return there and ("toPorts" not in rule or any(_cilium_ports(each, destination) for each in rule["toPorts"]))


def _cilium_ports(ports: Manifest, destination: Destination) -> bool:
    assert 0 < len(ports["ports"]) <= 40, "Cilium refuses it"
    if "serverNames" in ports:
        assert all(each["protocol"] == "TCP" for each in ports["ports"])
        if not any(_fqdn(each, destination.shown) for each in ports["serverNames"]):
            return False
    return any(
        each["protocol"] == destination.protocol
        and int(each["port"]) <= destination.port <= each.get("endPort", int(each["port"]))
        for each in ports["ports"]
    )


def _fqdn(pattern: str, name: str) -> bool:
    """Names in Cilium's patterns: `**.` is any number of labels, and no other star is used."""
    if pattern.startswith("**."):
        return name.endswith(pattern.removeprefix("**")) and name != pattern.removeprefix("**.")
    assert "*" not in pattern
    return name == pattern


def calico(objects: Iterable[Manifest], source: Pod, destination: Destination) -> str:
    """Calico: tiers by order, in each the policies by order; Pass goes on to the next tier; staged ones do nothing."""
    objects = list(objects)
    for tier in sorted((each for each in objects if each["kind"] == "Tier"), key=lambda each: each["spec"]["order"]):
        here = [each for each in objects if each["kind"] == "GlobalNetworkPolicy"]
        here = [each for each in here if each["spec"]["tier"] == tier["metadata"]["name"]]
        verdict, selected = None, False
        for policy in sorted(here, key=lambda each: each["spec"]["order"]):
            assert policy["spec"]["types"] == ["Egress"]
            assert policy["metadata"]["name"].startswith(f"{tier['metadata']['name']}.")
            if verdict is None and _calico_chooses(policy["spec"], source):
                selected = True
                rules = policy["spec"]["egress"]
                verdict = next((rule["action"] for rule in rules if _calico_rule(rule, destination)), None)
        if verdict is None and selected:
            verdict = tier["spec"]["defaultAction"]  # at the end of the tier, of whoever is selected in it
        if verdict in {"Allow", "Deny"}:
            return str(verdict)
    return "Pass"


def _calico_chooses(spec: Manifest, source: Pod) -> bool:
    return (
        calico_selects(spec["namespaceSelector"], source.place)
        and calico_selects(spec.get("selector", "all()"), source.labels)
        and calico_selects(spec.get("serviceAccountSelector", "all()"), {"projectcalico.org/name": source.account})
    )


def _calico_rule(rule: Manifest, destination: Destination) -> bool:
    to = rule.get("destination") or {}
    assert set(to) <= {"nets", "selector", "namespaceSelector", "ports"}
    assert ("ports" in to) == ("protocol" in rule), "Calico refuses it"
    if "ports" in to and (rule["protocol"] != destination.protocol or destination.port not in to["ports"]):
        return False
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
    mine = networkpolicies_of(policies, source)
    return not mine or any(
        (not rule.get("to") or any(_peer(peer, source, destination) for peer in rule["to"]))
        and ("ports" not in rule or {"protocol": destination.protocol, "port": destination.port} in rule["ports"])
        for spec in mine
        for rule in spec.get("egress") or ()
    )


def networkpolicies_of(policies: Iterable[Manifest], source: Pod) -> list[Manifest]:
    """Return the specs of those that isolate a pod on its way out."""
    return [
        each["spec"]
        for each in policies
        if each["metadata"]["namespace"] == source.namespace
        and "Egress" in each["spec"]["policyTypes"]
        and selects(each["spec"]["podSelector"], source.labels)
    ]


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
