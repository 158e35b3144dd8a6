"""A node that runs real pods: containerd, the kubelet and Cilium, which enforces NetworkPolicies.

Used by the scenarios, inside the sandbox only. The GPU that the node tells of is made up (an extended resource in its
status, and the labels that GPU feature discovery would set): pods that ask for one are scheduled here and find none.
"""

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness import cache, dns, importing, network, oci, process, sandbox, tools
from harness.controlplane import ControlPlane
from harness.process import Child

NAME = "node-1"
USERS = {f"system:node:{NAME}": ("system:nodes",), "cilium": ("system:masters",)}
"""What the control plane must let in: the kubelet by the name that authorises a node, and Cilium's agent."""
CONTROLLER_FLAGS = (
    "--allocate-node-cidrs=true",
    f"--cluster-cidr={network.PODS},{network.PODS_IPV6}",
    "--node-cidr-mask-size-ipv6=64",
)
"""What the controller manager must do for the node: give it networks of both families for its pods."""
_CONTAINERD = "/run/containerd/containerd.sock"
# As GPU feature discovery writes them for one card; memory is in MiB.
_GPU_LABELS = {
    "nvidia.com/gpu.present": "true",
    "nvidia.com/gpu.count": "1",
    "nvidia.com/gpu.product": "NVIDIA-L4",
    "nvidia.com/gpu.memory": "23034",
}
_CILIUM_FLAGS = (
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
    # In place of kube-proxy it would also translate addresses where sockets are connected, for every process below its
    # control group; this leaves that to the packets of pods.
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


class NodeCannotRunError(RuntimeError):
    """The machine lacks something that a node needs; the message says what to install."""


class Node(contextlib.AbstractContextManager["Node"]):
    """A node of a control plane, ready for pods within the `with` block."""

    def __init__(self, control_plane: ControlPlane, cables: network.Network, images: Sequence[oci.Image]) -> None:
        self._control_plane = control_plane
        self._namespace = cables.node
        self._images = images
        self._place = sandbox.folder()
        self._children: list[Child] = []
        self._environment = {
            "PATH": f"{self._place / 'bin'}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        }

    def __enter__(self) -> Self:
        started = time.monotonic()
        try:
            self._put_tools_in_reach()
            self._start_containerd()
            images = self.load(self._images)
            self._start_kubelet()
            self._start_cilium()
            self._wait_until_ready()
            self._tell_of_a_gpu()
            images.finish()
        except BaseException:
            self._end()
            raise
        cache.say(f"node: ready with its images after {time.monotonic() - started:.0f} s")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def flows(self) -> Path:
        """The flows that Cilium's Hubble exports, as JSON lines."""
        return self._place / "flows.jsonl"

    @property
    def logs(self) -> list[Path]:
        """The logs of what makes the node."""
        return [child.log for child in self._children]

    def cilium(self, *arguments: str) -> str:
        """Return what Cilium's own command line tool says."""
        command = self._namespace.inside(tools.find("cilium-dbg"), *arguments)
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def load(self, images: Sequence[oci.Image]) -> importing.Importing:
        """Begin to import images, also later: big ones need not be waited for by everybody."""
        return importing.Importing(self._ctr("images", "import", "-"), images)

    def _end(self) -> None:
        for child in reversed(self._children):
            child.end()
        self._children.clear()

    def _start(self, name: str, *command: str | Path) -> Child:
        child = process.start(
            name,
            self._namespace.inside(*command),
            log=self._place / f"{name}.log",
            environment=process.local_environment(self._environment, address=network.CONTROL_PLANE),
        )
        self._children.append(child)
        return child

    def _put_tools_in_reach(self) -> None:
        """Fill a folder for PATH with what containerd and Cilium call by name."""
        binaries = self._place / "bin"
        binaries.mkdir()
        for name in ("runc", "containerd-shim-runc-v2", "cilium-cni"):
            (binaries / name).symlink_to(tools.find(name))
        if shutil.which("iptables") is None:
            raise NodeCannotRunError("the kubelet and Cilium write rules with iptables: apt-get install iptables")
        for name in ("clang", "llc"):
            found = shutil.which(f"{name}-19")
            if found is None:
                raise NodeCannotRunError(
                    f"Cilium compiles its programs with {name} 19: apt-get install clang-19 llvm-19"
                )
            (binaries / name).symlink_to(found)

    def _start_containerd(self) -> None:
        place = self._place
        config = f"""
version = 3
root = "{place}/containerd"
state = "/run/containerd"

[grpc]
address = "{_CONTAINERD}"

[plugins.'io.containerd.internal.v1.opt']
path = "{place}/containerd-opt"

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = "{self._images[0].reference}"

[plugins.'io.containerd.cri.v1.runtime']
# Lowering it needs CAP_SYS_RESOURCE, which root may lack on a machine that is itself confined.
restrict_oom_score_adj = true

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ["{place}/bin"]
conf_dir = "{place}/cni"
use_internal_loopback = true

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = false
"""
        (place / "containerd.toml").write_text(config, encoding="utf-8")
        (place / "cni").mkdir()
        child = self._start("containerd", tools.find("containerd"), "--config", place / "containerd.toml")
        process.wait_for(
            lambda: subprocess.run(self._ctr("version"), capture_output=True, check=False).returncode == 0,
            what="containerd to answer",
            seconds=60,
            children=[child],
        )

    def _ctr(self, *arguments: str) -> list[str | Path]:
        return [tools.find("ctr"), "--address", _CONTAINERD, "--namespace", "k8s.io", *arguments]

    def _start_kubelet(self) -> None:
        place = self._place
        _make_cgroup(sandbox.cgroup())
        configuration: dict[str, Any] = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            # Only the control plane, on a cable of its own, can reach the kubelet.
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{sandbox.cgroup()}",
            "failCgroupV1": False,
            "containerRuntimeEndpoint": f"unix://{_CONTAINERD}",
            "resolvConf": "",
            "clusterDNS": [dns.ADDRESS],
            "clusterDomain": dns.DOMAIN,
            # How soon a pod sees that a ConfigMap it mounts has changed.
            "syncFrequency": "5s",
            "configMapAndSecretChangeDetectionStrategy": "Watch",
            "volumePluginDir": f"{place}/volume-plugins",
            "oomScoreAdj": 0,
            "failSwapOn": False,
            # The disk is this machine's: how full it is says nothing about the node.
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            "imageGCHighThresholdPercent": 100,
            "nodeStatusUpdateFrequency": "5s",
        }
        (place / "kubelet.json").write_text(json.dumps(configuration), encoding="utf-8")
        self._start(
            "kubelet",
            tools.find("kubelet"),
            f"--config={place}/kubelet.json",
            f"--kubeconfig={self._control_plane.kubeconfig_of(f'system:node:{NAME}')}",
            f"--root-dir={place}/kubelet",
            f"--cert-dir={place}/kubelet-certificates",
            f"--hostname-override={NAME}",
            f"--node-ip={network.NODE},{network.NODE_IPV6}",
        )

    def _start_cilium(self) -> None:
        for kind in ("cilium-crds", "clusternetworkpolicy-crds"):
            # The folders hold kustomize's own files too.
            files = [
                path
                for path in sorted(tools.folder(kind).rglob("*.yaml"))
                if "\nkind: CustomResourceDefinition" in path.read_text(encoding="utf-8")
            ]
            self._control_plane.kubectl("apply", "--server-side", *(f"--filename={path}" for path in files))
        library = self._place / "cilium"
        library.mkdir()
        (library / "bpf").symlink_to(tools.folder("cilium-bpf"))
        unified = Path("/sys/fs/cgroup/unified")
        child = self._start(
            "cilium-agent",
            "env",
            f"K8S_NODE_NAME={NAME}",
            tools.find("cilium-agent"),
            *_CILIUM_FLAGS,
            f"--k8s-kubeconfig-path={self._control_plane.kubeconfig_of('cilium')}",
            f"--lib-dir={library}",
            f"--hubble-export-file-path={self.flows}",
            # The sandbox's own: at the root its programs would take hold of every process of this machine.
            f"--cgroup-root={(unified if unified.is_dir() else unified.parent) / sandbox.cgroup()}",
        )
        process.wait_for(
            lambda: self._cilium_is_ready() or None, what="Cilium's agent", seconds=240, children=[child], every=1
        )
        # Only now, so that no pod is given to an agent that cannot take it yet.
        plugin = {"cniVersion": "0.3.1", "name": "cilium", "plugins": [{"type": "cilium-cni"}]}
        (self._place / "cni" / "05-cilium.conflist").write_text(json.dumps(plugin), encoding="utf-8")

    def _cilium_is_ready(self) -> bool:
        command = self._namespace.inside(tools.find("cilium-dbg"), "status", "--brief")
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _wait_until_ready(self) -> None:
        query = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"
        process.wait_for(
            lambda: self._control_plane.kubectl("get", "node", NAME, "--output", query) == "True" or None,
            what=f"node {NAME} to be Ready",
            seconds=120,
            children=self._children,
            every=0.5,
        )

    def _tell_of_a_gpu(self) -> None:
        self._control_plane.kubectl("label", "node", NAME, *(f"{key}={value}" for key, value in _GPU_LABELS.items()))
        patch = [{"op": "add", "path": "/status/capacity/nvidia.com~1gpu", "value": "1"}]
        self._control_plane.kubectl(
            *("patch", "node", NAME, "--subresource=status", "--type=json", "--patch", json.dumps(patch))
        )


def _make_cgroup(name: str) -> None:
    """Make the control group that everything of the node goes under, in every hierarchy there is."""
    top = Path("/sys/fs/cgroup")
    unified = (top / "cgroup.controllers").exists()
    for hierarchy in [top] if unified else [path for path in top.iterdir() if path.is_dir() and not path.is_symlink()]:
        (hierarchy / name).mkdir(exist_ok=True)
    if unified:
        controllers = (top / "cgroup.controllers").read_text(encoding="ascii").split()
        wanted = " ".join(f"+{controller}" for controller in controllers)
        (top / name / "cgroup.subtree_control").write_text(wanted, encoding="ascii")
