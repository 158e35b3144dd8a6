"""The command `bolwerk`: the operator's entry point, and what people ask of it on the command line.

Commands import what they need when they run, so that `--help` is instant and `render` needs no cluster.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO

import click

from bolwerk import __version__


@click.group()
@click.version_option(__version__, prog_name="bolwerk")
def main() -> None:
    """AI models run locally, unless that is impossible or weighty reasons prevent it."""


@main.command()
@click.option("--namespace", envvar="POD_NAMESPACE", required=True, help="Where the Lease is; default: POD_NAMESPACE.")
@click.option("--lease-name", default="bolwerk", show_default=True, help="Replicas that share it elect one leader.")
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML: vllmImage, tritonImage; read once, at start.",
)
@click.option("--health-port", default=8081, show_default=True, help="/healthz and /readyz.")
@click.option("--metrics-port", default=8080, show_default=True, help="/metrics.")
@click.option("--workers", type=click.IntRange(1, 256), default=16, show_default=True, help="LocalModels at a time.")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info")
def run(
    *,
    namespace: str,
    lease_name: str,
    settings_file: Path | None,
    health_port: int,
    metrics_port: int,
    workers: int,
    log_level: str,
) -> None:
    """Run the operator: in a pod with its service account, elsewhere with KUBECONFIG."""
    from bolwerk.core.model.reconcile import reconcile
    from bolwerk.shell.connection import NoConfigurationError
    from bolwerk.shell.logs import configure
    from bolwerk.shell.run import Options
    from bolwerk.shell.run import run as operate
    from bolwerk.shell.settings import SettingsError, load_settings

    configure(log_level)
    options = Options(
        namespace=namespace,
        lease_name=lease_name,
        health_port=health_port,
        metrics_port=metrics_port,
        workers=workers,
    )
    try:
        status = operate(options, settings=load_settings(settings_file), reconcile=reconcile)
    except (SettingsError, NoConfigurationError) as error:
        raise click.ClickException(str(error)) from error
    sys.exit(status)


@main.command()
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


@main.command()
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
