"""`make demo`: the main job on a real control plane, on this machine, without root, a GPU or a container runtime.

The API server, the scheduler and the controllers are Kubernetes itself, the chart and the operator are Bolwerk itself;
only the nodes and what runs on them are simulated. Everything it starts ends with it, and nothing is left behind but
the built tools in the user's cache. Prints plain lines that read well in a log, and fails when a model is not Ready.
"""

import contextlib
import json
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness import families, operator, process, simulation, tools
from harness.controlplane import ControlPlane

SAMPLES = Path(__file__).resolve().parents[1] / "manifests" / "samples"
PATIENCE = 180.0  # seconds until every sample must be Ready
CHILDREN = "serviceaccounts,networkpolicies,services,poddisruptionbudgets,deployments"

REFUSED = """
apiVersion: bolwerk.dev/v1alpha1
kind: LocalModel
metadata:
  name: two-sources
  namespace: default
spec:
  model:
    source:
      persistentVolumeClaim: {claimName: models}
      image: {reference: registry.example.nl/models/llama:1}
  engine:
    vllm: {}
  gpu: {count: 1}
"""


class Demo:
    """One run, with its clock."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def run(self) -> bool:
        """Run everything; return whether every sample became Ready and the bad input was refused."""
        self._step("Tools: found on this machine, or built once and kept")
        for name in families.CONTROL_PLANE:
            for command in families.named(name).commands:
                if command != "kubeconform":
                    tools.find(command)
        self._started = time.monotonic()
        with contextlib.ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bolwerk-demo-")))
            self._step("Control plane: etcd, API server, controllers, scheduler")
            plane = stack.enter_context(ControlPlane(directory, controllers=True, scheduler=True))
            self._step("Nodes: simulated, with NVIDIA's labels and resources")
            nodes = stack.enter_context(simulation.Simulation(plane))
            nodes.add_gpu_node("gpu-h100", simulation.H100, count=8)
            nodes.add_gpu_node("gpu-l40s", simulation.L40S, count=4)
            nodes.add_mig_node("gpu-mig", simulation.H100, gpus=2, profile="3g.40gb", slices=4, memory_mib=40448)
            columns = "NODE:.metadata.name,GPU:.metadata.labels.nvidia\\.com/gpu\\.product,CAPACITY:.status.capacity"
            self._show(plane.kubectl("get", "nodes", f"--output=custom-columns={columns}"))
            self._step("Bolwerk: helm install; the operator runs here, with the rights that the chart gives it")
            operator.install(plane)
            bolwerk = stack.enter_context(operator.Operator(plane))
            self._step(f"Samples: kubectl apply --recursive --filename {SAMPLES.relative_to(SAMPLES.parents[1])}")
            self._show(plane.kubectl("apply", "--recursive", "--filename", str(SAMPLES)))
            models = self._watch(plane, bolwerk)
            self._step("kubectl get localmodels")
            self._show(plane.kubectl("get", "localmodels", "--all-namespaces"))
            for model in models:
                self._owned(plane, model)
            refused = self._refuse(plane)
            ready = bool(models) and all(_ready(model).get("status") == "True" for model in models)
            if not ready:
                self._step(f"Not Ready within {PATIENCE:.0f} s; the end of the operator's log")
                self._show("\n".join(bolwerk.log.read_text(encoding="utf-8").splitlines()[-30:]))
            self._step("Cleaning up")
        self._step("Done" if ready and refused else "FAILED")
        return ready and refused

    def _watch(self, plane: ControlPlane, bolwerk: operator.Operator) -> list[dict[str, Any]]:
        """Tell every change of every model's Ready condition, until all are Ready or patience ends."""
        self._step("LocalModels on their way")
        told: dict[str, str] = {}
        deadline = time.monotonic() + PATIENCE
        while True:
            bolwerk.check()
            plane.check()
            models: list[dict[str, Any]] = json.loads(
                plane.kubectl("get", "localmodels", "--all-namespaces", "--output=json")
            )["items"]
            for model in models:
                condition = _ready(model)
                line = f"Ready={condition.get('status', 'not yet said')}"
                line += f" {condition.get('reason', '')}: {condition.get('message', '')}" if condition else ""
                if told.get(_key(model)) != line:
                    told[_key(model)] = line
                    self._line(f"{_key(model)}  {line}")
            if all(_ready(model).get("status") == "True" for model in models) or time.monotonic() > deadline:
                return models
            time.sleep(0.2)

    def _owned(self, plane: ControlPlane, model: dict[str, Any]) -> None:
        """Show what a model owns, and its wall."""
        name, namespace = model["metadata"]["name"], model["metadata"]["namespace"]
        self._step(f"What {_key(model)} owns")
        selector = f"--selector=bolwerk.dev/model={name}"
        listed = plane.kubectl("get", CHILDREN, f"--namespace={namespace}", selector, "--output=json")
        uid = model["metadata"]["uid"]
        for child in json.loads(listed)["items"]:
            owners = [owner["uid"] for owner in child["metadata"].get("ownerReferences", [])]
            self._line(f"{child['kind']}/{child['metadata']['name']}" + ("" if uid in owners else "  NOT OWNED"))
        pods = plane.kubectl("get", "pods", f"--namespace={namespace}", selector, "--no-headers", "--output=wide")
        self._show(pods)
        self._step(f"The wall of {_key(model)}")
        policies = json.loads(
            plane.kubectl("get", "networkpolicies", f"--namespace={namespace}", selector, "--output=json")
        )
        for policy in policies["items"]:
            self._show(json.dumps(policy["spec"], indent=2))

    def _refuse(self, plane: ControlPlane) -> bool:
        """Apply a model with two sources; return whether it was refused."""
        self._step("A LocalModel with two sources is refused, with the mend")
        try:
            plane.kubectl("apply", "--filename=-", stdin=REFUSED)
        except RuntimeError as refusal:
            self._show(str(refusal))
            return True
        self._line("NOT REFUSED")
        return False

    def _step(self, text: str) -> None:
        print(f"\n==> [{time.monotonic() - self._started:6.1f} s] {text}", flush=True)

    def _line(self, text: str) -> None:
        print(f"    [{time.monotonic() - self._started:6.1f} s] {text}", flush=True)

    @staticmethod
    def _show(text: str) -> None:
        print(textwrap.indent(text.rstrip(), "    "), flush=True)


def _key(model: dict[str, Any]) -> str:
    return f"{model['metadata']['namespace']}/{model['metadata']['name']}"


def _ready(model: dict[str, Any]) -> dict[str, Any]:
    """Return a model's Ready condition, or nothing while it has none."""
    conditions: Iterator[dict[str, Any]] = iter(model.get("status", {}).get("conditions", []))
    return next((condition for condition in conditions if condition["type"] == "Ready"), {})


def main() -> int:
    """Run the demo; the exit status is 0 when it showed what it promises."""
    process.clean_up_on_sigterm()
    try:
        return 0 if Demo().run() else 1
    except (tools.ToolMissingError, tools.BuildFailedError) as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\n==> interrupted; everything that was started has been ended", flush=True)
        return 130


if __name__ == "__main__":
    sys.exit(main())
