"""A node that runs real pods: containerd, the kubelet, and a network plugin of the caller's choice.

Used by the scenarios, inside the sandbox only. The GPU that the node tells of is made up (an extended resource in its
status, and the labels that GPU feature discovery would set): pods that ask for one are scheduled here and find none.
"""

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness import cache, dns, importing, network, oci, process, sandbox, tools
from harness.controlplane import ControlPlane
from harness.plugins.plugin import Plugin
from harness.process import Child

USERS = {f"system:node:{name}": ("system:nodes",) for name in network.NODES}
"""Whom the control plane must let in: the kubelets, by the names that authorise a node."""
CONTROLLER_FLAGS = (
    "--allocate-node-cidrs=true",
    f"--cluster-cidr={network.PODS},{network.PODS_IPV6}",
    "--node-cidr-mask-size-ipv6=64",
)
"""What the controller manager must do for the node: give it networks of both families for its pods."""
# As GPU feature discovery writes them for one card; memory is in MiB.
_GPU_LABELS = {
    "nvidia.com/gpu.present": "true",
    "nvidia.com/gpu.count": "1",
    "nvidia.com/gpu.product": "NVIDIA-L4",
    "nvidia.com/gpu.memory": "23034",
}


class NodeCannotRunError(RuntimeError):
    """The machine lacks something that a node needs; the message says what to install."""


class Node(contextlib.AbstractContextManager["Node"]):
    """A node of a control plane, ready for pods within the `with` block."""

    def __init__(
        self,
        control_plane: ControlPlane,
        cables: network.Place,
        plugin: Plugin,
        images: Sequence[oci.Image],
        *,
        taints: Sequence[Mapping[str, str]] = (),
    ) -> None:
        self.control_plane = control_plane
        self.cables = cables
        self.plugin = plugin
        self.name = cables.name
        self.folder = sandbox.folder() / self.name
        self._images = images
        self._taints = list(taints)
        self._socket = f"/run/{self.name}/containerd.sock"
        self._children: list[Child] = []
        self._environment = {
            "PATH": f"{self.folder / 'bin'}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        }

    def __enter__(self) -> Self:
        started = time.monotonic()
        try:
            self._put_tools_in_reach()
            self._start_containerd()
            images = self.load(self._images)
            self._start_kubelet()
            self.cables.route(*self.networks())
            self.plugin.start(self)
            self._wait_until_ready()
            self._tell_of_a_gpu()
            images.finish()
        except BaseException:
            self._end()
            raise
        cache.say(f"{self.name}: ready with its images after {time.monotonic() - started:.0f} s")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def logs(self) -> list[Path]:
        """The logs of what makes the node."""
        return [child.log for child in self._children]

    def networks(self) -> list[str]:
        """Return the networks that the control plane has given to the node for its pods, waiting until it has."""
        query = "jsonpath={.spec.podCIDRs[*]}"
        return process.wait_for(
            lambda: self.control_plane.kubectl(
                "get", "node", self.name, "--ignore-not-found", "--output", query
            ).split(),
            what=f"networks for the pods of {self.name}",
            seconds=60,
            children=self._children,
            every=0.2,
        )

    def load(self, images: Sequence[oci.Image]) -> importing.Importing:
        """Begin to import images, also later: big ones need not be waited for by everybody."""
        return importing.Importing(self._ctr("images", "import", "-"), images)

    def _end(self) -> None:
        for child in reversed(self._children):
            child.end()
        self._children.clear()

    def start(self, name: str, *command: str | Path) -> Child:
        """Start a program in the node's network, which ends with the node."""
        child = process.start(
            name,
            self.cables.inside(*command),
            log=self.folder / f"{name}.log",
            environment=process.local_environment(self._environment, address=network.CONTROL_PLANE),
        )
        self._children.append(child)
        return child

    def _put_tools_in_reach(self) -> None:
        """Fill a folder for PATH with what containerd and the network plugin call by name."""
        if shutil.which("iptables") is None:
            raise NodeCannotRunError("the kubelet and the network write rules with iptables: apt-get install iptables")
        binaries = self.folder / "bin"
        binaries.mkdir(parents=True)
        own = {name: tools.find(name) for name in ("runc", "containerd-shim-runc-v2")}
        for name, path in {**own, **self.plugin.programs}.items():
            (binaries / name).symlink_to(path)

    def _start_containerd(self) -> None:
        place = self.folder
        config = f"""
version = 3
root = "{place}/containerd"
state = "/run/{self.name}/containerd"

[grpc]
address = "{self._socket}"

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
        child = self.start("containerd", tools.find("containerd"), "--config", place / "containerd.toml")
        process.wait_for(
            lambda: subprocess.run(self._ctr("version"), capture_output=True, check=False).returncode == 0,
            what="containerd to answer",
            seconds=60,
            children=[child],
        )

    def _ctr(self, *arguments: str) -> list[str | Path]:
        return [tools.find("ctr"), "--address", self._socket, "--namespace", "k8s.io", *arguments]

    def _start_kubelet(self) -> None:
        place = self.folder
        cgroup = f"{sandbox.cgroup()}/{self.name}"
        _make_cgroup(cgroup)
        configuration: dict[str, Any] = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            # Only the control plane, on a cable of its own, can reach the kubelet.
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{cgroup}",
            "failCgroupV1": False,
            "containerRuntimeEndpoint": f"unix://{self._socket}",
            "resolvConf": "",
            "clusterDNS": [dns.ADDRESS],
            "clusterDomain": dns.DOMAIN,
            # How soon a pod sees that a ConfigMap it mounts has changed.
            "syncFrequency": "5s",
            "configMapAndSecretChangeDetectionStrategy": "Watch",
            "volumePluginDir": f"{place}/volume-plugins",
            # Each kubelet removes the logs of pods that it does not know.
            "podLogsDir": f"{place}/pods",
            "registerWithTaints": self._taints,
            "oomScoreAdj": 0,
            "failSwapOn": False,
            # The disk is this machine's: how full it is says nothing about the node.
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            "imageGCHighThresholdPercent": 100,
            "nodeStatusUpdateFrequency": "5s",
        }
        (place / "kubelet.json").write_text(json.dumps(configuration), encoding="utf-8")
        self.start(
            "kubelet",
            tools.find("kubelet"),
            f"--config={place}/kubelet.json",
            f"--kubeconfig={self.control_plane.kubeconfig_of(f'system:node:{self.name}')}",
            f"--root-dir={place}/kubelet",
            f"--cert-dir={place}/kubelet-certificates",
            f"--hostname-override={self.name}",
            f"--node-ip={self.cables.ipv4},{self.cables.ipv6}",
        )

    def _wait_until_ready(self) -> None:
        query = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"
        process.wait_for(
            lambda: self.control_plane.kubectl("get", "node", self.name, "--output", query) == "True" or None,
            what=f"node {self.name} to be Ready",
            seconds=120,
            children=self._children,
            every=0.5,
        )

    def _tell_of_a_gpu(self) -> None:
        self.control_plane.kubectl(
            "label", "node", self.name, *(f"{key}={value}" for key, value in _GPU_LABELS.items())
        )
        patch = [{"op": "add", "path": "/status/capacity/nvidia.com~1gpu", "value": "1"}]
        self.control_plane.kubectl(
            *("patch", "node", self.name, "--subresource=status", "--type=json", "--patch", json.dumps(patch))
        )


def _make_cgroup(name: str) -> None:
    """Make the control group that everything of the node goes under, in every hierarchy there is."""
    top = Path("/sys/fs/cgroup")
    unified = (top / "cgroup.controllers").exists()
    for hierarchy in [top] if unified else [path for path in top.iterdir() if path.is_dir() and not path.is_symlink()]:
        (hierarchy / name).mkdir(parents=True, exist_ok=True)
    if unified:
        controllers = (top / "cgroup.controllers").read_text(encoding="ascii").split()
        wanted = " ".join(f"+{controller}" for controller in controllers)
        for group in (top / Path(name).parent, top / name):
            (group / "cgroup.subtree_control").write_text(wanted, encoding="ascii")
