"""The flags of each part of the control plane; `harness.controlplane` starts them.

Nothing here starts or writes anything. Everything is in one directory, under the names below.
"""

from pathlib import Path

AUDIT_LOG = "audit.log"
AUDIT_POLICY = "audit-policy.yaml"
CERTIFICATES = "certificates"
TOKENS = "tokens.csv"
LOOPBACK = "127.0.0.1"


def etcd(directory: Path) -> list[str]:
    """Return the flags of an etcd that nobody but this user can reach, and that forgets everything in a power cut."""
    # Unix sockets: no port to race for, and no other user of the machine can reach the data.
    client, peer = f"unix://{directory}/etcd.sock", f"unix://{directory}/etcd-peer.sock"
    return [
        f"--data-dir={directory}/etcd",
        "--unsafe-no-fsync",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--log-level=warn",
    ]


def apiserver(directory: Path, *, address: str, port: int, service_cidr: str) -> list[str]:
    """Return the flags of an API server that writes its own certificate and lets users in by token."""
    # The serving key signs ServiceAccount tokens too: one key for the one server there is.
    key = f"{directory}/{CERTIFICATES}/apiserver.key"
    flags = [
        f"--etcd-servers=unix://{directory}/etcd.sock",
        f"--bind-address={address}",
        f"--advertise-address={address}",
        f"--secure-port={port}",
        f"--cert-dir={directory}/{CERTIFICATES}",
        f"--token-auth-file={directory}/{TOKENS}",
        "--authorization-mode=Node,RBAC",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-signing-key-file={key}",
        f"--service-account-key-file={key}",
        f"--service-cluster-ip-range={service_cidr}",
        "--allow-privileged=true",
        # Else exec and logs look the node's name up in DNS.
        "--kubelet-preferred-address-types=InternalIP",
        f"--audit-policy-file={directory}/{AUDIT_POLICY}",
        f"--audit-log-path={directory}/{AUDIT_LOG}",
        "--audit-log-maxsize=4000",  # MB: never rotated within one run
    ]
    # Kubernetes refuses a loopback address behind the Service `kubernetes`; without nodes nobody needs one.
    return [*flags, "--endpoint-reconciler-type=none"] if address == LOOPBACK else flags


def controller_manager(kubeconfig: Path, *, certificate: Path) -> list[str]:
    """Return the flags of the one controller manager; each controller has the rights that Kubernetes gives it."""
    return [
        f"--kubeconfig={kubeconfig}",
        f"--root-ca-file={certificate}",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        "--secure-port=0",  # serves nothing: its end shows in its log, and its work in the API
    ]


def scheduler(kubeconfig: Path) -> list[str]:
    """Return the flags of the one scheduler."""
    return [f"--kubeconfig={kubeconfig}", "--leader-elect=false", "--secure-port=0"]
