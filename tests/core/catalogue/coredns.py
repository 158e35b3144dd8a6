"""A real CoreDNS on the loopback, as a platform runs it: one server block for the pods, which imports the snippet.

Behind it stands a second block that knows an answer to every name, so that nothing leaves the machine.
"""

from __future__ import annotations

import re
import socket
import struct
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.process import wait_for

NXDOMAIN, NOERROR = 3, 0
PATIENCE_SECONDS = 20.0

_COREFILE = """
(bolwerk-answers) {{
    forward . 127.0.0.1:{upstream}
    prometheus 127.0.0.1:{metrics}
}}
import {folder}/*.views
.:{port} {{
    bind 127.0.0.1
    errors
    import bolwerk-answers
    import {folder}/*.override
}}
.:{upstream} {{
    bind 127.0.0.1
    template IN A . {{
        answer "{{{{ .Name }}}} 60 IN A 192.0.2.1"
    }}
}}
"""


@dataclass(frozen=True)
class Answer:
    """What CoreDNS said: the response code, how many records, and the text of the extended error."""

    rcode: int
    records: int
    reason: str


@dataclass
class CoreDns:
    port: int
    metrics: int
    output: Path

    def ask(self, name: str) -> Answer:
        header = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 1)
        labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
        extended = struct.pack(">BHHIH", 0, 41, 4096, 0, 0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(5)
            asking.sendto(header + labels + struct.pack(">BHH", 0, 1, 1) + extended, ("127.0.0.1", self.port))
            reply = asking.recv(4096)
        text = re.search(rb"[a-z0-9-]+: refused by [ -~]+", reply)
        return Answer(reply[3] & 15, int.from_bytes(reply[6:8], "big"), text[0].decode() if text else "")

    def counted(self, metric: str, label: str) -> dict[str, int]:
        """Return a counter of the pods' server by the value of a label."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics") as page:
            lines = page.read().decode().splitlines()
        found: dict[str, int] = {}
        for line in lines:
            if line.startswith(f"{metric}{{") and f":{self.port}" in line:
                value = re.search(rf'{label}="([^"]*)"', line)
                assert value
                found[value[1]] = found.get(value[1], 0) + int(float(line.rsplit(" ", 1)[1]))
        return found

    def wait_for_line(self, line: str) -> None:
        """Wait until a line is in the log: CoreDNS writes it after it has answered."""
        wait_for(lambda: line in self.log(), what=f"{line!r} in the log of CoreDNS", seconds=PATIENCE_SECONDS)

    def wait_until_counted(self, want: Mapping[str, int]) -> None:
        """Wait until so many questions of each view are counted: CoreDNS counts each after it has answered."""

        def counted() -> bool:
            found = self.counted("coredns_dns_requests_total", "view")
            return all(found.get(view, 0) >= count for view, count in want.items())

        wait_for(counted, what=f"CoreDNS to count {dict(want)}", seconds=PATIENCE_SECONDS)

    def log(self) -> str:
        return self.output.read_text(encoding="utf-8")


@contextmanager
def running(program: Path, folder: Path, data: Mapping[str, str]) -> Iterator[CoreDns]:
    """Run CoreDNS with the values of a ConfigMap imported."""
    port, upstream, metrics = _free_ports(3)
    imported = folder / "custom"
    imported.mkdir()
    for key, value in data.items():
        # Where a server block of the snippet names a port, it is the pods'; here that is another.
        (imported / key).write_text(value.replace(".:53 {", f".:{port} {{\n    bind 127.0.0.1"), encoding="utf-8")
    corefile = folder / "Corefile"
    corefile.write_text(
        _COREFILE.format(port=port, upstream=upstream, metrics=metrics, folder=imported), encoding="utf-8"
    )
    output = folder / "output"
    with output.open("wb") as file:
        process = subprocess.Popen([program, "-conf", corefile], stdout=file, stderr=subprocess.STDOUT)
    server = CoreDns(port, metrics, output)
    try:
        _await_answer(server, process)
        yield server
    finally:
        process.kill()  # asked politely, it waits five seconds for clients that there are not
        process.wait(PATIENCE_SECONDS)


def _await_answer(server: CoreDns, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            server.ask("ready.example.org")
            server.counted("coredns_dns_requests_total", "view")
        except OSError as error:  # refused, or no reply: not listening yet
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"CoreDNS does not answer: {server.log()}") from error
            time.sleep(0.05)
        else:
            return


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    try:
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in held]
    finally:
        for each in held:
            each.close()
