"""Kubernetes quantities as exact numbers, parsed by the official client's own function."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from kubernetes.utils.quantity import parse_quantity

__all__ = ["MEBIBYTE", "same_quantity", "to_bytes", "to_quantity"]

MEBIBYTE = 2**20


def to_bytes(quantity: str | int) -> int:
    """Return a quantity such as `16Gi` in bytes, rounded up.

    Raises
    ------
    ValueError
        If it is none.
    """
    return math.ceil(_number(quantity))


def to_quantity(bytes_: int) -> str:
    """Return a whole number of mebibytes as a quantity, rounded up."""
    return f"{-(-bytes_ // MEBIBYTE)}Mi"


def same_quantity(one: Any, other: Any) -> bool:
    """Whether both are quantities of the same amount: the API server rewrites `1024Mi` to `1Gi`."""
    try:
        return _number(one) == _number(other)
    except ValueError:
        return False


def _number(quantity: Any) -> Decimal:
    if isinstance(quantity, bool) or not isinstance(quantity, str | int):
        raise ValueError(f"{quantity!r} is no quantity")  # noqa: TRY004 - one error for every non-quantity
    number: Decimal = parse_quantity(quantity)  # type: ignore[no-untyped-call]
    return number
