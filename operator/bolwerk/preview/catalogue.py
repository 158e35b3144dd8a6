"""The catalogue as a command line sees it: the shipped one, a site's overlay, and a policy's choice, all from files."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from bolwerk.api.sovereigntypolicy import SovereigntyPolicySpec
from bolwerk.core.catalogue import (
    Catalogue,
    CatalogueError,
    Decisions,
    decisions,
    overlay_text,
    parse,
    with_overlay,
)
from bolwerk.core.catalogue.names import normal
from bolwerk.core.invalid import InvalidSpecError, parsed
from bolwerk.core.kinds import SOVEREIGNTY_POLICY
from bolwerk.data import catalogue_text
from bolwerk.preview.documents import overlay, read
from bolwerk.preview.refused import RefusedError

__all__ = ["host_in", "known_names", "policy_decisions"]


def known_names(overlay_file: Path | None) -> Catalogue:
    """Return the shipped catalogue, with an overlay laid on it where one is handed in.

    Raises
    ------
    RefusedError
        When the overlay cannot be used.
    """
    shipped = parse(catalogue_text())
    if overlay_file is None:
        return shipped
    _, config_map = overlay(overlay_file, "default")
    try:
        return with_overlay(shipped, overlay_text(config_map))
    except CatalogueError as error:
        raise RefusedError(f"{overlay_file}: {error}") from error


def policy_decisions(known: Catalogue, file: Path) -> Decisions:
    """Return what the SovereigntyPolicy in a file does about each group.

    Raises
    ------
    RefusedError
        When there is none, or more than one, or it cannot decide.
    """
    policies = [manifest for ref, manifest in read([file]) if ref.kind == SOVEREIGNTY_POLICY]
    if len(policies) != 1:
        raise RefusedError(f"{file}: has {len(policies)} SovereigntyPolicies; exactly one has to decide")
    try:
        return decisions(known, parsed(SovereigntyPolicySpec, policies[0].get("spec")).catalogue)
    except InvalidSpecError as error:
        raise RefusedError(f"{file}: {error}") from error


def host_in(text: str) -> str:
    """Return the host that a name, a name with a port, or a URL names.

    Raises
    ------
    RefusedError
        When it names none.
    """
    try:
        host = normal(urlsplit(text if "//" in text else f"//{text}").hostname or "")
    except ValueError:  # a bracket or a port that is none
        host = None
    if host is None:
        raise RefusedError(f"{text!r} names no host; write a name such as api.example.com, or a URL")
    return host
