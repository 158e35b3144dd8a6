"""What is read off processes and the audit log, and the little arithmetic on it. Reads only; Linux only."""

import collections
import dataclasses
import math
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.audit import WRITES, AuditLog

_TICKS = os.sysconf("SC_CLK_TCK")
_KIB = 1024


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used, in the kernel's resolution of 10 ms."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS


def age_seconds(pid: int) -> float:
    """Return for how long a process has been there."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(_stat(pid)[19]) / _TICKS


def memory_bytes(pid: int, *, peak: bool = False) -> int:
    """Return the resident memory of a process, now or at its peak."""
    field = "VmHWM:" if peak else "VmRSS:"
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * _KIB
    raise ProcessLookupError(f"process {pid} has no memory: it has ended")


def _stat(pid: int) -> list[str]:
    # The second field, the name, may hold anything: what is counted starts behind its parenthesis.
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()


@dataclasses.dataclass(frozen=True)
class Spread:
    """Some figures of the same kind, in the order in which they were taken."""

    values: tuple[float, ...]

    def at(self, share: float) -> float:
        """Return the smallest value that at least this share of the values does not exceed (nearest rank)."""
        ordered = sorted(self.values)
        return ordered[max(math.ceil(share * len(ordered)), 1) - 1]

    @property
    def median(self) -> float:
        """The middle value; of an even number, the lower of the two in the middle."""
        return self.at(0.5)


@dataclasses.dataclass(frozen=True)
class Window:
    """What one user asked of the API server in a stretch of time, Leases apart."""

    first: float
    last: float
    last_write: float
    requests: collections.Counter[tuple[str, str]]
    failed: collections.Counter[tuple[str, str, int]]
    leases: int

    @property
    def writes(self) -> collections.Counter[tuple[str, str]]:
        """The requests that changed something, or tried to."""
        return collections.Counter({key: count for key, count in self.requests.items() if key[0] in WRITES})


def window(audit: AuditLog, since: int, *, user: str, resource: str = "") -> Window:
    """Read from the audit log what a user did after a mark; instants are the API server's own, in seconds.

    Watches are left out of the instants: one is logged when it ends.
    """
    requests: collections.Counter[tuple[str, str]] = collections.Counter()
    failed: collections.Counter[tuple[str, str, int]] = collections.Counter()
    first, last, last_write, leases = math.inf, -math.inf, -math.inf, 0
    for event in audit.events(since):
        name = _resource(event)
        if event["user"].get("username") != user or (resource and name != resource):
            continue
        if name == "leases":
            leases += event["verb"] in WRITES
            continue
        requests[event["verb"], name] += 1
        code = event.get("responseStatus", {}).get("code", 0)
        if code >= 400:
            failed[event["verb"], name, code] += 1
        if event["verb"] == "watch":
            continue
        first = min(first, _instant(event["requestReceivedTimestamp"]))
        last = max(last, _instant(event["stageTimestamp"]))
        if event["verb"] in WRITES:
            last_write = max(last_write, _instant(event["stageTimestamp"]))
    return Window(first, last, last_write, requests, failed, leases)


def _resource(event: dict[str, Any]) -> str:
    reference = event.get("objectRef", {})
    return "/".join(filter(None, (reference.get("resource", ""), reference.get("subresource"))))


def _instant(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
