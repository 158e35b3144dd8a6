"""What the tests of the operator's process ask of it and of the cluster, whatever the kind that they are about."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import process
from harness.controlplane import ControlPlane
from harness.operator import NAMESPACE, Operator

LEASE = ("update", "leases")


def apply(plane: ControlPlane, body: dict[str, Any]) -> None:
    plane.kubectl("apply", "--server-side", "--filename=-", stdin=json.dumps(body))


def get(plane: ControlPlane, kind: str, name: str, namespace: str) -> dict[str, Any]:
    """Return an object, empty when it is not there."""
    answer = plane.kubectl("get", kind, name, f"--namespace={namespace}", "--output=json", "--ignore-not-found")
    found: dict[str, Any] = json.loads(answer) if answer else {}
    return found


def wait_for(condition: Callable[[], Any], what: str, *, seconds: float = 20) -> None:
    process.wait_for(condition, what=what, seconds=seconds)


def wait_until_led_by(plane: ControlPlane, leader: Operator) -> None:
    def leads() -> bool:
        holder: str = get(plane, "lease", "bolwerk", NAMESPACE).get("spec", {}).get("holderIdentity", "")
        return holder.startswith(f"{leader.log.stem}_")

    wait_for(leads, f"{leader.log.stem} to lead", seconds=40)
    wait_for(lambda: "msg=listed" in last_run(leader), f"{leader.log.stem} to have listed", seconds=40)


def last_run(of: Operator) -> str:
    """Return what the latest process of an operator has logged."""
    return of.log.read_text(encoding="utf-8").rpartition("msg=campaigning")[2]


def writes(plane: ControlPlane, mark: int, of: Operator) -> Counter[tuple[str, str]]:
    """Count what the operator wrote, the renewals of its Lease aside."""
    counted = plane.audit.writes(mark, user=of.user)
    del counted[LEASE]
    return counted


def renewed(plane: ControlPlane, mark: int, of: Operator, *, times: int) -> bool:
    """Tell whether the Lease was renewed so often: the clock by which a quiet operator is watched."""
    return plane.audit.writes(mark, user=of.user)[LEASE] >= times


def ask(plane: ControlPlane, user: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of `bolwerk` that only reads, as somebody, and see that nothing was written."""
    mark = plane.audit.mark()
    done = subprocess.run(
        [Path(sys.executable).with_name("bolwerk"), *arguments],
        env=plane.environment(plane.kubeconfig_of(user)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert plane.audit.writes(mark, user=user) == Counter()
    assert "Traceback" not in done.stderr
    return done
