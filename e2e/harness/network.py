"""The cables of the real node: network namespaces inside the sandbox, and a server in the outside world.

Used by harness.node and the scenarios. The sandbox itself plays the router between the node and the world, and the
control plane runs on it; nothing is connected to this machine's own network. Addresses of the world are those that
are reserved for documentation, so no packet could mean a real provider.

    sandbox 10.200.0.1 ──── 10.200.0.2 node (kubelet, containerd, Cilium, pods 10.244.0.0/16)
            203.0.113.1 ─── 203.0.113.10:443 world
"""

import contextlib
import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from harness import process, sandbox

CONTROL_PLANE = "10.200.0.1"
NODE = "10.200.0.2"
WORLD = "203.0.113.10"
WORLD_PORT = 443
PODS = "10.244.0.0/16"
_WORLD_ROUTER = "203.0.113.1"


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
class World:
    """The outside world, and who managed to connect to it."""

    log: Path

    def connections(self) -> list[str]:
        """Return the addresses that connected so far, in order."""
        return [json.loads(line)["from"] for line in self.log.read_text(encoding="utf-8").splitlines()]


@dataclasses.dataclass(frozen=True)
class Network:
    """The namespaces and what is in them."""

    node: Namespace
    world: World


@contextlib.contextmanager
def laid() -> Iterator[Network]:
    """Lay the cables and start the world's server; the namespaces end with the sandbox."""
    place = sandbox.folder()
    node, world = Namespace("node"), Namespace("world")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="ascii")
    _connect(node, router=CONTROL_PLANE, address=NODE)
    _connect(world, router=_WORLD_ROUTER, address=WORLD)
    # Pods reach the world under the node's address; should one not be masqueraded, its answers still find it.
    _ip("route", "add", PODS, "via", NODE)
    server = _serve(world, place)
    try:
        yield Network(node, World(place / "world.jsonl"))
    finally:
        server.end()


def _connect(namespace: Namespace, *, router: str, address: str) -> None:
    name = namespace.name
    _ip("netns", "add", name)
    _ip("link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
    _ip("address", "add", f"{router}/24", "dev", f"to-{name}")
    _ip("link", "set", f"to-{name}", "up")
    _ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
    _ip("-n", name, "link", "set", "eth0", "up")
    _ip("-n", name, "link", "set", "lo", "up")
    _ip("-n", name, "route", "add", "default", "via", router)


def _serve(world: Namespace, place: Path) -> process.Child:
    key, certificate, accepted = place / "world.key", place / "world.crt", place / "world.jsonl"
    accepted.touch()
    asked = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    asked += ["-subj", "/CN=api.example", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(asked, check=True, capture_output=True)
    command = world.inside(sys.executable, "-m", "harness.world", str(WORLD_PORT), certificate, key, accepted)
    server = process.start("world", command, log=place / "world.log")
    process.wait_for(
        lambda: (
            subprocess.run(
                ["curl", "--silent", "--insecure", "--max-time", "2", f"https://{WORLD}/"], check=False
            ).returncode
            == 0
        ),
        what="the outside world to answer",
        seconds=30,
        children=[server],
    )
    accepted.write_text("", encoding="utf-8")
    return server


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
