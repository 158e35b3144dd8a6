"""Which names a probe asks the cluster's DNS for: one of each group of the catalogue that the policy refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from bolwerk.api.sovereigntypolicy import Catalogue as Choice
from bolwerk.core.catalogue import Catalogue, decisions
from bolwerk.core.catalogue.schema import Group
from bolwerk.core.invalid import InvalidSpecError
from bolwerk.core.policy.catalogue import catalogue_in_use
from bolwerk.core.policy.subject import Subject as Policy
from bolwerk.core.settings import Settings

__all__ = ["refused_names"]

MOST = 40
"""A termination message has room for as many answers."""


def refused_names(
    policy: Policy, overlay: Mapping[str, Any] | None, settings: Settings
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names, and remarks on those that are not asked for."""
    catalogue, _ = catalogue_in_use(overlay, settings)  # what is wrong with an overlay is said in the policy's status
    try:
        names, without = _names(catalogue, policy.spec.catalogue.model_dump_json())
    except InvalidSpecError as error:
        return (), (f"SovereigntyPolicy {policy.name}: no name was asked for: {error}",)
    remarks = []
    if len(names) > MOST:
        remarks.append(
            f"names of {len(names) - MOST} groups of the catalogue were not asked for: a run asks for {MOST}"
        )
    if without:
        remarks.append(f"groups of the catalogue that have patterns only, of which no name was asked for: {without}")
    return names[:MOST], tuple(remarks)


# Asked for again whenever something happens on a node, and each time the same.
@lru_cache(maxsize=16)
def _names(catalogue: Catalogue, choice: str) -> tuple[tuple[str, ...], str]:
    groups = decisions(catalogue, Choice.model_validate_json(choice)).groups("Refuse")
    first = {group.name: next(_candidates(group), "") for group in groups}
    return tuple(name for name in first.values() if name), ", ".join(group for group, name in first.items() if not name)


def _candidates(group: Group) -> Iterator[str]:
    """Yield names of a group; an example first, for a domain by itself may well have no address."""
    yield from group.examples.refused if group.examples else ()
    yield from group.suffixes
    yield from group.exact
