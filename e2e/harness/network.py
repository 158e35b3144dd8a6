"""The cables of the real node: network namespaces inside the sandbox, and what stands outside the cluster.

Used by harness.node and the scenarios. The sandbox itself plays the router between them, and the control plane runs on
it; nothing is connected to this machine's own network. Addresses of the world are those that are reserved for
documentation, so no packet could mean a real provider. Everything but the resolver and the proxy has an IPv6 address
too (2001:db8:200::, :113::, :201:: in the same order, pods 2001:db8:244::/48, Services 2001:db8:96::/112).

    sandbox 10.200.0.1 ──── 10.200.0.2 node (kubelet, containerd, Cilium, pods 10.244.0.0/16)
            203.0.113.1 ─── 203.0.113.10 world: HTTPS on 443 and 8443, datagrams on 443; 203.0.113.53 a resolver
                            203.0.113.11 its neighbour: HTTPS on 443
            10.201.0.1 ──── 10.201.0.10 internal: HTTPS on 443; 10.201.0.20 a forward proxy on 3128
"""

import contextlib
import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness import process, sandbox

CONTROL_PLANE = "10.200.0.1"
NODES = ("node-1", "node-2")
NODE = "10.200.0.2"
NODE_IPV6 = "2001:db8:200::2"
SECOND_NODE = "10.202.0.2"
SECOND_NODE_IPV6 = "2001:db8:202::2"
WORLD = "203.0.113.10"
WORLD_IPV6 = "2001:db8:113::10"
WORLD_PORT = 443
OTHER_PORT = 8443
NEIGHBOUR = "203.0.113.11"
RESOLVER = "203.0.113.53"
INTERNAL = "10.201.0.10"
INTERNAL_IPV6 = "2001:db8:201::10"
INTERNAL_PORT = 443
PROXY = "10.201.0.20"
PROXY_PORT = 3128
PODS = "10.244.0.0/16"
PODS_IPV6 = "2001:db8:244::/48"
SERVICES = "10.96.0.0/16,2001:db8:96::/112"
# IPv4's HTTPS comes up last, so where it answers all do.
_OUTSIDE_SERVICES = (
    *(f"https=[{WORLD_IPV6}]:{WORLD_PORT}", f"datagram=[{WORLD_IPV6}]:{WORLD_PORT}", f"resolver={RESOLVER}:53"),
    *(f"https={WORLD}:{OTHER_PORT}", f"https={NEIGHBOUR}:{WORLD_PORT}"),
    *(f"datagram={WORLD}:{WORLD_PORT}", f"https={WORLD}:{WORLD_PORT}"),
)
_INTERNAL_SERVICES = (
    *(f"https=[{INTERNAL_IPV6}]:{INTERNAL_PORT}", f"proxy={PROXY}:{PROXY_PORT}"),
    f"https={INTERNAL}:{INTERNAL_PORT}",
)


@dataclasses.dataclass(frozen=True)
class Namespace:
    """A network namespace that programs can be started in."""

    name: str

    def inside(self, *command: str | Path) -> list[str | Path]:
        """Return the command that runs another one in here.

        Not `ip netns exec`: that mounts a new /sys, and the kubelet would not find the control groups there.
        """
        return ["nsenter", f"--net=/run/netns/{self.name}", "--", *command]


@dataclasses.dataclass(frozen=True)
class Place(Namespace):
    """The namespace of a node, and the addresses that it has there."""

    ipv4: str
    ipv6: str

    def route(self, *pods: str) -> None:
        """Let everybody outside find networks of pods behind this node."""
        for each in pods:
            _ip("route", "replace", each, "via", self.ipv6 if ":" in each else self.ipv4)


@dataclasses.dataclass(frozen=True)
class Contact:
    """Somebody got through: to which kind of service, from which address, and when (seconds since 1970)."""

    service: str
    source: str
    at: float


@dataclasses.dataclass(frozen=True)
class World:
    """What is outside the cluster, and who managed to contact it."""

    log: Path

    def contacts(self) -> list[Contact]:
        """Return all contacts so far, in order."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [Contact(said["service"], said["from"], said["at"]) for said in map(json.loads, lines)]

    def connections(self) -> list[str]:
        """Return the addresses that connected to its HTTPS so far, in order."""
        return [contact.source for contact in self.contacts() if contact.service == "https"]


@dataclasses.dataclass(frozen=True)
class Network:
    """The namespaces and what is in them."""

    node: Place
    second: Place
    """For a second node."""
    world: World
    internal: World
    """Of the declared internal network; a forward proxy stands in it too."""


@contextlib.contextmanager
def laid() -> Iterator[Network]:
    """Lay the cables and start the servers; the namespaces end with the sandbox."""
    place = sandbox.folder()
    node, second = Place(NODES[0], NODE, NODE_IPV6), Place(NODES[1], SECOND_NODE, SECOND_NODE_IPV6)
    world, internal = Namespace("world"), Namespace("internal")
    for forwarding in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
        Path("/proc/sys/net", forwarding).write_text("1", encoding="ascii")
    _connect(node, (CONTROL_PLANE, "2001:db8:200::1"), node.ipv4, node.ipv6)
    _connect(second, ("10.202.0.1", "2001:db8:202::1"), second.ipv4, second.ipv6)
    _connect(world, ("203.0.113.1", "2001:db8:113::1"), WORLD, NEIGHBOUR, RESOLVER, WORLD_IPV6)
    _connect(internal, ("10.201.0.1", "2001:db8:201::1"), INTERNAL, PROXY, INTERNAL_IPV6)
    with contextlib.ExitStack() as servers:
        for namespace, services in ((world, _OUTSIDE_SERVICES), (internal, _INTERNAL_SERVICES)):
            servers.callback(_serve(namespace, services, place).end)
        yield Network(node, second, World(_log(world, place)), World(_log(internal, place)))


def _connect(namespace: Namespace, routers: Sequence[str], *addresses: str) -> None:
    name = namespace.name
    _ip("netns", "add", name)
    _ip("link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
    for router in routers:
        _ip("address", "add", *_with_prefix(router), "dev", f"to-{name}")
    for address in addresses:
        _ip("-n", name, "address", "add", *_with_prefix(address), "dev", "eth0")
    _ip("link", "set", f"to-{name}", "up")
    for device in ("eth0", "lo"):
        _ip("-n", name, "link", "set", device, "up")
    for router in routers:
        _ip("-n", name, "route", "add", "default", "via", router)


def _with_prefix(address: str) -> list[str]:
    # Nobody else can have it, so nobody is asked whether it is taken.
    return [f"{address}/64", "nodad"] if ":" in address else [f"{address}/24"]


def _log(namespace: Namespace, place: Path) -> Path:
    return place / f"{namespace.name}.jsonl"


def _serve(namespace: Namespace, services: Sequence[str], place: Path) -> process.Child:
    key, certificate = place / "world.key", place / "world.crt"
    if not key.exists():
        asked = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        asked += ["-days", "2", "-subj", "/CN=api.example", "-keyout", str(key), "-out", str(certificate)]
        subprocess.run(asked, check=True, capture_output=True)
    log = _log(namespace, place)
    log.touch()
    command = namespace.inside(sys.executable, "-m", "harness.world", log, certificate, key, *services)
    server = process.start(namespace.name, command, log=place / f"{namespace.name}.log")
    address = services[-1].partition("=")[2]
    process.wait_for(
        lambda: (
            subprocess.run(
                ["curl", "--silent", "--insecure", "--max-time", "2", f"https://{address}/"],
                check=False,
                capture_output=True,
            ).returncode
            == 0
        ),
        what=f"what is in the namespace {namespace.name} to answer",
        seconds=30,
        children=[server],
    )
    log.write_text("", encoding="utf-8")
    return server


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
