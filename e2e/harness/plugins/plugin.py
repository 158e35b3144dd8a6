"""What a node wants of its network plugin, and what the plugin may ask of its node."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from harness import network
from harness.controlplane import ControlPlane
from harness.process import Child


class Host(Protocol):
    """A node, as its network plugin sees it."""

    @property
    def name(self) -> str:
        """The name of the Node."""

    @property
    def cables(self) -> network.Place:
        """Its network namespace and addresses."""

    @property
    def folder(self) -> Path:
        """Its own folder; what has to be on PATH is in `bin`, and what the CNI is told in `cni`."""

    @property
    def control_plane(self) -> ControlPlane:
        """The control plane that it belongs to."""

    def networks(self) -> list[str]:
        """Return the networks that its pods are to have, one of each family."""

    def start(self, name: str, *command: str | Path) -> Child:
        """Start a program in the node's network, which ends with the node."""


class Plugin(Protocol):
    """A network plugin."""

    @property
    def programs(self) -> Mapping[str, Path]:
        """What the container runtime, or the plugin itself, calls by name."""

    def start(self, host: Host) -> None:
        """Give pods a network, once the kubelet runs; the node is not Ready before."""


def configure(host: Host, name: str, *plugins: Mapping[str, Any]) -> None:
    """Tell the container runtime which plugins make a pod's network: from now on pods start."""
    told: dict[str, str | Sequence[Mapping[str, Any]]] = {"cniVersion": "0.3.1", "name": name, "plugins": plugins}
    (host.folder / "cni" / f"05-{name}.conflist").write_text(json.dumps(told), encoding="utf-8")
