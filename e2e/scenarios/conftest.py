"""The real cluster of the scenarios: a control plane, a node that runs pods, and the outside world."""

import sys
from collections.abc import Iterator

import pytest

from harness import dns, images, network, node, operator, sandbox, wall
from harness.cluster import Cluster
from harness.controlplane import ControlPlane
from harness.importing import Importing
from harness.plugins import bridge, cilium


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster inside the sandbox; what it is made of ends with the session."""
    try:
        place = sandbox.folder()
    except sandbox.OutsideError as refusal:
        pytest.skip(str(refusal))
    loaded = [images.base(), images.coredns(), images.operator()]
    plugin = cilium.Cilium()
    with (
        network.laid() as cables,
        ControlPlane(
            place / "control-plane",
            controllers=True,
            scheduler=True,
            address=network.CONTROL_PLANE,
            service_cidr=network.SERVICES,
            users={**node.USERS, cilium.USER: ("system:masters",), bridge.USER: ()},
            controller_flags=node.CONTROLLER_FLAGS,
        ) as control_plane,
        node.Node(control_plane, cables.node, plugin, loaded) as worker,
    ):
        running = Cluster(control_plane, worker, plugin, cables)
        running.apply(*dns.manifests(f"bolwerk-{wall.POLICY}-dns"))
        yield running
        if running.failed:
            print(running.story(), file=sys.stderr)


@pytest.fixture(scope="session")  # so that it comes before `installed`
def engine(cluster: Cluster) -> Importing:
    """The engine's image on its way to the node, while Bolwerk is being installed."""
    return cluster.node.load([images.engine(), images.model()])


@pytest.fixture(scope="module")
def unwalled(cluster: Cluster) -> Iterator[node.Node]:
    """A second node, whose network plugin ignores policies; only pods that want to run there do."""
    plane = cluster.control_plane
    loaded = [images.base(), images.operator()]
    with node.Node(plane, cluster.cables.second, bridge.Bridge(), loaded, taints=[bridge.TAINT]) as worker:
        yield worker
        # While its kubelet can still end what runs there.
        plane.kubectl("delete", "pods", "--all-namespaces", f"--field-selector=spec.nodeName={worker.name}")
    plane.kubectl("delete", "node", worker.name)


@pytest.fixture(scope="session")
def installed(cluster: Cluster) -> Cluster:
    """Bolwerk installed from the chart with two replicas, once for all scenarios, as a platform team would."""
    plane = cluster.control_plane
    reference, _, tag = images.operator().reference.rpartition(":")
    registry, _, repository = reference.partition("/")
    values = {
        "image.registry": registry,
        "image.repository": repository,
        "image.tag": tag,
        "image.pullPolicy": "Never",
        "networkPolicy.apiServer.ports": f"{{{plane.port}}}",
        # Where CoreDNS can mount it.
        "dns.namespace": dns.NAMESPACE,
    }
    operator.helm(
        plane,
        *("install", operator.RELEASE, str(operator.CHART), f"--namespace={operator.NAMESPACE}", "--create-namespace"),
        *("--wait", "--timeout=180s", *(f"--set={key}={value}" for key, value in values.items())),
    )
    plane.kubectl("rollout", "status", "deployment/coredns", f"--namespace={dns.NAMESPACE}", "--timeout=120s")
    return cluster


@pytest.fixture(scope="session")
def experiment(installed: Cluster) -> wall.Experiment:
    """The pods that the wall is measured with."""
    return wall.prepare(installed)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remember on the cluster that something failed, so that its story is told before it ends."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    used = getattr(item, "funcargs", {}).values()
    if report.failed:
        for each in used:
            if isinstance(each, Cluster):
                each.failed = True
            elif isinstance(each, wall.Experiment):
                each.cluster.failed = True
    return report  # type: ignore[return-value]
