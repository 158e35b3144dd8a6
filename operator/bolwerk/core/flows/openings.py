"""Which exceptions cover a flow: the same holes that the wall is given, and the same judgement of time.

An exception covers what it asks for, in its term, if the operator has ever opened it: one that nobody approved covers
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bolwerk.core.catalogue import Catalogue
from bolwerk.core.egress.hole import Hole, Ports
from bolwerk.core.exceptions.holes import hole_of
from bolwerk.core.exceptions.validity import is_active, term
from bolwerk.core.flows.outward import Outward
from bolwerk.core.invalid import InvalidSpecError
from bolwerk.core.selectors import matches

__all__ = ["Opening", "openings"]

LEEWAY = timedelta(seconds=60)
"""By so much may a node's clock and the operator's differ, and the operator write later than it acts."""


@dataclass(frozen=True, slots=True)
class Opening:
    """An exception, and what it opens."""

    exception: Mapping[str, Any]
    hole: Hole

    def is_for(self, flow: Outward) -> bool:
        """Whether the pod is one of its subject."""
        account = self.hole.service_account
        return (account is None or account == flow.service_account) and matches(self.hole.pod_selector, flow.labels)

    def leads_to(self, flow: Outward) -> bool:
        """Whether the destination is one of its own."""
        return any(flow.address in network and _has(ports, flow) for network, ports in self.hole.networks) or any(
            _has(ports, flow) and _named(domain, flow.names) for domain, ports in self.hole.domains
        )

    def covers(self, at: datetime) -> bool:
        """Whether it is one that was opened, and in its term at that moment."""
        return self._opened is not None and is_active(self.exception, at)

    def was_told_open(self, at: datetime) -> bool:
        """Whether the status says that it was open at that moment; it knows only of the last opening."""
        opened, closed = self._opened, _instant(self.exception, "closedAt")
        return opened is not None and opened - LEEWAY <= at and (closed is None or at <= closed + LEEWAY)

    @property
    def near(self) -> str:
        """Why it does not cover what it is for."""
        if self._opened is None:
            return f"{self.hole.address} asks for this, and the operator has not told that it was ever opened"
        begin, end = term(self.exception)
        return f"{self.hole.address} is for this, in another term: from {begin} until {end}"

    @property
    def _opened(self) -> datetime | None:
        return _instant(self.exception, "openedAt")


def openings(exceptions: Iterable[Mapping[str, Any]], catalogue: Callable[[str], Catalogue]) -> Iterator[Opening]:
    """Yield what exceptions open; what means nothing was never opened and covers nothing.

    Parameters
    ----------
    catalogue
        Which one is in use in a namespace.
    """
    for exception in exceptions:
        try:
            hole, _ = hole_of(exception, partial(catalogue, exception["metadata"]["namespace"]))
        except InvalidSpecError:
            continue
        yield Opening(exception, hole)


def _has(ports: Ports, flow: Outward) -> bool:
    return (flow.protocol, flow.port) in ports


def _named(domain: str, names: Iterable[str]) -> bool:
    if domain.startswith("*."):
        return any(name.endswith(domain[1:]) for name in names)
    return domain in names


def _instant(exception: Mapping[str, Any], field: str) -> datetime | None:
    """Return when the operator wrote something down: its own dates, not those of the term."""
    text = (exception.get("status") or {}).get(field)
    try:
        instant = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return instant if instant is not None and instant.tzinfo is not None else None
