"""A hole in the wall: what one approved exception opens, for as long as it is valid.

Made by `core.exceptions.holes`, rendered by every backend. A backend opens exactly this or less, never more: what it
cannot express stays closed, and a sentence says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar

from bolwerk.core.egress.networks import Network

__all__ = ["EXCEPTION_LABEL", "Hole", "Port", "Unopened", "by_ports"]

EXCEPTION_LABEL = "bolwerk.dev/exception-uid"
"""On every object that is a hole."""

UID_DIGITS = 12
"""Of a hole's name: enough to tell a thousand holes of one policy apart."""

Place = TypeVar("Place")


class Port(NamedTuple):
    """A port of a destination."""

    protocol: Literal["TCP", "UDP"]
    number: int


Ports: TypeAlias = tuple[Port, ...]
"""In order, none twice."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Who may reach what.

    Attributes
    ----------
    namespace, exception, uid
        The EgressException, and where its pods are.
    pod_selector
        Which pods of the namespace. Pods of LocalModels are left out of it: these stay sealed.
    service_account
        Only pods that run as this one, or None for all.
    networks, domains
        What they may reach, each on its ports. A domain is a name, or `*.` and a name: all under it, not itself.
    """

    namespace: str
    exception: str
    uid: str
    pod_selector: Mapping[str, Any]
    service_account: str | None = None
    networks: tuple[tuple[Network, Ports], ...] = ()
    domains: tuple[tuple[str, Ports], ...] = ()

    @property
    def suffix(self) -> str:
        """What the hole's objects are called after the policy's name."""
        return f"x-{self.uid.replace('-', '')[:UID_DIGITS]}"

    @property
    def address(self) -> str:
        """Namespace and name, as the status lists it."""
        return f"{self.namespace}/{self.exception}"

    @property
    def empty(self) -> bool:
        """Whether nothing is left that could be opened."""
        return not (self.networks or self.domains)


Unopened: TypeAlias = tuple[Hole, str]
"""A hole, and a sentence that says what of it stays closed, why, and what to write instead."""


def by_ports(openings: Iterable[tuple[Place, Ports]]) -> dict[Ports, list[Place]]:
    """Return what may be reached on the same ports, together: it makes one rule."""
    together: dict[Ports, list[Place]] = {}
    for place, ports in openings:
        places = together.setdefault(ports, [])
        if place not in places:
            places.append(place)
    return together
