"""Simulated GPU nodes: KWOK plays the kubelet, so pods run, become Ready and go away, without a GPU or a container.

It plays the storage too: a claim of the default StorageClass is bound at once, to nothing.

Used by the demo and the tests that need scheduled pods. What a real GPU node says about itself (labels of NVIDIA's
GPU feature discovery, extended resources of its device plugin) these say too. Nothing here proves anything about
enforcement or about an engine: that takes the real node.
"""

import contextlib
import dataclasses
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from harness import process, tools
from harness.controlplane import ControlPlane

_STAGES = (
    "node/fast/node-initialize.yaml",
    "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "pod/fast/pod-ready.yaml",
    "pod/fast/pod-complete.yaml",
    "pod/fast/pod-delete.yaml",
    "volume/fast/pvc-provision.yaml",
    "volume/fast/pvc-delete.yaml",
    "volume/fast/pv-bind.yaml",
    "volume/fast/pv-delete.yaml",
)
_STORAGE_CLASS = "volume/fast/storage-class.yaml"
_MARK = "kwok.x-k8s.io/node"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gpu:
    """A GPU model as GPU feature discovery labels it."""

    product: str
    memory_mib: int
    family: str
    compute: tuple[int, int]


H100 = Gpu(product="NVIDIA-H100-80GB-HBM3", memory_mib=81559, family="hopper", compute=(9, 0))
L40S = Gpu(product="NVIDIA-L40S", memory_mib=46068, family="ada-lovelace", compute=(8, 9))


class Simulation(contextlib.AbstractContextManager["Simulation"]):
    """KWOK against a control plane, for as long as the `with` block lasts; it has its scheduler and controllers."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane
        self._child: process.Child | None = None

    def __enter__(self) -> Self:
        stages = tools.folder("kwok-stages")
        self._control_plane.kubectl("apply", "-f", str(stages / _STORAGE_CLASS))
        flags = [f"--config={stages / stage}" for stage in _STAGES]
        flags += [f"--manage-nodes-with-annotation-selector={_MARK}=fake", "--node-lease-duration-seconds=40"]
        self._child = process.start(
            "kwok",
            [tools.find("kwok"), f"--kubeconfig={self._control_plane.kubeconfig}", *flags],
            log=self._control_plane.directory / "kwok.log",
            environment=self._control_plane.environment(),
            directory=self._control_plane.directory,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._child.end()

    def add_gpu_node(self, name: str, gpu: Gpu, *, count: int) -> None:
        """Add a node with whole GPUs, and wait until it is Ready."""
        labels = {
            **_labels(gpu),
            "nvidia.com/gpu.count": str(count),
            "nvidia.com/gpu.replicas": "1",
            "nvidia.com/gpu.product": gpu.product,
            "nvidia.com/gpu.memory": str(gpu.memory_mib),
        }
        self._add(name, labels=labels, resources={"nvidia.com/gpu": str(count)})

    def add_mig_node(self, name: str, gpu: Gpu, *, gpus: int, profile: str, slices: int, memory_mib: int) -> None:
        """Add a node whose GPUs are cut into slices, labelled as under the `mixed` strategy; wait until it is Ready.

        Parameters
        ----------
        gpus
            How many GPUs there are, all of them cut up.
        profile
            The MIG profile, as in `3g.40gb`.
        slices
            How many slices of it there are on the node, over all GPUs.
        memory_mib
            Memory of one slice.
        """
        resource = f"nvidia.com/mig-{profile}"
        labels = {
            **_labels(gpu),
            "nvidia.com/mig.strategy": "mixed",
            "nvidia.com/gpu.count": str(gpus),
            "nvidia.com/gpu.product": gpu.product,
            "nvidia.com/gpu.memory": str(gpu.memory_mib),
            f"{resource}.count": str(slices),
            f"{resource}.product": f"{gpu.product}-MIG-{profile}",
            f"{resource}.memory": str(memory_mib),
        }
        self._add(name, labels=labels, resources={resource: str(slices)})

    def add_node(self, name: str) -> None:
        """Add a node without any GPU, and wait until it is Ready."""
        self._add(name, labels={}, resources={})

    def _add(self, name: str, *, labels: Mapping[str, str], resources: Mapping[str, str]) -> None:
        offer = {"cpu": "128", "memory": "1Ti", "ephemeral-storage": "4Ti", "pods": "110", **resources}
        node: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": name,
                "annotations": {_MARK: "fake"},
                "labels": {
                    "kubernetes.io/arch": "amd64",
                    "kubernetes.io/os": "linux",
                    "kubernetes.io/hostname": name,
                    "type": "kwok",
                    **labels,
                },
            },
            "status": {"allocatable": offer, "capacity": offer},
        }
        self._control_plane.kubectl("create", "-f", "-", stdin=json.dumps(node))
        process.wait_for(
            lambda: self._is_ready(name),
            what=f"the simulated node {name} to become Ready",
            seconds=60,
            children=[self._child] if self._child else [],
            every=0.2,
        )

    def _is_ready(self, name: str) -> bool:
        path = '{.status.conditions[?(@.type=="Ready")].status}'
        return self._control_plane.kubectl("get", "node", name, "-o", f"jsonpath={path}") == "True"


def _labels(gpu: Gpu) -> dict[str, str]:
    """Return what GPU feature discovery says about a node's GPUs and driver, however the GPUs are cut."""
    return {
        "nvidia.com/gpu.present": "true",
        "nvidia.com/gpu.family": gpu.family,
        "nvidia.com/gpu.compute.major": str(gpu.compute[0]),
        "nvidia.com/gpu.compute.minor": str(gpu.compute[1]),
        "nvidia.com/gpu.mode": "compute",
        "nvidia.com/cuda.driver-version.major": "580",
        "nvidia.com/cuda.driver-version.minor": "95",
        "nvidia.com/cuda.driver-version.revision": "05",
        "nvidia.com/cuda.runtime-version.major": "13",
        "nvidia.com/cuda.runtime-version.minor": "0",
        "nvidia.com/mig.capable": str(gpu.family in {"ampere", "hopper"}).lower(),
    }
