"""`bolwerk render`: what would be applied for the objects of a file, worked out without a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import click

__all__ = ["render"]


@click.command()
@click.option(
    "--filename", "-f", "stream", type=click.File(encoding="utf-8"), required=True, help="YAML; - for standard input."
)
@click.option("--settings", "settings_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def render(stream: TextIO, settings_file: Path | None) -> None:
    """Print what the operator would apply for the LocalModels of a file; needs no cluster."""
    import yaml

    from bolwerk.render import RefusedError, as_yaml
    from bolwerk.render import render as rendered
    from bolwerk.shell.settings import SettingsError, load_settings

    try:
        settings = load_settings(settings_file)
        documents = list(yaml.safe_load_all(stream))
    except (SettingsError, yaml.YAMLError) as error:
        raise click.ClickException(str(error)) from error
    models = [each for each in documents if isinstance(each, dict) and each.get("kind") == "LocalModel"]
    if not models:
        raise click.ClickException("there is no LocalModel in this file")
    for model in models:
        try:
            manifests = rendered(model, settings)
        except RefusedError as error:
            raise click.ClickException(f"LocalModel {model['metadata']['name']}: {error}") from error
        click.echo(as_yaml(manifests), nl=False)
