"""The harness itself: what every other test against a real API server relies on."""

import collections
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

from harness import families, process, simulation, tools
from harness.controlplane import ControlPlane

pytestmark = pytest.mark.cluster


@pytest.mark.skipif("KUBEBUILDER_ASSETS" in os.environ, reason="KUBEBUILDER_ASSETS chooses another one")
def test_the_api_server_is_the_pinned_kubernetes(control_plane: ControlPlane) -> None:
    answer = json.loads(control_plane.kubectl("get", "--raw", "/version"))

    minor = families.named("kubernetes").version.split(".")[1]
    assert (answer["major"], answer["minor"]) == ("1", minor)


def test_a_write_is_counted_once_and_a_read_is_no_write(control_plane: ControlPlane, namespace: str) -> None:
    mark = control_plane.audit.mark()

    control_plane.kubectl("create", "configmap", "counted", "--namespace", namespace)
    control_plane.kubectl("get", "configmap", "counted", "--namespace", namespace)

    def both() -> int:
        return control_plane.audit.requests(mark, user="admin", namespace=namespace)[("get", "configmaps")]

    process.wait_for(both, what="the read to be in the audit log", seconds=10)
    want = collections.Counter({("create", "configmaps"): 1})
    assert control_plane.audit.writes(mark, user="admin", namespace=namespace) == want
    assert control_plane.audit.writes(mark, user="somebody-else") == collections.Counter()


def test_objects_outlive_a_crash_of_the_api_server_and_clients_find_it_again(
    control_plane: ControlPlane, namespace: str
) -> None:
    control_plane.kubectl("create", "configmap", "kept", "--namespace", namespace)
    before = control_plane.url

    control_plane.stop_apiserver()
    with pytest.raises(RuntimeError, match="refused"):
        control_plane.kubectl("get", "configmap", "kept", "--namespace", namespace)
    control_plane.start_apiserver()

    assert control_plane.url == before
    assert "kept" in control_plane.kubectl("get", "configmap", "kept", "--namespace", namespace)


def test_a_service_account_has_its_own_rights_and_no_more(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "serviceaccount", "reader", "--namespace", namespace)
    control_plane.kubectl("create", "role", "reader", "--verb=get", "--resource=services", "--namespace", namespace)
    control_plane.kubectl(
        *("create", "rolebinding", "reader", "--role=reader"),
        *(f"--serviceaccount={namespace}:reader", "--namespace", namespace),
    )

    reader = control_plane.kubeconfig_for(namespace, "reader")

    def may(verb: str, resource: str) -> bool:
        with pytest.raises(RuntimeError) as refusal:
            control_plane.kubectl(verb, resource, "absent", "--namespace", namespace, kubeconfig=reader)
        return "NotFound" in str(refusal.value)

    process.wait_for(lambda: may("get", "services"), what="the role to be known", seconds=10)
    assert not may("get", "secrets")
    assert not may("delete", "services")


def test_two_control_planes_run_beside_each_other(control_plane: ControlPlane, tmp_path: pathlib.Path) -> None:
    with ControlPlane(tmp_path) as other:
        other.kubectl("create", "namespace", "only-here")

        assert other.url != control_plane.url
        with pytest.raises(RuntimeError, match="NotFound"):
            control_plane.kubectl("get", "namespace", "only-here")


@pytest.mark.usefixtures("control_plane")  # which skips where there are no binaries
def test_a_failed_start_leaves_nothing_running_and_says_why(tmp_path: pathlib.Path) -> None:
    plane = ControlPlane(tmp_path, apiserver_flags=["--no-such-flag"])

    with pytest.raises(process.ChildEndedError, match="unknown flag: --no-such-flag"):
        plane.__enter__()

    assert _running_in(tmp_path) == []


def test_pods_run_on_simulated_gpus_only_where_there_are_such_gpus(tmp_path: pathlib.Path) -> None:
    try:
        tools.find("kwok")
    except tools.ToolMissingError as refusal:
        pytest.skip(f"no simulated nodes: {refusal}")
    with (
        ControlPlane(tmp_path, controllers=True, scheduler=True) as plane,
        simulation.Simulation(plane) as nodes,
    ):
        nodes.add_gpu_node("whole", simulation.L40S, count=1)
        nodes.add_mig_node("cut", simulation.H100, gpus=1, profile="3g.40gb", slices=2, memory_mib=40448)
        for name, resource in (("one", "nvidia.com/gpu"), ("slice", "nvidia.com/mig-3g.40gb")):
            container = {"name": name, "image": "none", "resources": {"limits": {resource: "1"}}}
            pod = {"metadata": {"name": name}, "spec": {"containers": [container]}}
            plane.kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "Pod", **pod}))
        plane.kubectl("wait", "pods", "--all", "--for=condition=Ready", "--timeout=60s")

        where = "jsonpath={range .items[*]}{.metadata.name}={.spec.nodeName} {end}"
        assert plane.kubectl("get", "pods", "-o", where).split() == ["one=whole", "slice=cut"]


PARENT = """
import pathlib, signal, sys
from harness import families, process, simulation, tools
from harness.controlplane import ControlPlane

# A shell in the background hands on that SIGINT is ignored; a person's Ctrl-C reaches a program that does not.
signal.signal(signal.SIGINT, signal.default_int_handler)
process.clean_up_on_sigterm()
with ControlPlane(pathlib.Path(sys.argv[1])):
    print("up", flush=True)
    sys.stdin.read()
"""


@pytest.mark.usefixtures("control_plane")  # which skips where there are no binaries
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="without setpriv (util-linux) a killed parent's stay")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_no_server_outlives_the_process_that_started_it(tmp_path: pathlib.Path, number: signal.Signals) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        assert len(_running_in(tmp_path)) == 2

        parent.send_signal(number)
        parent.wait(timeout=30)

    process.wait_for(lambda: _running_in(tmp_path) == [], what="etcd and the API server to end", seconds=10)


def _running_in(directory: pathlib.Path) -> list[str]:
    """Return the command lines of the processes, not yet ended, that were told of a directory; this one aside."""
    lines = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        if int(entry.name) != os.getpid():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
                lines.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in lines if f"{directory}/" in line]
