"""A bridge: a network plugin that takes NetworkPolicies for granted and enforces none; kube-proxy makes the Services.

The negative case of everything that claims to measure: pods, DNS and Services work here as anywhere, and every policy
is accepted and ignored.
"""

from collections.abc import Mapping
from pathlib import Path

from harness import network, tools
from harness.plugins.plugin import Host, configure

USER = "system:kube-proxy"
"""As whom kube-proxy asks the API server; its rights come with Kubernetes."""

TAINT = {"key": "e2e.bolwerk.dev/network", "value": "bridge", "effect": "NoSchedule"}
"""Of the node, so that only what is meant to be there is: nobody else's pods expect to go unprotected."""


class Bridge:
    """The plugin `bridge` of the CNI project, with networks of both families."""

    @property
    def programs(self) -> Mapping[str, Path]:
        """What the container runtime calls by name."""
        return {name: tools.find(name) for name in ("bridge", "host-local")}

    def start(self, host: Host) -> None:
        """Start kube-proxy, and let pods have the networks that the control plane has given to the node."""
        host.start(
            "kube-proxy",
            tools.find("kube-proxy"),
            f"--kubeconfig={host.control_plane.kubeconfig_of(USER)}",
            f"--hostname-override={host.name}",
            "--proxy-mode=iptables",
            f"--cluster-cidr={network.PODS},{network.PODS_IPV6}",
            # Two pods of one bridge would else answer each other past the node, from an address that nobody asked.
            "--masquerade-all=true",
            "--iptables-localhost-nodeports=false",
            # The whole machine's, and not ours to change.
            *("--conntrack-max-per-core=0", "--conntrack-min=0"),
            *("--conntrack-tcp-timeout-established=0s", "--conntrack-tcp-timeout-close-wait=0s"),
        )
        ipam = {
            "type": "host-local",
            "dataDir": str(host.folder / "addresses"),
            "ranges": [[{"subnet": each}] for each in host.networks()],
        }
        bridge = {"type": "bridge", "bridge": "cni0", "isDefaultGateway": True, "ipMasq": True, "hairpinMode": True}
        configure(host, "bridge", {**bridge, "ipam": ipam})
