"""A running API server for the tests with the marker `cluster`: skipped, with the reason, where there can be none."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

import needing
from cluster.operating import wait_until_led_by
from harness import operator, process
from harness.controlplane import ControlPlane
from harness.operator import Operator

CRDS = Path(__file__).resolve().parents[2] / "crds"


@pytest.fixture(scope="session")
def control_plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An etcd and an API server, shared by the session: no controllers, no scheduler, no nodes."""
    needing.programs(request, "etcd", "kube-apiserver", "kubectl")
    with ControlPlane(tmp_path_factory.mktemp("controlplane")) as running:
        yield running


@pytest.fixture(scope="session")
def crds(control_plane: ControlPlane) -> None:
    """Bolwerk's CRDs, as committed."""
    control_plane.kubectl("apply", "--server-side", f"--filename={CRDS}")
    control_plane.kubectl("wait", f"--filename={CRDS}", "--for=condition=Established", "--timeout=60s")


@pytest.fixture(scope="session")
def _numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def namespace(control_plane: ControlPlane, _numbers: Iterator[int]) -> str:
    """A namespace of the test's own. It goes with the API server: without controllers nothing is ever finalized."""
    name = f"test-{next(_numbers)}"
    control_plane.kubectl("create", "namespace", name)
    return name


@pytest.fixture(scope="module")
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane with controllers, which collect the children of what is deleted, and the chart on it."""
    needing.programs(request, "etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "helm")
    with ControlPlane(tmp_path_factory.mktemp("operator"), controllers=True) as running:
        operator.install(running)
        yield running


@pytest.fixture(scope="module")
def process_of_the_operator(plane: ControlPlane) -> Iterator[Operator]:
    with Operator(plane) as running:
        yield running


@pytest.fixture
def running(plane: ControlPlane, process_of_the_operator: Operator) -> Operator:
    """The operator, leading; started again if the test before it ended it."""
    try:
        process_of_the_operator.check()
    except process.ChildEndedError:
        process_of_the_operator.start()
    wait_until_led_by(plane, process_of_the_operator)
    return process_of_the_operator
