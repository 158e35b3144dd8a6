"""The part of `make demo` about the cluster's wall: the samples' SovereigntyPolicies, and who meets them.

Nodes are simulated, so no packet is sent here: `make e2e` shows those on a real node. It fails when a policy does not
become Ready, its wall does not stand, what leads outside is taken, or what stays inside is refused.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from harness import operator, process, tools
from harness.controlplane import ControlPlane
from harness.narration import Narration

Object = dict[str, Any]

OUTSIDE = "https://api.openai.com/v1"
INSIDE = "http://llama-8b.language-models.svc:8000/v1"
DIFFERENCES = 2
MADE = "networkpolicies,validatingadmissionpolicies,validatingadmissionpolicybindings,configmaps"


class WallFailedError(Exception):
    """The wall did not show what it promises."""


def demonstrate(say: Narration, plane: ControlPlane, bolwerk: operator.Operator) -> None:
    """Show the policies, what they made, and what it refuses."""
    say.step("SovereigntyPolicies: one that only tells, two that hold")

    def through() -> bool:
        bolwerk.check()
        return all_ready(plane)

    process.wait_for(through, what="every SovereigntyPolicy of the samples to be Ready", seconds=60)
    say.show(plane.kubectl("get", "sovereigntypolicies"))
    show_made(say, plane, "baseline")

    say.step(f"Namespace assistants, Enforce: a workload that calls {OUTSIDE}")
    say.show(refusal(plane, workload("assistants", OUTSIDE)))
    say.step(f"The same with {INSIDE}, a LocalModel of this cluster")
    say.show(
        plane.kubectl("apply", "--dry-run=server", "--filename=-", stdin=json.dumps(workload("assistants", INSIDE)))
    )
    say.step(f"Namespace pilots, Audit: a workload that calls {OUTSIDE}")
    say.show(warning(plane, workload("pilots", OUTSIDE)))
    guard(say, plane)
    say.step("bolwerk plan: what the operator would do now")
    say.show(planned(say, plane))


def guard(say: Narration, plane: ControlPlane) -> None:
    """Have the wall deleted: by an admin of the namespace, who may not, and by one of the cluster, who can."""
    wall = ("networkpolicy", "bolwerk-baseline", "--namespace=assistants")
    person = "--user=jansen"
    plane.kubectl("create", "rolebinding", "admins", "--clusterrole=admin", person, "--namespace=assistants")
    say.step("The wall of assistants is to be deleted by jansen, an admin of that namespace")
    say.show(refusal_of(plane, "delete", *wall, "--as=jansen"))
    say.step("It is deleted by an admin of the cluster")
    before = json.loads(plane.kubectl("get", *wall, "--output=json"))
    say.show(plane.kubectl("delete", *wall))
    deleted = time.monotonic()

    def stands() -> bool:
        found = plane.kubectl("get", *wall, "--output=json", "--ignore-not-found")
        return bool(found) and json.loads(found)["spec"] == before["spec"]

    process.wait_for(stands, what="the wall to stand again", seconds=30)
    say.line(f"The wall stands again; seen {time.monotonic() - deleted:.1f} s after kubectl had deleted it.")


def remove(say: Narration, plane: ControlPlane) -> None:
    """Delete the policies, and wait until what they made is gone."""
    say.step("kubectl delete sovereigntypolicies --all")
    say.show(plane.kubectl("delete", "sovereigntypolicies", "--all", "--timeout=60s"))
    process.wait_for(
        lambda: not made(plane), what="everything that the policies owned to be gone", seconds=120, every=0.5
    )
    say.line("Nothing that Bolwerk made for them is left.")


def all_ready(plane: ControlPlane) -> bool:
    """Tell whether every policy is Ready."""
    policies: list[Object] = json.loads(plane.kubectl("get", "sovereigntypolicies", "--output=json"))["items"]
    conditions: list[Object] = [
        next((each for each in policy.get("status", {}).get("conditions", []) if each["type"] == "Ready"), {})
        for policy in policies
    ]
    return all(each.get("status") == "True" for each in conditions)


def made(plane: ControlPlane, *selector: str) -> list[Object]:
    """List what was made for policies, or for those of a selector."""
    selected = f"--selector={','.join(('bolwerk.dev/policy', *selector))}"
    found: list[Object] = json.loads(plane.kubectl("get", MADE, "--all-namespaces", selected, "--output=json"))["items"]
    return found


def show_made(say: Narration, plane: ControlPlane, policy: str) -> None:
    """Show what was made for a policy, and the wall itself."""
    say.step(f"SovereigntyPolicy {policy}: what it made, and its wall")
    objects = made(plane, f"bolwerk.dev/policy={policy}")
    for each in objects:
        if each["kind"] == "ValidatingAdmissionPolicyBinding":
            continue  # one for each policy, of the same name
        say.line("/".join(filter(None, (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]))))
    walls = [each for each in objects if each["metadata"]["labels"]["app.kubernetes.io/component"] == "wall"]
    if not any(each["spec"].get("policyTypes") == ["Egress"] and "egress" not in each["spec"] for each in walls):
        raise WallFailedError(f"SovereigntyPolicy {policy} isolates nobody")
    for each in walls:
        say.show(yaml.safe_dump({each["metadata"]["name"]: each["spec"]}, sort_keys=False))


def workload(namespace: str, url: str) -> Object:
    """Return a Deployment that calls a model at this URL, and has nothing else to be said about."""
    container = {
        "name": "assistant",
        "image": "registry.example.nl/assistant@sha256:" + "0" * 64,
        "env": [{"name": "OPENAI_BASE_URL", "value": url}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    labels = {"app": "assistant"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "assistant", "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def refusal(plane: ControlPlane, manifest: Object) -> str:
    """Return the sentence with which an object is refused; rules take a moment to reach the API server's admission."""
    said: list[str] = []

    def refused() -> bool:
        said.append(asked(plane, "apply", "--dry-run=server", "--filename=-", stdin=json.dumps(manifest)))
        return "denied" in said[-1]

    process.wait_for(refused, what="a workload that leads outside to be refused", seconds=30, every=0.5)
    return said[-1]


def warning(plane: ControlPlane, manifest: Object) -> str:
    """Return what is said about an object that is taken all the same."""
    said = asked(plane, "apply", "--dry-run=server", "--filename=-", stdin=json.dumps(manifest))
    if "Warning" not in said or "created" not in said:
        raise WallFailedError(f"a workload in a namespace that is audited should be taken with a warning: {said}")
    return said


def refusal_of(plane: ControlPlane, *arguments: str) -> str:
    """Return why kubectl may not do this."""
    said = asked(plane, *arguments)
    if "denied" not in said:
        raise WallFailedError(f"kubectl {' '.join(arguments)} should have been refused: {said}")
    return said


def asked(plane: ControlPlane, *arguments: str, stdin: str | None = None) -> str:
    """Return all that kubectl says, warnings and refusals too."""
    command: list[str | Path] = [tools.find("kubectl"), *arguments]
    done = subprocess.run(
        command, input=stdin, env=plane.environment(), capture_output=True, text=True, check=False
    )  # fmt: skip
    return f"{done.stdout}{done.stderr}"


def planned(say: Narration, plane: ControlPlane) -> str:
    """Return what `bolwerk plan` says once the operator has done it all: it looks at the overlay every half minute."""
    command: list[str | Path] = [Path(sys.executable).with_name("bolwerk"), "plan", "--exit-code"]
    said: list[str] = []

    def settled() -> bool:
        done = subprocess.run(command, env=plane.environment(), capture_output=True, text=True, check=False)
        said.append(f"{done.stdout}{done.stderr}")
        if done.returncode not in (0, DIFFERENCES):
            raise WallFailedError(f"bolwerk plan should have told what the operator would do: {said[-1]}")
        if done.returncode and len(said) == 1:
            say.line(f"{said[0].splitlines()[-1]} The overlay came after the policies, and is looked at soon.")
        return done.returncode == 0

    process.wait_for(settled, what="bolwerk plan to find no difference", seconds=90, every=1)
    return said[-1]
