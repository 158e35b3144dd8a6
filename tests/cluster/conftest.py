"""A running API server for the tests with the marker `cluster`: skipped, with the reason, where there can be none."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

import needing
from harness.controlplane import ControlPlane

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
