"""Child processes that cannot outlive their parent, and waiting with a bound.

Used by everything in the harness that starts a server. Only processes started here are ever ended, by their own
id. Start children from a thread that lives as long as they should: the kernel ends them with it.
"""

import contextlib
import dataclasses
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


class ChildEndedError(RuntimeError):
    """A server ended that should be running; the message holds the end of its log."""


@dataclasses.dataclass(frozen=True)
class Child:
    """A running server and its log."""

    name: str
    log: Path
    popen: subprocess.Popen[bytes]

    def check(self) -> None:
        """Raise when the server is no longer running."""
        if self.popen.poll() is not None:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
            told = "\n".join(lines)
            raise ChildEndedError(f"{self.name} ended with {self.popen.returncode}; the end of {self.log}:\n{told}")

    def end(self) -> None:
        """End the server hard: a graceful stop of the API server waits up to a minute for its watchers."""
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Child:
    """Start a server whose output is appended to a log file."""
    # The kernel ends the child when this process dies, however it dies. Elsewhere than on Linux, `end` must do.
    prefix = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    with log.open("ab") as output:
        popen = subprocess.Popen(
            [*prefix, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            cwd=directory,
            process_group=0,  # a Ctrl-C on the terminal is for the parent, which ends its children in order
        )
    return Child(name, log, popen)


def wait_for(
    condition: Callable[[], T | None], *, what: str, seconds: float, children: Iterable[Child] = (), every: float = 0.05
) -> T:
    """Wait until the condition gives something true, and return that.

    Raises
    ------
    ChildEndedError
        One of the children that should make it true has ended.
    TimeoutError
        It did not become true within the given seconds.
    """
    watched = list(children)
    deadline = time.monotonic() + seconds
    while True:
        for child in watched:
            child.check()
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            logs = "; see " + ", ".join(str(child.log) for child in watched) if watched else ""
            raise TimeoutError(f"waited {seconds:.0f} s in vain for {what}{logs}")
        time.sleep(every)


def free_port(address: str = "127.0.0.1") -> int:
    """Return a TCP port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


def is_port_free(port: int, address: str = "127.0.0.1") -> bool:
    """Tell whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True


def clean_up_on_sigterm() -> None:
    """Make SIGTERM unwind the stack as Ctrl-C does, so that context managers end what they started."""

    def leave(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)


def local_environment(extra: Mapping[str, str], *, address: str = "127.0.0.1") -> dict[str, str]:
    """Return this process' environment with additions, for programs that must talk to this machine only."""
    environment = {**os.environ, **extra}
    # A proxy for the outside must not be asked for a server on this machine, nor a pod's own cluster found.
    for name in ("NO_PROXY", "no_proxy"):
        environment[name] = ",".join(filter(None, [environment.get(name), "127.0.0.1", "localhost", address]))
    with contextlib.suppress(KeyError):
        del environment["KUBERNETES_SERVICE_HOST"]
    return environment
