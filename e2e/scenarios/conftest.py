"""The real cluster of the scenarios: a control plane, a node that runs pods, and the outside world."""

import sys
from collections.abc import Iterator

import pytest

from harness import images, network, node, sandbox
from harness.cluster import Cluster
from harness.controlplane import ControlPlane


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster inside the sandbox; what it is made of ends with the session."""
    try:
        place = sandbox.folder()
    except sandbox.OutsideError as refusal:
        pytest.skip(str(refusal))
    loaded = [images.base(), images.operator(), images.engine(), images.model()]
    with (
        network.laid() as cables,
        ControlPlane(
            place / "control-plane",
            controllers=True,
            scheduler=True,
            address=network.CONTROL_PLANE,
            users=node.USERS,
            controller_flags=("--allocate-node-cidrs=true", f"--cluster-cidr={network.PODS}"),
        ) as control_plane,
        node.Node(control_plane, cables, loaded),
    ):
        running = Cluster(control_plane, cables.world)
        yield running
        if running.failed:
            print(running.story(), file=sys.stderr)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remember on the cluster that something failed, so that its story is told before it ends."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    used = getattr(item, "funcargs", {}).get("cluster")
    if report.failed and isinstance(used, Cluster):
        used.failed = True
    return report  # type: ignore[return-value]
