"""`bolwerk render`: what would be applied for the objects of some files, worked out without a cluster."""

from __future__ import annotations

from pathlib import Path

import click

from bolwerk.commands.options import FILE, FILES

__all__ = ["render"]


@click.command()
@click.option(
    "--filename",
    "-f",
    "paths",
    type=FILES,
    multiple=True,
    required=True,
    help="YAML or JSON: a file, a folder, or - for standard input. May be repeated.",
)
@click.option("--backend", help="Who holds the walls, in place of spec.enforcement.backend; taken as served.")
@click.option("--only", type=click.Choice(["wall", "admission", "dns"]), help="This of the SovereigntyPolicies alone.")
@click.option(
    "--namespace",
    envvar="POD_NAMESPACE",
    default="bolwerk-system",
    show_default=True,
    help="The operator's own: never governed.",
)
@click.option("--settings", "settings_file", type=FILE, help="The operator's settings: engine images and the like.")
@click.option(
    "--overlay",
    "overlay_file",
    type=FILE,
    help="What extends the catalogue: the ConfigMap bolwerk-catalogue, or only what stands in it.",
)
def render(
    *,
    paths: tuple[Path, ...],
    backend: str | None,
    only: str | None,
    namespace: str,
    settings_file: Path | None,
    overlay_file: Path | None,
) -> None:
    """Print what the operator would apply for the LocalModels and SovereigntyPolicies of some files.

    Needs no cluster. Namespaces and network policies in the files are the world that the policies find: with the
    backend NetworkPolicy the namespaces that they govern, and rules of others that would open their walls.
    """
    from dataclasses import replace
    from datetime import UTC, datetime

    from bolwerk.preview.documents import overlay, read
    from bolwerk.preview.offline import render as rendered
    from bolwerk.preview.refused import RefusedError
    from bolwerk.preview.text import as_yaml
    from bolwerk.shell.settings import SettingsError, load_settings

    try:
        settings = replace(load_settings(settings_file), namespace=namespace)
        documents = read(paths)
        if overlay_file:
            documents = (*documents, overlay(overlay_file, namespace))
        answer = rendered(documents, settings, now=datetime.now(UTC), backend=backend, only=only)
    except (SettingsError, RefusedError) as error:
        raise click.ClickException(str(error)) from error
    for remark in answer.remarks:
        click.echo(f"note: {remark}", err=True)
    click.echo(as_yaml(answer.manifests), nl=False)
