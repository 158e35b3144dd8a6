"""What the scenarios ask of the real cluster: to run this, to call that, to say whether it got through."""

import dataclasses
import json
from typing import Any

from harness import process
from harness.controlplane import ControlPlane
from harness.network import Network, World
from harness.node import Node
from harness.plugins.cilium import Cilium

CURL_FOUND_NO_WAY = (7, 28)
"""curl's exit statuses for "refused" and "no answer in time": what a wall looks like from inside."""


@dataclasses.dataclass
class Cluster:
    """A cluster whose pods are real, and what is around it."""

    control_plane: ControlPlane
    node: Node
    cilium: Cilium
    """The node's network plugin."""
    cables: Network
    failed: bool = False

    @property
    def world(self) -> World:
        """What is outside."""
        return self.cables.world

    @property
    def internal(self) -> World:
        """What is in the internal network that a policy may declare; a forward proxy stands in it too."""
        return self.cables.internal

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Apply manifests."""
        text = "\n".join(json.dumps(manifest) for manifest in manifests)
        self.control_plane.kubectl("apply", "--filename=-", stdin=text)

    def get(self, kind: str, name: str, namespace: str) -> dict[str, Any] | None:
        """Return an object, or None."""
        told = self.control_plane.kubectl(
            "get", kind, name, f"--namespace={namespace}", "--ignore-not-found", "--output=json"
        )
        return json.loads(told) if told else None

    def pods(self, namespace: str, selector: str) -> list[str]:
        """Return the names of the pods that a selector finds."""
        told = self.control_plane.kubectl("get", "pods", f"--namespace={namespace}", f"-l{selector}", "--output=name")
        return told.split()

    def curl(self, namespace: str, pod: str, *arguments: str, seconds: int = 3) -> str | None:
        """Return what a pod gets from a URL, or None if no packet of it came back.

        Raises
        ------
        RuntimeError
            Something else went wrong, so that it is no evidence of a wall.
        """
        command = ("curl", "--silent", "--show-error", "--insecure", "--max-time", str(seconds), *arguments)
        try:
            return self.control_plane.kubectl("exec", f"--namespace={namespace}", pod, "--", *command)
        except RuntimeError as failure:
            if any(f"exit code {status}" in str(failure) for status in CURL_FOUND_NO_WAY):
                return None
            raise

    def wait_for_pods(self, namespace: str, *names: str) -> None:
        """Wait until pods run."""
        self.control_plane.kubectl(
            "wait", f"--namespace={namespace}", "--for=condition=Ready", "--timeout=180s", *(f"pod/{n}" for n in names)
        )

    def ready(self, name: str, namespace: str, *, seconds: float) -> dict[str, Any]:
        """Wait until a LocalModel is Ready, telling its messages meanwhile, and return it."""
        told = ""

        def look() -> dict[str, Any] | None:
            nonlocal told
            model = self.get("localmodel", name, namespace) or {}
            conditions = {each["type"]: each for each in model.get("status", {}).get("conditions", [])}
            condition = conditions.get("Ready", {})
            message = f"{condition.get('reason')}: {condition.get('message')}"
            if message != told:
                told = message
                print(f"    {namespace}/{name}  {message}", flush=True)
            return model if condition.get("status") == "True" else None

        return process.wait_for(look, what=f"LocalModel {name} to be Ready", seconds=seconds, every=0.5)

    def story(self) -> str:
        """Return what people would look at to find out why something failed."""
        looks = (
            ("get", "localmodels,pods,deployments,networkpolicies,events", "--all-namespaces", "--output=wide"),
            ("get", "sovereigntypolicies,isolationproofs", "--output=yaml"),
            ("get", "egressexceptions,egressapprovals", "--all-namespaces", "--output=yaml"),
            ("describe", "pods", "--all-namespaces"),
            ("logs", "--namespace=bolwerk-system", "--selector=app.kubernetes.io/name=bolwerk", "--tail=50"),
            ("logs", "--namespace=models", "--selector=bolwerk.dev/model", "--tail=60"),
        )
        parts = []
        for look in looks:
            try:
                parts.append(f"$ kubectl {' '.join(look)}\n{self.control_plane.kubectl(*look)}")
            except RuntimeError as failure:
                parts.append(f"$ kubectl {' '.join(look)}\n{failure}")
        return "\n".join(parts)
