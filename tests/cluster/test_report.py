"""`bolwerk report` and `bolwerk register` on a real API server, as somebody who may only read."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

import needing
from approvals.objects import approval, exception
from cluster.operating import apply, ask, get, wait_for
from cluster.test_plan import MODEL, POLICY
from core.flows.hubble import flow, pod
from harness import operator
from harness.controlplane import ADMIN, ControlPlane
from harness.operator import NAMESPACE, Operator

pytestmark = pytest.mark.cluster

READER, AUDITOR, STRANGER = "reader", "auditor", "stranger"
ALICE, BOB = "alice", "bob"
OUTSIDE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "outside", "namespace": "default"},
    "spec": {"hostNetwork": True, "containers": [{"name": "main", "image": "registry.example/x:1"}]},
}
Bolwerk = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A cluster with a policy, a model and what the operator made of them, and people with rights to read."""
    needing.programs(request, "etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "helm")
    users = {READER: ["readers"], AUDITOR: ["readers"], STRANGER: ["nobodies"], ALICE: ["team"], BOB: ["deciders"]}
    with ControlPlane(tmp_path_factory.mktemp("report"), controllers=True, users=users) as running:
        operator.install(running)
        where = f"--namespace={NAMESPACE}"
        running.kubectl("create", "clusterrolebinding", "readers", "--clusterrole=bolwerk-plan", "--group=readers")
        running.kubectl("create", "rolebinding", "readers", "--role=bolwerk-plan", "--group=readers", where)
        running.kubectl("create", "clusterrolebinding", AUDITOR, "--clusterrole=bolwerk-report", f"--user={AUDITOR}")
        running.kubectl("create", "namespace", "team")
        running.kubectl("label", "namespace", "team", "governed=yes")
        for manifest in (POLICY, MODEL, OUTSIDE):
            apply(running, manifest)
        log = running.directory / "audit.log"
        with Operator(running, arguments=("--audit-log", str(log))) as process:

            def is_through() -> bool:
                process.check()
                policy = get(running, "sovereigntypolicy", "baseline", "")
                model = get(running, "localmodel", "chat", "team")
                return bool(policy.get("status") and model.get("status")) and log.exists() and "Wall" in log.read_text()

            wait_for(is_through, "the operator to have told about both", seconds=60)
            process.stop()
        yield running


@pytest.fixture
def bolwerk(plane: ControlPlane) -> Bolwerk:
    """Run a command as somebody; nothing that it is asked may ever write."""

    def run(*arguments: str, user: str = READER) -> subprocess.CompletedProcess[str]:
        return ask(plane, user, *arguments)

    return run


@pytest.fixture(scope="module")
def asked(plane: ControlPlane) -> dict[str, Any]:
    """An exception that one person asked for and another approved, and the operator has opened."""
    begin, end = (datetime.now(UTC) + timedelta(days=days) for days in (-1, 30))
    wanted = exception(
        "team",
        "translate",
        destinations=[{"network": "203.0.113.10/32", "ports": [{"port": 443}]}],
        validFrom=begin.isoformat(timespec="seconds"),
        validUntil=end.isoformat(timespec="seconds"),
        requestedBy={"username": ALICE},
    )
    for user, role in ((ALICE, "requester"), (BOB, "approver")):
        cluster_role = f"--clusterrole=bolwerk-exception-{role}"
        plane.kubectl("create", "rolebinding", role, cluster_role, f"--user={user}", "--namespace=team")
    create(plane, ALICE, wanted)
    stored = get(plane, "egressexception", "translate", "team")
    given = approval("team", "by-bob", of="translate", uid=stored["metadata"]["uid"], approvedBy={"username": BOB})
    wait_for(lambda: create(plane, BOB, given, maybe=True), "admission to know of the exception", seconds=60)
    with Operator(plane, name="second", arguments=("--audit-log", str(plane.directory / "audit.log"))) as process:

        def is_open() -> bool:
            process.check()
            told = get(plane, "egressexception", "translate", "team").get("status") or {}
            return told.get("phase") == "Open" and "openedAt" in told

        wait_for(is_open, "the operator to have opened it", seconds=90)
        process.stop()
    return stored


def create(plane: ControlPlane, user: str, manifest: dict[str, Any], *, maybe: bool = False) -> bool:
    """Create an object as somebody; admission learns of an exception some time after it is stored."""
    try:
        kubeconfig = plane.kubeconfig_of(user)
        plane.kubectl("create", "--filename=-", stdin=json.dumps(manifest), kubeconfig=kubeconfig)
    except RuntimeError:
        if not maybe:
            raise
        return False
    return True


def reported(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_what_runs_and_what_is_governed_is_reported(plane: ControlPlane, bolwerk: Bolwerk) -> None:
    found = reported(bolwerk("report", "--output=json"))

    [model] = found["models"]
    assert (model["namespace"], model["name"], model["policy"]) == ("team", "chat", "baseline")
    deployed = get(plane, "deployment", "chat", "team")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert model["engineImage"] == deployed
    assert model["isolated"]["reason"] == "NotProven"
    [policy] = found["policies"]
    assert (policy["backend"], policy["governed"]) == ("NetworkPolicy", ["team"])
    governed = {each["name"]: each["policy"] for each in found["namespaces"]}
    assert governed == {name: "baseline" if name == "team" else "" for name in governed}
    assert {"default", "kube-system", NAMESPACE, "team"} <= governed.keys()
    assert found["about"]["installedVersion"] == found["about"]["version"]
    # The pods of the model and of the janitor may be there by now, or not.
    assert re.search(r"network: 1 of \d+ pods, 0 of them in governed namespaces", found["notChecked"][0])


def test_who_may_not_read_roles_is_told_that_they_were_not_read(bolwerk: Bolwerk) -> None:
    found = reported(bolwerk("report", "--output=json"))

    assert not found["rights"]["read"]
    assert "ClusterRole <release>-report" in found["rights"]["remark"]


def test_who_may_reads_who_may_change_the_rules(bolwerk: Bolwerk) -> None:
    found = reported(bolwerk("report", "--output=json", user=AUDITOR))

    who = {each["subject"] for each in found["rights"]["items"] if each["right"] == "change NetworkPolicies"}
    assert {f"ServiceAccount {NAMESPACE}/bolwerk", "Group system:masters"} <= who
    assert not any(READER in subject for subject in who)


def test_the_trail_of_the_operator_is_whole_and_summed_up(plane: ControlPlane, bolwerk: Bolwerk) -> None:
    found = reported(bolwerk("report", "--output=json", "--audit-log", str(plane.directory / "audit.log")))

    assert found["trail"]["whole"], found["trail"]["verdict"]
    counts = dict(found["trail"]["counts"])
    assert counts["PolicyCreated"] == 1
    assert counts["WallApplied"] >= 1


def test_people_read_it_in_three_formats(bolwerk: Bolwerk) -> None:
    for output, want in (("text", "Not checked\n-----------\n"), ("markdown", "## Not checked\n"), ("html", "</html>")):
        done = bolwerk("report", "--output", output)

        assert done.returncode == 0, done.stderr
        assert want in done.stdout
        assert "team/chat" in done.stdout


def test_an_exception_is_in_the_register_with_its_people(bolwerk: Bolwerk, asked: dict[str, Any]) -> None:
    found = reported(bolwerk("report", "--output=json"))

    [stored] = found["exceptions"]["items"]
    assert stored["justification"] == asked["spec"]["justification"]
    assert (stored["requestedBy"], stored["fourEyes"], stored["policy"]) == (ALICE, "Cluster", "baseline")
    assert [(each["by"], each["counts"]) for each in stored["approvals"]] == [(BOB, True)]
    assert (stored["phase"], stored["recordedPhase"], stored["hole"]) == ("Open", "Open", "in the wall")
    assert stored["openedAt"]
    assert {"bolwerk-approval", "bolwerk-exception"} <= set(found["exceptions"]["guards"])
    assert not any("vouch for those names" in each for each in found["notChecked"])
    assert reported(bolwerk("report", "--output=json", "--namespace=default"))["exceptions"]["items"] == []


def test_the_trail_goes_on_with_the_next_process(plane: ControlPlane, bolwerk: Bolwerk, asked: dict[str, Any]) -> None:
    found = reported(bolwerk("report", "--output=json", "--audit-log", str(plane.directory / "audit.log")))["trail"]

    assert found["whole"], found["verdict"]
    assert found["resumed"] == 1
    uid = asked["metadata"]["uid"]
    told = {each["action"]: each["actor"] for each in found["decisions"] if each["uid"] == uid}
    assert told["ExceptionRequested"] == ALICE
    assert told["ExceptionApproved"] == BOB
    assert "ExceptionOpened" in told


def test_the_trail_is_read_from_rotated_logs_in_any_order(
    plane: ControlPlane, bolwerk: Bolwerk, tmp_path: Path
) -> None:
    log = plane.directory / "audit.log"
    lines = log.read_bytes().splitlines(keepends=True)
    (tmp_path / "b.log").write_bytes(b"".join(lines[3:]))
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(b"".join(lines[:3])))
    whole, parts = (
        reported(bolwerk("report", "--output=json", *(f"--audit-log={each}" for each in logs)))["trail"]
        for logs in ((log,), (tmp_path / "b.log", tmp_path / "a.log.gz"))
    )

    assert parts["whole"], parts["verdict"]
    assert {**parts, "log": ""} == {**whole, "log": ""}


def test_flows_say_who_has_used_an_exception_and_what_left_without(
    bolwerk: Bolwerk, asked: dict[str, Any], tmp_path: Path
) -> None:
    now = datetime.now(UTC).isoformat()
    labels = asked["spec"]["subject"]["podSelector"]["matchLabels"]
    log = tmp_path / "events.log.gz"
    log.write_bytes(
        gzip.compress(
            "".join(
                flow(to=to, at=now, source=pod(name, **labels)) + "\n"
                for to, name in (("203.0.113.10", "user"), ("203.0.113.10", "user"), ("198.51.100.1", "crawler"))
            ).encode()
        )[:-8]  # as when a disk was full
    )

    found = reported(bolwerk("report", "--output=json", f"--flows={log}"))

    [stored] = found["exceptions"]["items"]
    assert (stored["used"]["connections"], stored["used"]["pods"]) == (2, ["team/user"])
    [uncovered] = found["flows"]["uncovered"]
    assert (uncovered["pod"], uncovered["destination"]) == ("crawler", "198.51.100.1, TCP 443")
    assert found["flows"]["refused"] == 1
    assert "end-of-stream" in found["flows"]["refusals"][0]


def test_a_draft_for_the_register_of_algorithms_names_what_people_have_to_write(
    bolwerk: Bolwerk, tmp_path: Path
) -> None:
    fields = tmp_path / "fields.yaml"
    fields.write_text(yaml.safe_dump({"team/chat": {"name": "Samenvatten"}, "team/none": {}}), encoding="utf-8")

    done = bolwerk("register", "--fields", str(fields), "--exit-code")

    assert done.returncode == 2
    assert done.stderr.endswith("1 drafts, 0 of them complete; nothing was sent\n")
    found = json.loads(done.stdout)
    [draft] = found["drafts"]
    assert found["draft"] is True
    assert found["unmatched"] == ["team/none"]
    assert draft["record"]["name"] == "Samenvatten"
    assert "contact_email" in draft["missing"]


@pytest.mark.parametrize(
    ("arguments", "user", "want"),
    [
        pytest.param(("report",), STRANGER, "ask for the ClusterRole that the chart makes for this", id="no rights"),
        pytest.param(("report", "--operator-namespace=default"), ADMIN, "has no ConfigMaps with", id="elsewhere"),
        pytest.param(("register",), STRANGER, "is forbidden", id="no rights for drafts"),
    ],
)
def test_refusals_are_sentences(bolwerk: Bolwerk, arguments: tuple[str, ...], user: str, want: str) -> None:
    done = bolwerk(*arguments, user=user)

    assert done.returncode == 1
    assert want in done.stderr
    assert not done.stdout
