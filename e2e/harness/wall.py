"""The wall's experiment: who tries to get where, and what a SovereigntyPolicy should make of it.

Used by the scenarios about the wall. Two pods on one node are alike but for the label of their namespace; the one that
nobody governs is the control, without which a wall could be mistaken for a broken network, and the other way round.
"""

import contextlib
import dataclasses
import itertools
import time
from collections.abc import Iterator, Sequence
from typing import Any

from harness import dns, network, operator, pods, process, truthtable
from harness.cluster import Cluster
from harness.pods import Destination, Pod

POLICY = "wall"
BACKENDS = ("NetworkPolicy", "ClusterNetworkPolicy", "Cilium")
KINDS = dict(zip(BACKENDS, ("networkpolicy", "clusternetworkpolicy", "ciliumclusterwidenetworkpolicy"), strict=True))
LABEL = {"sovereignty": "governed"}
OWNED = f"bolwerk.dev/policy={POLICY},app.kubernetes.io/component=wall"
"""Selects the objects of the policy's wall, of whatever kind."""
GOVERNED, UNGOVERNED, ECHO = Pod("governed", "app"), Pod("ungoverned", "app"), Pod("services", "echo")
PATIENCE = 90.0  # seconds for a change of the policy to be in force everywhere

OUTSIDE_TCP = Destination("outside TCP 443", "tcp", network.WORLD, network.WORLD_PORT)
OUTSIDE_UDP = Destination("outside UDP 443", "datagram", network.WORLD, network.WORLD_PORT)
OUTSIDE_TCP_IPV6 = Destination("outside IPv6 TCP", "tcp", network.WORLD_IPV6, network.WORLD_PORT)
OUTSIDE_UDP_IPV6 = Destination("outside IPv6 UDP", "datagram", network.WORLD_IPV6, network.WORLD_PORT)
PROXY = Destination(
    "forward proxy", "proxy", network.PROXY, network.PROXY_PORT, onward=f"{network.WORLD}:{network.WORLD_PORT}"
)
_ALLOWED = (
    Destination("in cluster", "tcp", f"{ECHO.name}.{ECHO.namespace}.svc.{dns.DOMAIN}", pods.SERVICE_PORT),
    Destination("cluster DNS", "name", "registry.example.", 443),
    Destination("internal", "tcp", network.INTERNAL, network.INTERNAL_PORT),
    Destination("internal IPv6", "tcp", network.INTERNAL_IPV6, network.INTERNAL_PORT),
)
OUTSIDE = (
    OUTSIDE_TCP,
    OUTSIDE_TCP_IPV6,
    OUTSIDE_UDP,
    OUTSIDE_UDP_IPV6,
    PROXY,
    Destination("outside resolver", "resolver", network.RESOLVER, 53),
)
# No pod, and in no declared network. A network policy of Cilium takes the node that a pod is on for no network at all,
# which the status says among the limits; only a NetworkPolicy, which allows and never denies, holds it.
_OWN_NODE = Destination("own node", "tcp", network.NODE, 10250)
DESTINATIONS = (*_ALLOWED, *OUTSIDE, _OWN_NODE)


def policy(backend: str, mode: str, **internal: Sequence[str]) -> dict[str, Any]:
    """Return the SovereigntyPolicy of the experiment."""
    return {
        "apiVersion": "bolwerk.dev/v1alpha1",
        "kind": "SovereigntyPolicy",
        "metadata": {"name": POLICY},
        "spec": {
            "namespaceSelector": {"matchLabels": LABEL},
            "mode": mode,
            "internal": {
                "networks": ["10.201.0.0/24", "2001:db8:201::/64"],
                "forwardProxies": [f"{network.PROXY}/32"],
                **internal,
            },
            "enforcement": {"backend": backend},
        },
    }


def expected(backend: str, mode: str, *, governed: Sequence[Pod] = (GOVERNED,)) -> truthtable.Cells:
    """Return what every pod should get through to."""
    blocked = {destination.name for destination in OUTSIDE} if mode == "Enforce" else set()
    if (backend, mode) == ("NetworkPolicy", "Enforce"):
        blocked.add(_OWN_NODE.name)
    return {
        (str(pod), destination.name): "blocked" if pod in governed and destination.name in blocked else "through"
        for pod, destination in itertools.product((*governed, UNGOVERNED), DESTINATIONS)
    }


def open_to(*open_pods: Pod) -> truthtable.Cells:
    """Return the table of pods that nothing stops."""
    return {(str(pod), destination.name): "through" for pod, destination in itertools.product(open_pods, DESTINATIONS)}


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A cluster with the pods of the experiment in it."""

    cluster: Cluster

    def apply(self, backend: str, mode: str) -> None:
        """Apply the policy and wait until its status says that this very one is in force and no other any more."""
        started = time.monotonic()
        self.cluster.apply(policy(backend, mode))
        process.wait_for(lambda: self._in_force(backend), what=f"{backend} to be in force", seconds=PATIENCE, every=0.2)
        print(f"\n    {backend}, {mode}: in force after {time.monotonic() - started:.1f} s", flush=True)

    def conditions(self) -> dict[str, dict[str, Any]]:
        """Return the policy's conditions by type."""
        return {each["type"]: each for each in self._policy().get("status", {}).get("conditions", [])}

    def measure(
        self,
        title: str,
        wanted: truthtable.Cells,
        *,
        destinations: Sequence[Destination] = DESTINATIONS,
        seconds: float = PATIENCE,
    ) -> None:
        """Measure until the table is as wanted and show it; where something should be blocked, measure once more.

        Raises
        ------
        AssertionError
            A cell differs in the second measurement, or one still does after the given seconds.
        """
        started = time.monotonic()
        probers = [Pod(*name.split("/")) for name in dict.fromkeys(row for row, _ in wanted)]
        seen: list[truthtable.Table] = []

        def settled() -> bool:
            observed = pods.observe(self.cluster, probers, destinations)
            seen.append(truthtable.Table(f"{title} ({time.monotonic() - started:.1f} s)", wanted, observed))
            return not seen[-1].differences()

        with contextlib.suppress(TimeoutError):  # what differs says more
            process.wait_for(settled, what=title, seconds=seconds)
            if "blocked" in wanted.values():
                settled()
        print(f"\n    {seen[-1]}", flush=True)
        assert not seen[-1].differences(), seen[-1].differences()

    def outside_contacts(self) -> int:
        """Return how often anybody got through to the outside or to the proxy so far, the cluster's DNS left out."""
        outside = sum(contact.service in {"https", "datagram"} for contact in self.cluster.world.contacts())
        return outside + sum(contact.service == "proxy" for contact in self.cluster.internal.contacts())

    def objects(self, backend: str) -> list[str]:
        """Return the names of the policy's objects of a backend."""
        asked = ("get", KINDS[backend], "--all-namespaces", f"--selector={OWNED}", "--output=name")
        return self.cluster.control_plane.kubectl(*asked).split()

    def delete_wall(self) -> None:
        """Delete every object of the wall, as somebody with all rights could."""
        kinds = ",".join(KINDS.values())
        self.cluster.control_plane.kubectl("delete", kinds, "--all-namespaces", f"--selector={OWNED}", "--wait=false")

    def wait_for_condition(self, type_: str, status: str) -> None:
        """Wait until the policy has a condition with this status."""
        process.wait_for(
            lambda: self.conditions().get(type_, {}).get("status") == status,
            what=f"{type_} to be {status}",
            seconds=PATIENCE,
            every=0.2,
        )

    @contextlib.contextmanager
    def operator_down(self) -> Iterator[None]:
        """Scale the operator to nothing for as long as the block lasts; wait for it to be back."""
        started = time.monotonic()
        plane = self.cluster.control_plane
        scale = ("scale", f"deployment/{operator.RELEASE}", f"--namespace={operator.NAMESPACE}")
        plane.kubectl(*scale, "--replicas=0")
        try:
            process.wait_for(
                lambda: not self.cluster.pods(operator.NAMESPACE, operator.SELECTOR),
                what="the operator to be gone",
                seconds=90,
                every=0.2,
            )
            print(f"\n    the operator is gone after {time.monotonic() - started:.1f} s", flush=True)
            yield
        finally:
            started = time.monotonic()
            plane.kubectl(*scale, "--replicas=2")
            plane.kubectl("rollout", "status", *scale[1:], "--timeout=120s")
            print(f"    the operator is back after {time.monotonic() - started:.1f} s", flush=True)

    def _policy(self) -> dict[str, Any]:
        return self.cluster.get("sovereigntypolicy", POLICY, "default") or {}

    def _in_force(self, backend: str) -> bool:
        found = self._policy()
        status, conditions = found.get("status", {}), self.conditions()
        return (
            status.get("observedGeneration") == found["metadata"]["generation"]
            and status.get("backend") == backend
            and conditions.get("Ready", {}).get("status") == "True"
            and "Reconciling" not in conditions
        )


def prepare(cluster: Cluster) -> Experiment:
    """Make the pods and wait until they run."""
    pods.prepare(
        cluster,
        pods.namespace(GOVERNED.namespace, **LABEL),
        pods.namespace(UNGOVERNED.namespace),
        pods.namespace(ECHO.namespace),
    )
    cluster.apply(
        pods.prober(GOVERNED),
        pods.prober(UNGOVERNED),
        pods.prober(ECHO, "serve", str(pods.SERVICE_PORT)),
        pods.service(ECHO),
    )
    for pod in (GOVERNED, UNGOVERNED, ECHO):
        cluster.wait_for_pods(pod.namespace, pod.name)
    return Experiment(cluster)
