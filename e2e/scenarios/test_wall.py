"""The wall on a real node: who gets where, for each backend that Cilium enforces, in Audit and in Enforce.

Every table is measured from inside pods until it is as expected, and once more. Control: a pod that is alike but in a
namespace that nobody governs gets through to everything in the very same measurement.
"""

import pytest

from harness import pods, wall
from harness.pods import Pod
from harness.wall import Experiment

pytestmark = pytest.mark.node

WAYS_OUT = (wall.OUTSIDE_TCP, wall.OUTSIDE_UDP, wall.OUTSIDE_TCP_IPV6, wall.OUTSIDE_UDP_IPV6, wall.PROXY)


@pytest.mark.parametrize("mode", ["Audit", "Enforce"])
@pytest.mark.parametrize("backend", wall.BACKENDS)
def test_who_gets_where(experiment: Experiment, backend: str, mode: str) -> None:
    experiment.apply(backend, mode)
    experiment.measure(f"{backend}, {mode}", wall.expected(backend, mode))
    for each in wall.BACKENDS:
        assert bool(experiment.objects(each)) == (each == backend and mode == "Enforce"), each


def test_no_packet_gets_out_while_the_backend_is_switched(experiment: Experiment) -> None:
    """The witness is the outside world itself, which notes every contact, whoever it is from."""
    experiment.apply("Cilium", "Enforce")
    experiment.measure("before switching", wall.expected("Cilium", "Enforce"))
    before = experiment.outside_contacts()
    with pods.hammering(experiment.cluster, wall.GOVERNED, WAYS_OUT) as counts:
        for backend in ("ClusterNetworkPolicy", "NetworkPolicy", "Cilium"):
            experiment.apply(backend, "Enforce")
            assert [each for each in wall.BACKENDS if experiment.objects(each)] == [backend]
    print(f"\n    {counts}", flush=True)
    assert experiment.outside_contacts() == before, "a contact while the backend was switched"
    for tried, outcomes in counts.items():
        assert set(outcomes) == {"blocked"}, tried
        assert outcomes["blocked"] > 100, f"{tried}: too few attempts to prove anything"
    experiment.measure("after switching", wall.expected("Cilium", "Enforce"))
    # In that measurement the other pod got out, and the witness saw it.
    assert experiment.outside_contacts() > before


@pytest.mark.parametrize("backend", wall.BACKENDS)
def test_the_wall_holds_without_the_operator_and_nothing_but_the_wall_does(
    experiment: Experiment, backend: str
) -> None:
    experiment.apply(backend, "Audit")  # quicker: a former wall need not be kept until the next one has settled
    experiment.apply(backend, "Enforce")
    experiment.measure(f"{backend}", wall.expected(backend, "Enforce"))
    newcomer, first = Pod(f"new-{backend.lower()}", "app"), Pod(f"new-{backend.lower()}", "first")
    with experiment.operator_down():
        experiment.measure(f"{backend}, no operator", wall.expected(backend, "Enforce"))
        # Governed only now, when nobody writes anything any more.
        pods.prepare(experiment.cluster, pods.namespace(newcomer.namespace, **wall.LABEL))
        experiment.cluster.apply(pods.hammerer(first, WAYS_OUT), pods.prober(newcomer))
        experiment.cluster.wait_for_pods(newcomer.namespace, newcomer.name, first.name)
        if backend == "NetworkPolicy":
            # What the documentation says: a wall for each namespace stands only once the operator has written it.
            experiment.measure(f"{backend}, new namespace", wall.open_to(newcomer))
        else:
            experiment.measure(f"{backend}, new namespace", wall.expected(backend, "Enforce", governed=(newcomer,)))
            counts = pods.hammered(experiment.cluster, first)
            print(f"\n    from the first instruction on: {counts}", flush=True)
            assert all(set(outcomes) == {"blocked"} for outcomes in counts.values()), counts
        # Proves that the tables can fail: it is these objects that stop the packets, and nothing else.
        experiment.delete_wall()
        experiment.measure(f"{backend}, wall deleted", wall.open_to(wall.GOVERNED, newcomer, wall.UNGOVERNED))
    governed = (wall.GOVERNED, newcomer)
    experiment.measure(f"{backend}, operator is back", wall.expected(backend, "Enforce", governed=governed))
    experiment.cluster.control_plane.kubectl("delete", "namespace", newcomer.namespace, "--wait=false")


def test_a_pod_that_would_share_the_nodes_network_is_refused(experiment: Experiment) -> None:
    experiment.apply("Cilium", "Enforce")
    with pytest.raises(RuntimeError, match="hostNetwork") as refusal:
        experiment.cluster.apply(pods.prober(Pod(wall.GOVERNED.namespace, "host"), hostNetwork=True))
    print(f"\n    {refusal.value}", flush=True)
    experiment.cluster.apply(pods.prober(Pod(wall.UNGOVERNED.namespace, "host"), hostNetwork=True))


def test_an_edit_that_makes_no_sense_leaves_the_wall_as_it_is(experiment: Experiment) -> None:
    experiment.apply("Cilium", "Enforce")
    experiment.cluster.apply(wall.policy("Cilium", "Enforce", networks=["10.201.0.0/24", "10.201.0.0/25"]))
    experiment.wait_for_condition("Stalled", "True")
    stalled = experiment.conditions()["Stalled"]
    print(f"\n    {stalled['reason']}: {stalled['message']}", flush=True)
    assert stalled["reason"] == "InvalidSpec"
    experiment.measure("after a senseless edit", wall.expected("Cilium", "Enforce"))
    experiment.apply("Cilium", "Enforce")
    assert "Stalled" not in experiment.conditions()
