"""From the text of a catalogue file to a catalogue, with everything checked that holds across groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bolwerk.core.catalogue.catalogue import Catalogue
from bolwerk.core.catalogue.names import parents
from bolwerk.core.catalogue.patterns import Pattern, PatternError, compiled
from bolwerk.core.catalogue.reading import MOST_FAULTS, CatalogueError, read
from bolwerk.core.catalogue.schema import CatalogueFile, Group

__all__ = ["checked", "parse", "whole"]

PROTECTED = ("cluster.local", "in-addr.arpa", "ip6.arpa")
"""Never taken as a whole, by anybody: without them a cluster does not find its own services."""
UNRELATED = ("www", "bolwerk-test", "a", "x.y", "eu-west-1", "login.eu-west-1")
"""What stands before a shared domain in names that no group means."""


def parse(text: str) -> Catalogue:
    """Read a catalogue.

    Raises
    ------
    CatalogueError
        With a sentence that names the place of each fault.
    """
    file = read(text, CatalogueFile)
    return checked(
        Catalogue.of(
            version=file.version,
            groups=whole(file.groups.values(), file.shared_apexes),
            sources=file.sources,
            shared_apexes=file.shared_apexes,
            environment=file.environment,
        )
    )


def checked(catalogue: Catalogue) -> Catalogue:
    """Return the catalogue if its groups agree with each other, their sources and their examples.

    Raises
    ------
    CatalogueError
        If not.
    """
    _raise_if_any([*_repeated(catalogue.groups.values()), *_unsourced(catalogue), *_examples(catalogue)])
    return catalogue


def whole(groups: Iterable[Group], shared_apexes: Iterable[str]) -> list[Group]:
    """Return the groups if each makes sense alone.

    Raises
    ------
    CatalogueError
        If not.
    """
    listed = list(groups)
    apexes = (*PROTECTED, *shared_apexes)
    _raise_if_any([fault for group in listed for fault in _alone(group, apexes)])
    return listed


def _raise_if_any(faults: list[str]) -> None:
    if faults:
        more = len(faults) - MOST_FAULTS
        raise CatalogueError("; ".join(faults[:MOST_FAULTS]) + (f"; and {more} more" if more > 0 else ""))


def _alone(group: Group, apexes: tuple[str, ...]) -> Iterator[str]:
    if not group.size:
        yield f"groups.{group.name}: needs suffixes, exact or patterns"
    for variable, leads in group.environment.keys.items():
        if missing := sorted(set(leads) - set(group.environment.endpoints)):
            yield (
                f"groups.{group.name}.environment.keys.{variable}: {', '.join(missing)} has to stand in"
                " environment.endpoints too"
            )
    for text in group.patterns:
        try:
            pattern = compiled(text)
        except PatternError as error:
            yield f"groups.{group.name}.patterns: {text} {error}"
        else:
            yield from _swallowed(group, pattern, apexes)
    for apex in apexes:
        if covering := next((domain for domain in parents(apex) if domain in group.suffixes), None):
            yield f"groups.{group.name}.suffixes: {covering} takes all of the shared {apex}; name what is AI in it"
        if apex in group.exact:
            yield f"groups.{group.name}.exact: {apex} is shared; name what is AI in it"


def _swallowed(group: Group, pattern: Pattern, apexes: tuple[str, ...]) -> Iterator[str]:
    for apex in apexes:
        for name in (apex, *(f"{label}.{apex}" for label in UNRELATED)):
            if pattern.matches(name):
                yield f"groups.{group.name}.patterns: {pattern.text} matches {name}, in the shared {apex}; narrow it"
                break


def _repeated(groups: Iterable[Group]) -> Iterator[str]:
    owner: dict[tuple[str, str], str] = {}
    for group in groups:
        for kind in ("suffixes", "exact", "patterns"):
            for entry in getattr(group, kind):
                first = owner.setdefault((kind, entry), group.name)
                if first != group.name:
                    yield f"groups.{group.name}.{kind}: {entry} stands in group {first} already"


def _unsourced(catalogue: Catalogue) -> Iterator[str]:
    for group in catalogue.groups.values():
        if not group.sources:
            yield f"groups.{group.name}.sources: say where the entries come from"
        if unknown := sorted(set(group.sources) - set(catalogue.sources)):
            yield f"groups.{group.name}.sources: {', '.join(unknown)} is not among the file's sources"


def _examples(catalogue: Catalogue) -> Iterator[str]:
    for group in catalogue.groups.values():
        place = f"groups.{group.name}.examples"
        refused = group.examples.refused if group.examples else ()
        for pattern in catalogue.patterns(group.name):
            if not any(pattern.matches(name) for name in refused):
                yield f"{place}.refused: no example for the pattern {pattern.text}; show what it is for"
        for name in refused:
            match = catalogue.find(name)
            if match is None or match.group != group.name:
                yield f"{place}.refused: {name} belongs to {match or 'nothing'}"
        for name in group.examples.not_refused if group.examples else ():
            match = catalogue.find(name)
            if match and match.group == group.name:
                yield f"{place}.notRefused: {name} is matched by {match}"
