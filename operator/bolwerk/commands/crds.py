"""`bolwerk crds`: the CustomResourceDefinitions, as generated."""

from __future__ import annotations

import sys
from pathlib import Path

import click

__all__ = ["crds"]


@click.command()
@click.option(
    "--write",
    "root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Write every generated file below this folder (the root of the repository).",
)
def crds(root: Path | None) -> None:
    """Print the CustomResourceDefinitions, or write all generated files."""
    from bolwerk.generate import generated_files

    files = generated_files()
    if root is None:
        click.echo("---\n".join(content for path, content in files.items() if path.startswith("crds/")), nl=False)
        return
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
        click.echo(f"wrote {path}", file=sys.stderr)
