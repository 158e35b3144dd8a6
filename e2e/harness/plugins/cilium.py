"""Cilium without its operator: a network plugin that enforces NetworkPolicies, and in place of kube-proxy too."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from harness import network, process, sandbox, tools
from harness.node import NodeCannotRunError
from harness.plugins.plugin import Host, configure
from harness.process import Child

USER = "cilium"
"""As whom the agent asks the API server."""
_FLAGS = (
    "--ipam=kubernetes",
    "--identity-allocation-mode=crd",
    "--routing-mode=native",
    f"--ipv4-native-routing-cidr={network.PODS}",
    "--auto-direct-node-routes=true",
    "--enable-ipv6=true",
    f"--ipv6-native-routing-cidr={network.PODS_IPV6}",
    "--enable-ipv4-masquerade=true",
    "--enable-ipv6-masquerade=true",
    "--enable-bpf-masquerade=true",
    "--kube-proxy-replacement=true",
    # In place of kube-proxy it also translates where sockets are connected, for every process below its control group;
    # this leaves that to the packets of pods. See `start_agent` for the group.
    "--bpf-lb-sock-hostns-only=true",
    "--devices=eth0",
    "--enable-l7-proxy=true",
    "--external-envoy-proxy=true",
    "--enable-health-checking=false",
    "--enable-hubble=true",
    # As Cilium's chart has it: not every packet, but every connection.
    "--monitor-aggregation=medium",
    "--hubble-export-file-max-size-mb=1000",  # never rotated within one run
    "--enable-policy=default",
    "--enable-k8s-cluster-network-policy=true",
    "--bpf-map-dynamic-size-ratio=0.001",
    "--preallocate-bpf-maps=false",
    "--state-dir=/var/run/cilium",
    "--socket-path=/var/run/cilium/cilium.sock",  # where its CNI plugin looks
)


class Cilium:
    """Cilium of one node; one in a sandbox, for it has its state where its plugin looks for it."""

    def __init__(self) -> None:
        self._host: Host | None = None
        self._agent: Child | None = None

    @property
    def programs(self) -> Mapping[str, Path]:
        """What is called by name: its CNI plugin, and the compilers of its programs."""
        found = {"cilium-cni": tools.find("cilium-cni")}
        for name in ("clang", "llc"):
            path = shutil.which(f"{name}-19")
            if path is None:
                raise NodeCannotRunError(
                    f"Cilium compiles its programs with {name} 19: apt-get install clang-19 llvm-19"
                )
            found[name] = Path(path)
        return found

    @property
    def flows(self) -> Path:
        """The flows that Hubble exports, as JSON lines."""
        return self._started().folder / "flows.jsonl"

    def start(self, host: Host) -> None:
        """Install its CRDs, start its agent, and only then give it pods."""
        self._host = host
        for kind in ("cilium-crds", "clusternetworkpolicy-crds"):
            # The folders hold kustomize's own files too.
            files = [
                path
                for path in sorted(tools.folder(kind).rglob("*.yaml"))
                if "\nkind: CustomResourceDefinition" in path.read_text(encoding="utf-8")
            ]
            host.control_plane.kubectl("apply", "--server-side", *(f"--filename={path}" for path in files))
        library = host.folder / "cilium"
        library.mkdir()
        (library / "bpf").symlink_to(tools.folder("cilium-bpf"))
        self.start_agent()
        # Only now, so that no pod is given to an agent that cannot take it yet.
        configure(host, "cilium", {"type": "cilium-cni"})

    def start_agent(self) -> None:
        """Start the agent, also after `stop_agent`, and wait until it is ready."""
        host = self._started()
        unified = Path("/sys/fs/cgroup/unified")
        hierarchy = unified if unified.is_dir() else unified.parent
        self._agent = host.start(
            "cilium-agent",
            "env",
            f"K8S_NODE_NAME={host.name}",
            tools.find("cilium-agent"),
            *_FLAGS,
            f"--k8s-kubeconfig-path={host.control_plane.kubeconfig_of(USER)}",
            f"--lib-dir={host.folder / 'cilium'}",
            f"--hubble-export-file-path={self.flows}",
            # The sandbox's own: at the root its programs would take hold of every process of this machine.
            f"--cgroup-root={hierarchy / sandbox.cgroup()}",
        )
        process.wait_for(
            lambda: self._is_ready() or None, what="Cilium's agent", seconds=240, children=[self._agent], every=1
        )

    def stop_agent(self) -> None:
        """End the agent as a crash would: what it enforced stays, and new pods get no network."""
        if self._agent is None:
            raise RuntimeError("Cilium's agent has not been started")
        self._agent.end()

    def dbg(self, *arguments: str) -> str:
        """Return what Cilium's own command line tool says."""
        command = self._started().cables.inside(tools.find("cilium-dbg"), *arguments)
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def _is_ready(self) -> bool:
        command = self._started().cables.inside(tools.find("cilium-dbg"), "status", "--brief")
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _started(self) -> Host:
        if self._host is None:
            raise RuntimeError("Cilium has not been started")
        return self._host
