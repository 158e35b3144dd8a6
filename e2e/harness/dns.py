"""The cluster's DNS: a real CoreDNS in kube-system, as platforms run it, that imports what Bolwerk wrote for it.

Used by the cluster of the scenarios. The platform's part is three lines of its own: mount the ConfigMap, which need
not exist yet, import what is in it, and look at the files again every few seconds.
"""

from typing import Any

from harness import images, network

ADDRESS = "10.96.0.10"
"""Of the Service; every pod's resolver."""
DOMAIN = "cluster.local"
METRICS_PORT = 9153
SELECTOR = "k8s-app=kube-dns"
NAMESPACE = "kube-system"
_NAME = "coredns"
_LABELS = dict([SELECTOR.split("=")])
_PORTS = (("dns", "UDP", 53), ("dns-tcp", "TCP", 53), ("metrics", "TCP", METRICS_PORT))


_COREFILE = f"""
.:53 {{
    errors
    ready
    prometheus :{METRICS_PORT}
    import /etc/bolwerk/*.override
    kubernetes {DOMAIN} in-addr.arpa ip6.arpa {{
        fallthrough in-addr.arpa ip6.arpa
    }}
    forward . {network.RESOLVER}
    reload 2s 1s
}}
"""


def manifests(config_map: str) -> list[dict[str, Any]]:
    """Return everything that runs CoreDNS; it imports the ConfigMap of that name in its own namespace."""
    meta = {"name": _NAME, "namespace": NAMESPACE}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "system:coredns"}}
    watched = [
        {"apiGroups": [""], "resources": ["services", "namespaces", "pods"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        {**role, "kind": "ClusterRole", "rules": watched},
        {
            **role,
            "kind": "ClusterRoleBinding",
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:coredns"},
            "subjects": [{"kind": "ServiceAccount", "name": _NAME, "namespace": NAMESPACE}],
        },
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"Corefile": _COREFILE}},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": meta,
            "spec": {
                "selector": {"matchLabels": _LABELS},
                "template": {"metadata": {"labels": _LABELS}, "spec": _pod(config_map)},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "kube-dns", "namespace": NAMESPACE, "labels": _LABELS},
            "spec": {
                "clusterIP": ADDRESS,
                "selector": _LABELS,
                "ports": [{"name": name, "protocol": protocol, "port": port} for name, protocol, port in _PORTS],
            },
        },
    ]


def _pod(config_map: str) -> dict[str, Any]:
    return {
        "serviceAccountName": _NAME,
        "dnsPolicy": "Default",
        "terminationGracePeriodSeconds": 1,
        "containers": [
            {
                "name": _NAME,
                "image": images.coredns().reference,
                "imagePullPolicy": "Never",
                "args": ["-conf", "/etc/coredns/Corefile"],
                "ports": [{"containerPort": port, "protocol": protocol} for _, protocol, port in _PORTS],
                "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
                "volumeMounts": [
                    {"name": "corefile", "mountPath": "/etc/coredns"},
                    {"name": "bolwerk", "mountPath": "/etc/bolwerk"},
                ],
            }
        ],
        "volumes": [
            {"name": "corefile", "configMap": {"name": _NAME}},
            {"name": "bolwerk", "configMap": {"name": config_map, "optional": True}},
        ],
    }
