"""The audit trail of real processes: killed between an entry and the head, handed on, and whole all the same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.operating import apply, get, wait_for, wait_until_led_by
from harness import process
from harness.controlplane import ControlPlane
from harness.operator import NAMESPACE, Operator

pytestmark = pytest.mark.cluster

BIO2 = {"action", "object", "result", "origin", "actor", "timestamp"}


def entries(of: Operator) -> list[dict[str, Any]]:
    """Return what the processes of an operator told, the last line aside while it is in the writing."""
    whole = of.log.read_text(encoding="utf-8").rpartition("\n")[0]
    return [json.loads(line)["audit"] for line in whole.split("\n") if line.startswith('{"audit"')]


def head(plane: ControlPlane) -> dict[str, str]:
    found: dict[str, str] = get(plane, "configmap", "bolwerk-audit", NAMESPACE).get("data", {})
    return found


def verify(*logs: Path, known: str) -> dict[str, Any]:
    command: list[str | Path] = [
        Path(sys.executable).with_name("bolwerk"),
        "audit",
        "verify",
        *logs,
        f"--head={known}",
        "--output=json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    verdict: dict[str, Any] = json.loads(done.stdout)
    assert verdict["ok"] == (done.returncode == 0)
    return verdict


def ask(plane: ControlPlane, name: str, *, mode: str = "Enforce") -> None:
    """Have a namespace governed by a policy of its own name."""
    labels = {"governed-by": name}
    apply(plane, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    spec = {
        "namespaceSelector": {"matchLabels": labels},
        "mode": mode,
        "internal": {"networks": ["10.20.0.0/16"]},
    }
    policy = {"apiVersion": "bolwerk.dev/v1alpha1", "kind": "SovereigntyPolicy", "metadata": {"name": name}}
    apply(plane, {**policy, "spec": spec})


def about(of: Operator, name: str) -> list[str]:
    return [entry["action"] for entry in entries(of) if entry["object"] == f"SovereigntyPolicy {name}"]


def results(of: Operator, name: str) -> list[str]:
    return [entry["result"] for entry in entries(of) if entry["object"] == f"SovereigntyPolicy {name}"]


def anchored(plane: ControlPlane, of: Operator) -> bool:
    told: str = entries(of)[-1]["hash"]
    return head(plane).get("hash") == told


@pytest.fixture
def other(plane: ControlPlane, running: Operator) -> Iterator[Operator]:
    """A second replica, which waits."""
    running.check()
    with Operator(plane, name="other") as second:
        yield second


def test_what_is_decided_is_told_with_the_six_fields(plane: ControlPlane, running: Operator) -> None:
    ask(plane, "told")
    wait_for(lambda: "NamespacesGoverned" in about(running, "told"), "the last entry about it")

    told = about(running, "told")
    assert {"PolicyCreated", "WallApplied", "AdmissionApplied", "NamesApplied", "NamespacesGoverned"} <= {*told}
    assert len(told) == len({*told}) + told.count("ConditionChanged") - ("ConditionChanged" in told), (
        "each of them once"
    )
    for entry in entries(running):
        assert entry.keys() >= BIO2
        assert all(entry[name] for name in BIO2)
    created = next(entry for entry in entries(running) if entry["action"] == "PolicyCreated")
    assert created["actor"] == "unknown"
    assert created["detail"]["managers"] == ["kubectl"]
    wall = next(entry for entry in entries(running) if entry["action"] == "WallApplied")
    assert wall["actor"] == running.user

    plane.kubectl("delete", "sovereigntypolicy", "told")
    wait_for(lambda: "PolicyDeleted" in about(running, "told"), "its end to be told")


def test_killed_between_an_entry_and_the_head_and_led_by_another_it_is_one_chain(
    plane: ControlPlane, running: Operator, other: Operator
) -> None:
    beyond = killed_between(plane, running)
    wait_until_led_by(plane, other)
    ask(plane, "after")
    wait_for(lambda: "NamespacesGoverned" in about(other, "after"), "the other one to decide")
    wait_for(lambda: anchored(plane, other), "the head to follow")

    verdict = verify(running.log, other.log, known=head(plane)["hash"])
    assert verdict["ok"], verdict
    assert verdict["unanchored"] == beyond > 0
    assert verdict["resumptions"][-1]["origin"].startswith("other_")
    assert entries(other)[0]["action"] == "TrailResumed"

    told = [line for line in other.log.read_text(encoding="utf-8").splitlines() if line.startswith('{"audit"')]
    short = other.log.with_name("short.log")
    short.write_text("\n".join(told[:-1]), encoding="utf-8")
    assert verify(running.log, short, known=head(plane)["hash"])["broken"]["fault"] == "truncated"


def wait_for_entry(of: Operator, name: str, action: str) -> None:
    process.wait_for(lambda: action in about(of, name), what=f"{action} of {name}", seconds=20, every=0.002)


def killed_between(plane: ControlPlane, running: Operator) -> int:
    """Kill the operator while lines stand beyond the stored head, and return how many; tried until it is so."""
    for attempt in range(20):
        name = f"killed-{attempt}"
        ask(plane, name)
        # The head has just been written for the first of the entries, so that the last ones wait a second for theirs.
        wait_for_entry(running, name, "NamespacesGoverned")
        running.kill()
        told, stored = entries(running), int(head(plane).get("sequence", 0))
        if told[-1]["sequence"] > stored:
            return int(told[-1]["sequence"]) - stored
        running.start()
        wait_until_led_by(plane, running)
    raise AssertionError("the head was always faster")


def test_a_restart_tells_nothing_and_stores_nothing(plane: ControlPlane, running: Operator) -> None:
    ask(plane, "quiet")
    wait_for(lambda: "ReferencesClean=True" in results(running, "quiet"), "the last entry about it")
    wait_for(lambda: anchored(plane, running), "the head to follow")
    running.stop()
    before, mark = entries(running), plane.audit.mark()

    running.start()
    wait_until_led_by(plane, running)
    wait_for(lambda: plane.audit.writes(mark, user=running.user)["update", "leases"] >= 4, "eight quiet seconds")

    assert entries(running) == before
    counted = plane.audit.writes(mark, user=running.user)
    assert not [key for key in counted if key[1] == "configmaps"]


def test_the_audit_log_may_be_a_file(plane: ControlPlane, running: Operator, tmp_path: Path) -> None:
    running.stop()
    path = tmp_path / "audit.log"
    with Operator(plane, name="filing", arguments=[f"--audit-log={path}"]) as filing:
        wait_until_led_by(plane, filing)
        ask(plane, "filed")
        wait_for(lambda: path.exists() and "NamespacesGoverned" in path.read_text(encoding="utf-8"), "the file")
        assert not entries(filing)
        filing.stop()

    assert verify(path, known=head(plane)["hash"])["ok"], "a clean end stores the head"
