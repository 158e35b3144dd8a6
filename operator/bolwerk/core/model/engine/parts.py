"""What an engine contributes to its pod."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from bolwerk.api.engines import EnvironmentVariable

__all__ = ["CACHE", "EngineParts", "environment", "http_get"]

CACHE = "/cache"
"""The one writable folder that outlives a container restart."""


@dataclass(frozen=True, slots=True)
class EngineParts:
    """An engine's share of the pod.

    Attributes
    ----------
    user, group
        The numeric identity that the engine's own image is made for.
    command
        Program and arguments, never a shell's line.
    environment
        Kubernetes `env` entries.
    enforced
        Names of those that no patch may change.
    ports
        Container port by name; the first is where clients call.
    started
        The probe action that succeeds once the engine has given its first answer.
    answering
        The probe action that succeeds while the engine takes requests.
    alive
        The probe action that fails when only a restart can help.
    shared_memory
        Bound of /dev/shm, a quantity. It counts against the container's memory limit.
    client_path
        What clients append to the address.
    """

    image: str
    user: int
    group: int
    command: tuple[str, ...]
    environment: tuple[Mapping[str, Any], ...]
    enforced: Collection[str]
    ports: Mapping[str, int]
    started: Mapping[str, Any]
    answering: Mapping[str, Any]
    alive: Mapping[str, Any]
    shared_memory: str
    client_path: str


def http_get(path: str) -> dict[str, Any]:
    """Return the probe action that asks for `path` on the port named `http`."""
    return {"httpGet": {"path": path, "port": "http", "scheme": "HTTP"}}


def environment(
    fixed: Mapping[str, str], *, asked: tuple[EnvironmentVariable, ...], enforced: Mapping[str, str]
) -> tuple[dict[str, Any], ...]:
    """Return `env` entries: `fixed` may be overridden by what the user asks, `enforced` overrides both."""
    entries: dict[str, dict[str, Any]] = {name: {"name": name, "value": value} for name, value in fixed.items()}
    for variable in asked:
        entries[variable.name] = variable.model_dump(by_alias=True, exclude_none=True)
    entries |= {name: {"name": name, "value": value} for name, value in enforced.items()}
    return tuple(entries.values())
