"""Kubernetes quantities as exact numbers, parsed by the official client's own function."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from kubernetes.utils.quantity import parse_quantity

__all__ = ["MEBIBYTE", "same_quantity", "to_bytes"]

MEBIBYTE = 2**20
MOST = Decimal(2**63 - 1)
"""What the API server makes of any larger amount."""


def to_bytes(quantity: str | int) -> int:
    """Return a quantity such as `16Gi` in bytes, rounded up.

    Raises
    ------
    ValueError
        If it is none.
    """
    return math.ceil(_number(quantity))


def same_quantity(one: Any, other: Any) -> bool:
    """Whether both are quantities of the same amount: the API server rewrites `1024Mi` to `1Gi`."""
    try:
        return min(_number(one), MOST) == min(_number(other), MOST)
    except ValueError:
        return False


def _number(quantity: Any) -> Decimal:
    if isinstance(quantity, bool) or not isinstance(quantity, str | int):
        raise ValueError(f"{quantity!r} is no quantity")  # noqa: TRY004 - one error for every non-quantity
    number: Decimal = parse_quantity(quantity)  # type: ignore[no-untyped-call]
    return number
