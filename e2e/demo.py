"""`make demo`: the main job on a real control plane, on this machine, without root, a GPU or a container runtime.

The API server, the scheduler and the controllers are Kubernetes itself, the chart and the operator are Bolwerk itself;
only the nodes and what runs on them are simulated. Everything it starts ends with it, and nothing is left behind but
the built tools in the user's cache. It fails, and keeps the logs, when a sample does not become Ready, a bad input is
taken, a wall that was deleted does not come back, or something is left after the samples are deleted. The
SovereigntyPolicies of the samples are shown by demo_wall.py.
"""

import contextlib
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

import demo_wall
from harness import families, operator, process, simulation, tools
from harness.controlplane import ControlPlane
from harness.narration import Narration

REPOSITORY = Path(__file__).resolve().parents[1]
SAMPLES = REPOSITORY / "manifests" / "samples"
CHILDREN = "serviceaccounts,configmaps,networkpolicies,services,poddisruptionbudgets,deployments"
RUN = "bolwerk.dev/proof-run"

Object = dict[str, Any]


class DemoFailedError(Exception):
    """The demo did not show what it promises."""


def bad_inputs() -> dict[str, Object]:
    """Return LocalModels that the API server must refuse, by what is wrong with them."""

    def model(**changes: Any) -> Object:
        source = {"persistentVolumeClaim": {"claimName": "models"}}
        spec = {"model": {"source": source}, "engine": {"vllm": {}}, "gpu": {"count": 1}, **changes}
        metadata = {"name": "refused", "namespace": "default"}
        return {"apiVersion": "bolwerk.dev/v1alpha1", "kind": "LocalModel", "metadata": metadata, "spec": spec}

    claim, image = {"claimName": "models"}, {"reference": "registry.example.nl/models/llama:1"}
    return {
        "two sources": model(model={"source": {"persistentVolumeClaim": claim, "image": image}}),
        "three GPUs for 32 attention heads": model(
            model={"source": {"persistentVolumeClaim": claim}, "architecture": {"attentionHeads": 32}},
            gpu={"count": 3},
        ),
        "a negative number of replicas": model(replicas=-1),
        "an engine field that does not exist": model(engine={"vllm": {"maxModelLenght": 8192}}),
    }


def demonstrate(say: Narration, directory: Path, stack: contextlib.ExitStack) -> None:
    """Run every step; what is started is left to the stack to end."""
    say.step("Control plane: etcd, API server, controllers, scheduler")
    plane = stack.enter_context(ControlPlane(directory, controllers=True, scheduler=True))
    say.step("Nodes: simulated, with the labels and resources of NVIDIA's GPU feature discovery and device plugin")
    add_nodes(say, plane, stack)
    say.step("Bolwerk: helm install; its process runs here, with exactly the rights that the chart gives it")
    operator.install(plane)
    bolwerk = stack.enter_context(operator.Operator(plane))
    say.show(plane.kubectl("get", "crds", "--output=name"))

    say.step(f"kubectl apply --recursive -f {SAMPLES.relative_to(REPOSITORY)}")
    say.show(plane.kubectl("apply", "--recursive", "--filename", str(SAMPLES)))
    say.step("LocalModels on their way")
    models = wait_until_ready(say, plane, bolwerk)
    say.step("kubectl get localmodels --all-namespaces")
    say.show(plane.kubectl("get", "localmodels", "--all-namespaces"))
    for model in models:
        show_owned(say, plane, model)
    writes = plane.audit.writes(user=bolwerk.user)
    say.step(f"{sum(writes.values())} writes by the operator so far, counted at the API server")
    say.show("\n".join(f"{number:4} {verb} {resource}" for (verb, resource), number in sorted(writes.items())))

    heal(say, plane, models[0])
    for wrong, bad in bad_inputs().items():
        refuse(say, plane, wrong=wrong, bad=bad)
    demo_wall.demonstrate(say, plane, bolwerk)
    show_probes(say, plane, bolwerk)
    demo_wall.remove(say, plane)
    delete(say, plane)


def add_nodes(say: Narration, plane: ControlPlane, stack: contextlib.ExitStack) -> None:
    """Add GPU nodes of three kinds, and show what they offer."""
    nodes = stack.enter_context(simulation.Simulation(plane))
    nodes.add_gpu_node("gpu-h100", simulation.H100, count=8)
    nodes.add_gpu_node("gpu-l40s", simulation.L40S, count=4)
    nodes.add_mig_node("gpu-mig", simulation.H100, gpus=2, profile="3g.40gb", slices=4, memory_mib=40448)
    for node in listed(plane, "nodes"):
        offers = {name: number for name, number in node["status"]["capacity"].items() if "/" in name}
        product = node["metadata"]["labels"]["nvidia.com/gpu.product"]
        say.line(f"{node['metadata']['name']}  {product}  {offers}")


def wait_until_ready(say: Narration, plane: ControlPlane, bolwerk: operator.Operator) -> list[Object]:
    """Tell every change of every model's Ready condition until all are Ready."""
    told: dict[str, str] = {}

    def all_ready() -> list[Object] | None:
        bolwerk.check()
        plane.check()
        models = listed(plane, "localmodels")
        for model in models:
            condition = ready_condition(model)
            line = "{status}  {reason}: {message}".format(**condition) if condition else "not yet visited"
            if told.get(key(model)) != line:
                told[key(model)] = line
                say.line(f"{key(model)}  Ready: {line}")
        return models if all(ready_condition(model).get("status") == "True" for model in models) else None

    return process.wait_for(all_ready, what="every LocalModel of the samples to be Ready", seconds=180, every=0.2)


def show_owned(say: Narration, plane: ControlPlane, model: Object) -> None:
    """Show what a model owns, and its wall."""
    say.step(f"{key(model)}: what it owns, and its wall")
    for child in listed(plane, CHILDREN, model):
        owners = [owner["uid"] for owner in child["metadata"].get("ownerReferences", [])]
        if owners != [model["metadata"]["uid"]]:
            raise DemoFailedError(f"{child['kind']} {key(child)} is not owned by its LocalModel alone: {owners}")
        say.line(f"{child['kind']}/{child['metadata']['name']}")
    for pod in listed(plane, "pods", model):
        say.line(f"Pod/{pod['metadata']['name']} on {pod['spec'].get('nodeName')}, {pod['status']['phase']}")
    for policy in listed(plane, "networkpolicies", model):
        say.show(yaml.safe_dump(policy["spec"], sort_keys=False))
        if "egress" not in policy["spec"]:
            say.line("Egress is governed and nothing is allowed: the pods can open no connection at all.")


def heal(say: Narration, plane: ControlPlane, model: Object) -> None:
    """Delete a model's wall by hand, and wait until it stands again."""
    say.step(f"{key(model)}: its NetworkPolicy is deleted by hand")
    (before,) = listed(plane, "networkpolicies", model)
    metadata = before["metadata"]
    plane.kubectl("delete", "networkpolicy", metadata["name"], f"--namespace={metadata['namespace']}")
    deleted = time.monotonic()
    process.wait_for(
        lambda: [policy for policy in listed(plane, "networkpolicies", model) if policy["spec"] == before["spec"]],
        what="the wall to stand again",
        seconds=30,
    )
    say.line(f"The wall stands again; seen {time.monotonic() - deleted:.1f} s after kubectl had deleted it.")


def show_probes(say: Narration, plane: ControlPlane, bolwerk: operator.Operator) -> None:
    """Wait until a node is measured, and show what its probes would try if there were a kubelet."""
    say.step("The nodes are measured, half a minute after the last change: does all this hold?")

    def run() -> list[Object]:
        bolwerk.check()
        found: list[Object] = json.loads(plane.kubectl("get", "pods", "-A", f"--selector={RUN}", "--output=json"))[
            "items"
        ]
        first = min((pod["metadata"]["labels"][RUN] for pod in found), default="")
        return [pod for pod in found if pod["metadata"]["labels"][RUN] == first]

    probes = process.wait_for(run, what="the probes of a node", seconds=120, every=0.5)
    for pod in probes:
        metadata, (container,) = pod["metadata"], pod["spec"]["containers"]
        task = json.loads(next(each["value"] for each in container["env"] if each["name"] == "BOLWERK_TASK"))
        arm, subject = metadata["labels"]["bolwerk.dev/proof-arm"], metadata["annotations"]["bolwerk.dev/proof-subject"]
        whom = f" as {subject}" if subject else ", which no wall holds,"
        say.line(
            f"{pod['spec']['nodeName']}: {arm}{whom} in {metadata['namespace']} tries {len(task['targets'])} targets"
        )
    say.line(
        "These nodes are simulated, so no probe answers and their IsolationProofs will be Inconclusive. `make e2e` has"
    )
    say.line("a kubelet and two network plugins, one that enforces and one that does not.")


def refuse(say: Narration, plane: ControlPlane, *, wrong: str, bad: Object) -> None:
    """Apply a bad input and show the API server's answer."""
    say.step(f"Bad input: {wrong}")
    try:
        plane.kubectl("apply", "--filename=-", stdin=json.dumps(bad))
    except RuntimeError as refusal:
        say.show(str(refusal).partition(": ")[2])
        return
    raise DemoFailedError(f"a LocalModel with {wrong} was taken; it should have been refused")


def delete(say: Narration, plane: ControlPlane) -> None:
    """Delete the LocalModels, and wait until nothing that Bolwerk made for them is left."""
    say.step("kubectl delete localmodels --all --all-namespaces")
    say.show(plane.kubectl("delete", "localmodels", "--all", "--all-namespaces", "--timeout=60s"))
    say.line("What they owned is Kubernetes' own to collect; it takes up to a minute to learn of a new kind.")
    told = [0]

    def all_gone() -> bool:
        left = len(listed(plane, f"{CHILDREN},replicasets,pods"))
        if left != told[-1]:
            told.append(left)
            say.line(f"{left} objects that Bolwerk made for them are left")
        return left == 0

    process.wait_for(all_gone, what="everything that the models owned to be gone", seconds=120, every=0.5)
    say.step("helm uninstall")
    say.show(operator.helm(plane, "uninstall", operator.RELEASE, f"--namespace={operator.NAMESPACE}"))


def listed(plane: ControlPlane, kinds: str, model: Object | None = None) -> list[Object]:
    """List objects of some kinds: a model's, or all that Bolwerk made; nodes and LocalModels all."""
    where = ["--all-namespaces"]
    if model is not None:
        metadata = model["metadata"]
        where = [f"--namespace={metadata['namespace']}", f"--selector=bolwerk.dev/model={metadata['name']}"]
    elif kinds not in {"nodes", "localmodels"}:
        where += ["--selector=bolwerk.dev/model"]
    found: list[Object] = json.loads(plane.kubectl("get", kinds, *where, "--output=json"))["items"]
    return found


def key(item: Object) -> str:
    """Return an object's namespace and name."""
    return f"{item['metadata']['namespace']}/{item['metadata']['name']}"


def ready_condition(model: Object) -> Object:
    """Return a model's Ready condition, or an empty one while it has none."""
    conditions: list[Object] = model.get("status", {}).get("conditions", [])
    return next((condition for condition in conditions if condition["type"] == "Ready"), {})


def main() -> int:
    """Run the demo; the exit status is 0 when it showed what it promises."""
    process.clean_up_on_sigterm()
    say = Narration()
    directory = Path(tempfile.mkdtemp(prefix="bolwerk-demo-"))
    keep_logs = False
    try:
        say.step("Tools: found on this machine, or built once and kept")
        for name in ("kubernetes", "etcd", "helm", "kwok"):
            for command in families.named(name).commands:
                tools.find(command)
        say.restart()
        with contextlib.ExitStack() as stack:
            demonstrate(say, directory, stack)
            say.step("Ending every process")
    except (tools.ToolMissingError, tools.BuildFailedError) as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return 1
    except (DemoFailedError, demo_wall.WallFailedError, RuntimeError, TimeoutError) as failure:
        keep_logs = True
        print(f"FAILED: {failure}\nThe logs of every part are in {directory}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Every process that was started has been ended.", file=sys.stderr)
        return 130
    finally:
        if not keep_logs:
            shutil.rmtree(directory)
    say.step("Done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
