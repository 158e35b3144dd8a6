"""The objects that people would apply; a test names only what matters."""

from __future__ import annotations

from typing import Any

Manifest = dict[str, Any]


def pod(namespace: str, *, name: str = "web", labels: dict[str, str] | None = None, **spec: Any) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {"app": "web"}},
        "spec": {"containers": [container()], **spec},
    }


def container(*env: Manifest, name: str = "main", **more: Any) -> Manifest:
    return {"name": name, "image": "registry.example/web:1", "env": list(env), **more}


def variable(name: str, value: str) -> Manifest:
    return {"name": name, "value": value}


def from_secret(name: str) -> Manifest:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": "keys", "key": "key"}}}


def with_env(namespace: str, *env: Manifest, **more: Any) -> Manifest:
    return pod(namespace, containers=[container(*env, **more)])


def workload(kind: str, namespace: str, template: Manifest) -> Manifest:
    """Return a workload of a kind around a pod's labels and spec."""
    labels = template["metadata"]["labels"]
    of_pod = {"metadata": {"labels": labels}, "spec": template["spec"]}
    versions = {"ReplicationController": "v1", "Job": "batch/v1", "CronJob": "batch/v1"}
    spec: Manifest
    match kind:
        case "CronJob":
            job = {"template": _restarting(of_pod, "Never")}
            spec = {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": job}}
        case "Job":
            spec = {"suspend": True, "template": _restarting(of_pod, "Never")}
        case "ReplicationController":
            spec = {"replicas": 0, "selector": labels, "template": of_pod}
        case "DaemonSet":
            spec = {"selector": {"matchLabels": labels}, "template": of_pod}
        case "StatefulSet":
            spec = {"replicas": 0, "serviceName": "web", "selector": {"matchLabels": labels}, "template": of_pod}
        case _:
            spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": of_pod}
    return {
        "apiVersion": versions.get(kind, "apps/v1"),
        "kind": kind,
        "metadata": {"name": "web", "namespace": namespace},
        "spec": spec,
    }


def service(namespace: str, **spec: Any) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"ports": [{"port": 80}], **spec},
    }


def endpoint_slice(namespace: str, *addresses: str, family: str = "IPv4", **endpoint: Any) -> Manifest:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "web", "namespace": namespace, "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": family,
        "ports": [{"name": "", "port": 443, "protocol": "TCP"}],
        "endpoints": [{"addresses": [address], **endpoint} for address in addresses],
    }


def endpoints(namespace: str, *addresses: str, field: str = "addresses") -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "web", "namespace": namespace},
        "subsets": [{field: [{"ip": address} for address in addresses], "ports": [{"port": 443}]}],
    }


def network_policy(namespace: str, *egress: Manifest, types: tuple[str, ...] = ("Egress",)) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"podSelector": {}, "policyTypes": list(types), "egress": list(egress)},
    }


def _restarting(template: Manifest, policy: str) -> Manifest:
    return {**template, "spec": {**template["spec"], "restartPolicy": policy}}
