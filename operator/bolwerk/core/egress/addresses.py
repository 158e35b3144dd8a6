"""Sets of addresses of both families, to ask what lies within what.

Called by the intent, the renderers and the search for rules that reopen a wall: a cluster has thousands of these, and
comparing network with network takes seconds then.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from bolwerk.core.egress.networks import EVERYTHING, Network

__all__ = ["ALL", "NONE", "Addresses"]

FAMILY_BITS = 128
"""Both families lie on one line of numbers, IPv6 beyond all of IPv4."""

Span = tuple[int, int]
"""The first address and the one after the last."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Addresses as spans: in order, apart from each other, none empty."""

    spans: tuple[Span, ...] = ()

    @classmethod
    def of(cls, networks: Iterable[Network]) -> Self:
        """Return all addresses of the networks, which may overlap."""
        return cls(_joined(map(_span, networks)))

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __sub__(self, other: Addresses) -> Addresses:
        left: list[Span] = []
        for start, end in self.spans:
            rest = start
            for hole_start, hole_end in other.spans[other._before(start) :]:
                if hole_start >= end:
                    break
                if hole_start > rest:
                    left.append((rest, hole_start))
                rest = max(rest, hole_end)
            if rest < end:
                left.append((rest, end))
        return Addresses(tuple(left))

    def __or__(self, other: Addresses) -> Addresses:
        return Addresses(_joined((*self.spans, *other.spans)))

    def within(self, other: Addresses) -> bool:
        """Whether all of these addresses are among the others."""
        return not self - other

    def _before(self, start: int) -> int:
        """Return the index of the last span that begins at or before `start`, or the first one."""
        return max(0, bisect_right(self.spans, start, key=lambda span: span[0]) - 1)


def _span(network: Network) -> Span:
    first = (network.version << FAMILY_BITS) + int(network.network_address)
    return first, first + network.num_addresses


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


NONE = Addresses()
ALL = Addresses.of(EVERYTHING)
