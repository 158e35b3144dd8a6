"""The APIs of network plugins on the test's API server, from the plugins' own CRDs."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]

ESTABLISHED = (
    "ciliumclusterwidenetworkpolicies.cilium.io",
    "clusternetworkpolicies.policy.networking.k8s.io",
    "adminnetworkpolicies.policy.networking.k8s.io",
    "globalnetworkpolicies.projectcalico.org",
    "stagedglobalnetworkpolicies.projectcalico.org",
    "tiers.projectcalico.org",
)


def definitions(cilium: Path, cluster: Path, admin: Path, calico: Path) -> list[Manifest]:
    """Return the CRDs of what Bolwerk writes, as they lie in the folders of the pinned tools."""
    rules = _loaded(calico / "crd.projectcalico.org_globalnetworkpolicies.yaml")
    return [
        _loaded(cilium / "ciliumclusterwidenetworkpolicies.yaml"),
        _loaded(cluster / "policy.networking.k8s.io_clusternetworkpolicies.yaml"),
        _loaded(admin / "policy.networking.k8s.io_adminnetworkpolicies.yaml"),
        _calico(rules, kind="GlobalNetworkPolicy", plural="globalnetworkpolicies", tier={"type": "string"}),
        _calico(
            rules,
            kind="StagedGlobalNetworkPolicy",
            plural="stagedglobalnetworkpolicies",
            tier={"type": "string"},
            stagedAction={"type": "string", "enum": ["Set", "Delete", "Learn", "Ignore"]},
        ),
        _tiers(rules),
    ]


def _loaded(path: Path) -> Manifest:
    loaded: Manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def _calico(rules: Manifest, *, kind: str, plural: str, **more: Manifest) -> Manifest:
    """Return Calico's CRD of rules in the group and version of its API server, with what tiers have brought to it.

    The module that can be pinned is older than tiers. Their few fields are added as the Calico 3.30 reference has
    them; the rules, which are nearly all of a wall, are as Calico itself defines them.
    """
    definition = copy.deepcopy(rules)
    definition["metadata"]["name"] = f"{plural}.projectcalico.org"
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    definition["spec"] |= {"group": "projectcalico.org", "names": names}
    (version,) = definition["spec"]["versions"]
    version["name"] = "v3"
    version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"] |= more
    return definition


def _tiers(rules: Manifest) -> Manifest:
    definition = _calico(rules, kind="Tier", plural="tiers")
    (version,) = definition["spec"]["versions"]
    version["schema"]["openAPIV3Schema"]["properties"]["spec"] = {
        "type": "object",
        "properties": {
            "order": {"type": "number"},
            "defaultAction": {"type": "string", "enum": ["Pass", "Deny"]},
        },
    }
    return definition
