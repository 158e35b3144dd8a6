"""Arithmetic on networks: parsing what people typed, and cutting holes into address space.

Called by the intent and by the renderers. What a policy may say is decided here and in the CRD's CEL rules; where CEL
cannot look (one list against the other), only here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from itertools import batched, combinations
from typing import TypeAlias

__all__ = [
    "EVERYTHING",
    "InvalidPolicyError",
    "Network",
    "contains",
    "holes",
    "merged",
    "of_version",
    "overlap",
    "parse",
    "reaches_outside",
]

Network: TypeAlias = IPv4Network | IPv6Network

EVERYTHING: tuple[Network, ...] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
"""All addresses, a network for each family."""
