"""A cluster as an auditor might meet it, for the tests of the report."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bolwerk.core.catalogue import Catalogue
from bolwerk.core.flows.found import Flows, NodeFlows, Uncovered, Use
from bolwerk.core.report.facts import Trail, TrailEntry
from bolwerk.core.report.world import Permissions, World
from bolwerk.core.settings import Settings

Manifest = dict[str, Any]

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
UID = "6a1f6f1e-0000-4000-8000-00000000000{}"
DIGEST = "sha256:" + "a1" * 32
SETTINGS = Settings(
    namespace="bolwerk-system", catalogue=replace(Catalogue.empty(), version="2026.11.01", digest="sha256:" + "d4" * 32)
)
ENGINE_ID = "registry.example.nl/vllm@sha256:" + "b2" * 32


def condition(type_: str, status: str, reason: str, message: str) -> Manifest:
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-11-20T08:30:00Z",
    }


def namespace(name: str, **labels: str) -> Manifest:
    return {"metadata": {"name": name, "labels": labels}}


def policy(name: str = "baseline", **status: Any) -> Manifest:
    return {
        "metadata": {"name": name, "creationTimestamp": "2026-10-01T09:00:00Z"},
        "spec": {
            "namespaceSelector": {"matchLabels": {"governed": "yes"}},
            "mode": "Enforce",
            "internal": {"networks": ["10.20.0.0/16"], "forwardProxies": ["10.20.0.8/32"]},
            "exceptions": {"approvals": 1, "longestDays": 90},
        },
        "status": {
            "backend": "NetworkPolicy",
            "backendReason": "nothing better is served",
            "conditions": [condition("Ready", "True", "Ready", "Enforce: 1 namespace walled by NetworkPolicy")],
            "limits": ["The node that a pod runs on stays reachable."],
            "findings": [{"type": "Leak", "object": "ConfigMap team/settings", "message": "key url leads outside"}],
            "findingsTotal": 1,
            "catalogue": {"version": "2026.11.24", "digest": DIGEST, "ageDays": 0},
            "references": {"leaks": 1, "notLookedAt": ["Secrets: reading them is switched off"]},
            "openExceptions": [{"namespace": "team", "name": "translate", "uid": UID.format(1), "unopened": []}],
            **status,
        },
    }


def model(name: str = "llama-8b", *, source: Manifest | None = None, **status: Any) -> Manifest:
    return {
        "metadata": {"name": name, "namespace": "team", "creationTimestamp": "2026-10-02T10:00:00Z"},
        "spec": {
            "model": {"source": source or {"persistentVolumeClaim": {"claimName": "weights", "path": "llama"}}},
            "engine": {"vllm": {}},
        },
        "status": {
            "phase": "Ready",
            "replicas": 1,
            "readyReplicas": 1,
            "endpoint": f"http://{name}.team.svc:8000/v1",
            "conditions": [
                condition("Serving", "True", "Serving", "1 of 1 replicas answer"),
                condition("Isolated", "Unknown", "NotProven", "no probe has measured yet"),
            ],
            **status,
        },
    }


def pod(name: str, *, of: str = "llama-8b", image_id: str = ENGINE_ID, mounted: str = "") -> Manifest:
    mount: Manifest = {"name": "model", "mountPath": "/model"}
    if mounted:
        mount["volumeStatus"] = {"image": {"imageRef": mounted}}
    return {
        "metadata": {"name": name, "namespace": "team", "labels": {"bolwerk.dev/model": of}},
        "spec": {"nodeName": "gpu-1"},
        "status": {
            "phase": "Running",
            "containerStatuses": [{"name": "engine", "imageID": image_id, "volumeMounts": [mount]}],
        },
    }


def outside(name: str = "node-exporter", namespace: str = "team") -> Manifest:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"nodeName": "gpu-1", "hostNetwork": True},
        "status": {"phase": "Running"},
    }


def deployment(name: str = "llama-8b") -> Manifest:
    containers = [{"name": "engine", "image": "registry.example.nl/vllm:0.11"}]
    return {"metadata": {"name": name, "namespace": "team"}, "spec": {"template": {"spec": {"containers": containers}}}}


def claim(name: str = "weights") -> Manifest:
    return {"metadata": {"name": name, "namespace": "team"}, "spec": {"volumeName": "pv-17"}}


def exception(
    name: str = "translate", *, uid: str = UID.format(1), status: Manifest | None = None, **spec: Any
) -> Manifest:
    return {
        "metadata": {"name": name, "namespace": "team", "uid": uid, "creationTimestamp": "2026-11-18T09:00:00Z"},
        "spec": {
            "ground": "NotPossible",
            "justification": "No local model translates Tigrinya well enough to decide about people.",
            "alternativesConsidered": "Three local models were tried on 400 sentences; the best made 31 % errors.",
            "subject": {"podSelector": {"matchLabels": {"app": "translator"}}},
            "destinations": [{"domain": "api.translate.example", "ports": [{"port": 443}]}],
            "dataClassification": "Internal",
            "dpiaReference": "DPIA-2026-17",
            "ticket": "CHG-881",
            "validFrom": "2026-11-20T00:00:00Z",
            "validUntil": "2026-12-20T00:00:00Z",
            "exitPlan": "The team fine-tunes a local model and moves over in December.",
            "requestedBy": {"username": "alice@example.nl", "groups": ["team"]},
            **spec,
        },
        "status": status
        or {"phase": "Open", "approvals": 1, "fourEyes": "Cluster", "openedAt": "2026-11-20T00:00:00Z"},
    }


def approval(by: str = "bob@example.nl", *, of: str = "translate", uid: str = UID.format(1), **spec: Any) -> Manifest:
    return {
        "metadata": {
            "name": f"{of}-{by.partition('@')[0]}",
            "namespace": "team",
            "creationTimestamp": "2026-11-19T14:00:00Z",
        },
        "spec": {
            "exception": {"name": of, "uid": uid},
            "reason": "Weighed with the privacy officer; bounded to one destination.",
            "approvedBy": {"username": by},
            **spec,
        },
    }


def proof(node: str = "gpu-1", *, verdict: str = "Proven", finished: str = "2026-11-24T06:00:00Z") -> Manifest:
    return {
        "metadata": {"name": f"{node}-{finished[:10]}"},
        "spec": {
            "node": node,
            "policy": "baseline",
            "verdict": verdict,
            "message": "14 of 14 probes as expected",
            "trigger": "Interval",
            "finishedAt": finished,
            "observations": [{}, {}],
            "notChecked": {"hostNetworkPods": 2},
        },
    }


def admission(*resources: str, action: str = "Deny") -> tuple[Manifest, ...]:
    rule = {
        "apiGroups": ["bolwerk.dev"],
        "resources": list(resources or ("egressapprovals", "egressexceptions")),
        "operations": ["CREATE"],
    }
    return (
        {
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": "bolwerk-approval"},
            "spec": {"matchConstraints": {"resourceRules": [rule]}},
        },
        {
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": "bolwerk-approval"},
            "spec": {"policyName": "bolwerk-approval", "validationActions": [action]},
        },
    )


def permissions() -> Permissions:
    def role(name: str, *rules: Manifest, **metadata: str) -> Manifest:
        return {"metadata": {"name": name, **metadata}, "rules": list(rules)}

    def binding(role: Manifest, kind: str, *subjects: Manifest, **metadata: str) -> Manifest:
        return {
            "metadata": {"name": f"{role['metadata']['name']}-binding", **metadata},
            "roleRef": {"kind": kind, "name": role["metadata"]["name"]},
            "subjects": list(subjects),
        }

    approvers = role(
        "approvers", {"apiGroups": ["bolwerk.dev"], "resources": ["egressexceptions"], "verbs": ["approve"]}
    )
    admin = role("cluster-admin", {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]})
    viewers = role("view", {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]})
    one = {
        "apiGroups": ["bolwerk.dev"],
        "resources": ["sovereigntypolicies"],
        "resourceNames": ["baseline"],
        "verbs": ["patch"],
    }
    editor = role("editor", one)
    asking = role(
        "asking",
        {"apiGroups": ["bolwerk.dev"], "resources": ["egressexceptions"], "verbs": ["create"]},
        namespace="team",
    )
    return Permissions(
        cluster_roles=(approvers, admin, viewers, editor),
        roles=(asking,),
        cluster_role_bindings=(
            binding(admin, "ClusterRole", {"kind": "Group", "name": "platform"}),
            binding(viewers, "ClusterRole", {"kind": "Group", "name": "everybody"}),
            binding(editor, "ClusterRole", {"kind": "ServiceAccount", "name": "argocd", "namespace": "argocd"}),
        ),
        role_bindings=(
            binding(approvers, "ClusterRole", {"kind": "User", "name": "bob@example.nl"}, namespace="team"),
            binding(asking, "Role", {"kind": "Group", "name": "team"}, namespace="team"),
        ),
    )


def decision(when: str, action: str, name: str, *, uid: str = UID.format(1), reason: str = "") -> TrailEntry:
    return TrailEntry(when, action, f"EgressException {name}", "Done", "unknown", uid, reason)


def trail(**more: Any) -> Trail:
    facts: dict[str, Any] = {
        "log": "/var/log/bolwerk/audit.log",
        "whole": True,
        "verdict": "whole: every entry follows the one before",
        "entries": 41,
        "first_at": "2026-10-01T09:00:00.000Z",
        "last_at": "2026-11-24T11:00:00.000Z",
        "head": "c3" * 32,
        "resumed": 1,
        "unanchored": 0,
        "counts": (("ExceptionOpened", 1), ("WallApplied", 1)),
        "decisions": (
            decision("2026-10-05T10:00:00.000Z", "ExceptionDeleted", "team/former", uid=UID.format(8)),
            decision("2026-11-20T00:00:00.000Z", "ExceptionApproved", "team/translate", reason="WithinPolicy"),
        ),
        "more": 0,
    }
    return Trail(**{**facts, **more})


def flows(**more: Any) -> Flows:
    use = Use(
        namespace="team",
        exception="translate",
        uid=UID.format(1),
        records=12,
        connections=3,
        first_at="2026-11-21T09:00:00.000Z",
        last_at="2026-11-23T17:00:00.000Z",
        destinations=("203.0.113.10 (api.translate.example), TCP 443: 12 records",),
        pods=("team/translator-1",),
        more=False,
        untold=2,
    )
    uncovered = Uncovered(
        namespace="team",
        pod="crawler-1",
        destination="198.51.100.7, TCP 443",
        records=4,
        connections=1,
        first_at="2026-11-22T03:00:00.000Z",
        last_at="2026-11-22T03:00:05.000Z",
        governed="baseline, Enforce",
        near="team/over is for this, in another term: from 2026-11-20T00:00:00Z until 2026-11-21T00:00:00Z",
    )
    facts: dict[str, Any] = {
        "log": "/var/log/hubble/events.log",
        "records": 4000,
        "others": 3,
        "left_out": 0,
        "first_at": "2026-11-21T08:00:00.000Z",
        "last_at": "2026-11-24T08:00:00.000Z",
        "nodes": (NodeFlows("gpu-1", 4000, "2026-11-21T08:00:00.000Z", "2026-11-24T08:00:00.000Z"),),
        "silent_nodes": ("cpu-1",),
        "lost": 5,
        "refused": 1,
        "refusals": ("/var/log/hubble/events.log:17: Invalid JSON: EOF while parsing an object at line 1 column 9",),
        "unjudged": (("lacks source.labels", 2),),
        "uses": (use,),
        "uncovered": (uncovered,),
        "more_uncovered": 6,
    }
    return Flows(**{**facts, **more})


def world(**changes: Any) -> World:
    """Return a cluster with one of everything."""
    image = {"image": {"reference": f"registry.example.nl/models/mistral@{DIGEST}", "path": "mistral"}}
    facts: dict[str, Any] = {
        "settings": SETTINGS,
        "version": "0.1.0",
        "installed": "0.1.0",
        "models": (
            model(),
            model("mistral", source=image, phase="Pending", replicas=0, readyReplicas=0, conditions=[]),
        ),
        "policies": (policy(),),
        "namespaces": (
            namespace("bolwerk-system"),
            namespace("kube-system"),
            namespace("office"),
            namespace("team", governed="yes"),
        ),
        "pods": (pod("llama-8b-1"), outside(), outside("kube-proxy", "kube-system")),
        "deployments": (deployment(),),
        "claims": (claim(),),
        "exceptions": (
            exception(),
            exception("asked", uid=UID.format(2), status={"phase": "Requested"}),
            exception("over", uid=UID.format(3), validUntil="2026-11-21T00:00:00Z", validFrom="2026-11-20T00:00:00Z"),
        ),
        "approvals": (approval(), approval("carol@example.nl", of="asked", uid=UID.format(9))),
        "admission": admission(),
        "permissions": permissions(),
        "trail": trail(),
        "flows": flows(),
    }
    return World(**{**facts, **changes})
