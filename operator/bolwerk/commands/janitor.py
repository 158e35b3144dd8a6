"""`bolwerk janitor`: the safety net below the operator."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["janitor"]


@click.command()
@click.option("--namespace", envvar="POD_NAMESPACE", required=True, help="The operator's own; default: POD_NAMESPACE.")
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The operator's settings.",
)
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="warning")
def janitor(*, namespace: str, settings_file: Path | None, log_level: str) -> None:
    """Close, once, what outlived its EgressException while no operator ran.

    Opens nothing and makes nothing. Does nothing while an operator is at work, which closes to the second. Says in one
    line what it closed, and ends with 1 when something stays open or cannot be told.
    """
    import asyncio
    from dataclasses import replace

    from bolwerk.shell.connection import NoConfigurationError
    from bolwerk.shell.janitor import JanitorError, close_overdue
    from bolwerk.shell.logs import configure
    from bolwerk.shell.settings import SettingsError, load_settings

    configure(log_level)
    try:
        settings = replace(load_settings(settings_file), namespace=namespace)
        click.echo(asyncio.run(close_overdue(settings)))
    except (SettingsError, NoConfigurationError, JanitorError) as error:
        raise click.ClickException(str(error)) from error
