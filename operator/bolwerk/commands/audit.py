"""`bolwerk audit`: whether an audit trail is whole.

Reads logs and nothing else: no cluster, no key. What is known of the end of the trail has to be handed in.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from bolwerk.core.audit.verdict import Verdict

__all__ = ["audit"]

BROKEN = 1
"""Exit status: the trail is not whole."""
NO_ANSWER = 2
"""Exit status: there is no answer, for want of a trail or of a readable file; click's own for wrong usage."""

HASH = r"^[0-9a-f]{64}$"


class _UnreadableFileError(click.ClickException):
    exit_code = NO_ANSWER


def _hash(_: click.Context, __: click.Parameter, given: Any) -> Any:
    import re

    for each in given if isinstance(given, tuple) else (given,):
        if each is not None and not re.match(HASH, each):
            raise click.BadParameter(f"{each!r} is no hash: 64 hexadecimal digits, as in the field hash of an entry")
    return given


@click.group()
def audit() -> None:
    """Check an audit trail for gaps and changes. Needs no cluster."""


@audit.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--head", "heads", multiple=True, callback=_hash,
    help="A hash that is known to be of the trail, such as that in ConfigMap bolwerk-audit; may be given often.",
)  # fmt: skip
@click.option("--after", callback=_hash, help="The hash that the first entry follows: the last one of an older check.")
@click.option("--output", "-o", type=click.Choice(["text", "json"]), default="text", show_default=True)
def verify(*, files: tuple[str, ...], heads: tuple[str, ...], after: str | None, output: str) -> None:
    """Check that no entry of a trail was changed, removed, moved or added.

    FILE holds what the operator wrote: its log (other lines are skipped), of one pod or of several, rotated or not,
    gzipped where the name ends in .gz; - is standard input. The order of the files does not matter.

    Without --head nobody can tell whether lines are missing at the end.

    Exit status: 0 if the trail is whole, 1 if not, 2 if there is none or a file cannot be read.
    """
    from bolwerk.core.audit.verify import verify as judge
    from bolwerk.preview.logfiles import UnreadableLogError, lines

    tell = partial(click.echo, err=True)
    try:
        verdict = judge([lines(file, tell) for file in files], expected_heads=heads, after=after)
    except UnreadableLogError as error:
        raise _UnreadableFileError(str(error)) from error
    if verdict.ok and not verdict.entries:
        raise _UnreadableFileError(f"no line of an audit trail in {', '.join(files)}")
    if output == "json":
        click.echo(json.dumps(_as_json(verdict), indent=2))
    else:
        _tell(verdict, known=bool(heads), begins=after is not None)
    if not verdict.ok:
        sys.exit(BROKEN)


def _tell(verdict: Verdict, *, known: bool, begins: bool) -> None:
    if verdict.broken is not None:
        click.echo(f"BROKEN at {verdict.broken.where}: {verdict.broken.fault}: {verdict.broken.sentence}.")
        click.echo(f"{verdict.entries} entries before it are as they were written.")
    else:
        click.echo(f"OK: {verdict.entries} entries, none changed, removed, moved or added in between.")
    first, head = verdict.first, verdict.head
    if first is None or head is None:
        return
    click.echo(f"first: {first.sequence} of {first.timestamp}, follows {first.previous}")
    click.echo(f"last:  {head.sequence}, hash {head.hash}")
    for each in verdict.resumptions:
        beyond = f", {each.unanchored} entries before it were in no stored head" if each.unanchored else ""
        click.echo(f"resumed: {each.where}, entry {each.sequence}, by {each.origin}{beyond}")
    if verdict.resumed > len(verdict.resumptions):
        click.echo(f"resumed: {verdict.resumed - len(verdict.resumptions)} more times")
    if verdict.unanchored:
        click.echo(f"note: {verdict.unanchored} entries were in no stored head: no other record vouches for them")
    if first.sequence > 1 and not begins:
        click.echo(f"note: entries 1 to {first.sequence - 1} are not in these files; --after ties to an older check")
    if not known and verdict.ok:
        click.echo("note: without --head nobody can tell whether lines are missing at the end")


def _as_json(verdict: Verdict) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "ok": verdict.ok,
        "entries": verdict.entries,
        "first": verdict.first and {"sequence": verdict.first.sequence, "follows": verdict.first.previous},
        "last": verdict.head and asdict(verdict.head),
        "resumed": verdict.resumed,
        "unanchored": verdict.unanchored,
        "resumptions": [asdict(each) for each in verdict.resumptions],
        "broken": verdict.broken and asdict(verdict.broken),
    }
