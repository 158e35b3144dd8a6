"""What differs between installations, as CEL: the chart fills it in where the objects come from a file."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Installation"]


@dataclass(frozen=True, slots=True)
class Installation:
    """One installation of Bolwerk.

    Attributes
    ----------
    name
        What the names of all objects begin with.
    operator
        CEL: the user name of the operator.
    attesters
        CEL: the list of the user names of the ServiceAccounts that may pass on what Git attests.
    """

    name: str
    operator: str
    attesters: str
