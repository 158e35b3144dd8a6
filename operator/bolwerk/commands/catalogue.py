"""`bolwerk catalogue`: what is in the catalogue of external AI endpoints, and what it does about a name.

Answers offline, from the shipped catalogue and the overlay that is handed to it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bolwerk.commands.options import FILE

if TYPE_CHECKING:
    from bolwerk.core.catalogue import Catalogue, Decisions

__all__ = ["catalogue"]

NOT_ALL = 1
"""Exit status: the answer is no."""
NO_ANSWER = 2
"""Exit status: there is no answer, because what was asked or handed in is faulty; click's own for wrong usage."""


class _FaultyError(click.ClickException):
    exit_code = NO_ANSWER


@contextmanager
def _no_answer() -> Iterator[None]:
    """Turn what is wrong with what was handed in into a message and exit status 2."""
    from bolwerk.preview.refused import RefusedError

    try:
        yield
    except RefusedError as error:
        raise _FaultyError(str(error)) from error


@click.group()
def catalogue() -> None:
    """External AI endpoints by name: list the groups, test names, check an overlay. Needs no cluster."""


def _options(command: Callable[..., None]) -> Callable[..., None]:
    overlay = click.option(
        "--overlay", "overlay_file", type=FILE, help="A site's overlay: its text, or the ConfigMap that holds it."
    )
    output = click.option("--output", "-o", type=click.Choice(["text", "json"]), default="text", show_default=True)
    return overlay(output(command))


@catalogue.command("list")
@_options
def list_(*, overlay_file: Path | None, output: str) -> None:
    """List the groups, whose they are, how many names they have, and how old all that is."""
    from datetime import UTC, datetime

    from bolwerk.core.catalogue import age_days, stale
    from bolwerk.preview.catalogue import known_names

    with _no_answer():
        known = known_names(overlay_file)
    now = datetime.now(UTC)
    groups = [
        {
            "name": group.name,
            "title": group.title,
            "jurisdiction": group.jurisdiction,
            "purpose": group.purpose,
            "shared": group.shared,
            "entries": group.size,
        }
        for group in known.groups.values()
    ]
    about = {"version": known.version, "digest": known.digest, "ageDays": age_days(known, now)}
    if output == "json":
        _print_json({**about, "groups": groups})
        return
    _print_table(
        ("GROUP", "JURISDICTION", "PURPOSE", "SHARED", "ENTRIES", "TITLE"),
        (
            (each["name"], each["jurisdiction"], each["purpose"], "yes" if each["shared"] else "", each["entries"],
             each["title"])
            for each in groups
        ),
    )  # fmt: skip
    total = sum(group.size for group in known.groups.values())
    click.echo(f"\n{len(groups)} groups with {total} entries; catalogue {known.version}, {about['ageDays']} days old")
    click.echo(known.digest)
    if sentence := stale(known, now):
        click.echo(f"note: {sentence}", err=True)


@catalogue.command()
@click.argument("name", metavar="GROUP")
@_options
def show(*, name: str, overlay_file: Path | None, output: str) -> None:
    """Show everything that is known of one group."""
    import yaml

    from bolwerk.core.catalogue.spelling import nearest
    from bolwerk.preview.catalogue import known_names

    with _no_answer():
        known = known_names(overlay_file)
    if name not in known.groups:
        raise _FaultyError(f"there is no group {name}; {nearest(name, known.groups)}")
    group = known.groups[name].model_dump(mode="json", by_alias=True, exclude_defaults=True)
    group["sources"] = {
        key: known.sources[key].model_dump(mode="json", exclude_none=True) for key in group.get("sources", ())
    }
    if output == "json":
        _print_json(group)
    else:
        click.echo(yaml.safe_dump(group, sort_keys=False, allow_unicode=True, width=120), nl=False)


@catalogue.command()
@click.argument("hosts", metavar="HOST...", nargs=-1, required=True)
@click.option("--filename", "-f", "policy_file", type=FILE, help="Decide as the SovereigntyPolicy in this file does.")
@_options
def test(*, hosts: tuple[str, ...], policy_file: Path | None, overlay_file: Path | None, output: str) -> None:
    """Tell which group and entry of the catalogue each name (or URL) belongs to.

    Exit status: 0 if all of them are in the catalogue, with --filename if all of them are refused; 1 if not; 2 if
    something is no host name or a file is faulty.
    """
    from bolwerk.preview.catalogue import host_in, known_names, policy_decisions

    with _no_answer():
        known = known_names(overlay_file)
        decided = policy_decisions(known, policy_file) if policy_file else None
        names = [host_in(text) for text in hosts]
    answers = [_answer(decided.catalogue if decided else known, decided, name) for name in names]
    if output == "json":
        _print_json(answers)
    else:
        for each in answers:
            entry = f"{each['kind']} {each['entry']}" if each["group"] else ""
            words = (each["host"], each["decision"] or "", each["group"] or "not in the catalogue", entry)
            click.echo("\t".join(filter(None, words)))
    if not all(each["decision"] == "Refuse" if decided else each["group"] for each in answers):
        sys.exit(NOT_ALL)


@catalogue.command()
@click.argument("file", type=FILE)
def check(*, file: Path) -> None:
    """Check an overlay against the shipped catalogue, and say what it changes.

    Exit status: 0 if it can be used, 1 if not.
    """
    from bolwerk.preview.catalogue import known_names
    from bolwerk.preview.refused import RefusedError

    shipped = known_names(None)
    try:
        laid = known_names(file)
    except RefusedError as error:
        click.echo(str(error), err=True)
        sys.exit(NOT_ALL)
    before, after = shipped.groups, laid.groups
    changes = {
        "adds": [name for name in after if name not in before],
        "replaces": [name for name in after if name in before and after[name] != before[name]],
        "removes": [name for name in before if name not in after],
    }
    for what, names in changes.items():
        if names:
            click.echo(f"{what} {', '.join(names)}")
    click.echo(f"good: catalogue {laid.version}\n{laid.digest}")


def _answer(known: Catalogue, decided: Decisions | None, host: str) -> dict[str, str | None]:
    match = known.find(host)
    if match is None:
        return {"host": host, "group": None, "kind": None, "entry": None, "decision": None}
    decision = decided[match.group] if decided else None
    return {"host": host, "group": match.group, "kind": match.kind, "entry": match.entry, "decision": decision}


def _print_json(content: Any) -> None:
    click.echo(json.dumps(content, indent=2, ensure_ascii=False))


def _print_table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    lines = [head, *(tuple(str(cell) for cell in row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
