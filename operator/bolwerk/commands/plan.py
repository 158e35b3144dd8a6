"""`bolwerk plan`: what the operator would do in a cluster, which is only read."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bolwerk.commands.options import FILES, cluster_settings

__all__ = ["plan"]

DIFFERENCES = 2


@click.command()
@click.option(
    "--filename",
    "-f",
    "paths",
    type=FILES,
    multiple=True,
    help="What if this were applied: a file, a folder, or - for standard input. May be repeated.",
)
@click.option(
    "--namespace",
    envvar="POD_NAMESPACE",
    default="bolwerk-system",
    show_default=True,
    help="The operator's own: where its settings are, and never governed.",
)
@cluster_settings
@click.option("--output", "-o", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--exit-code", is_flag=True, help="End with 2 where there are differences.")
def plan(*, paths: tuple[Path, ...], namespace: str, settings_file: Path | None, output: str, exit_code: bool) -> None:
    """Show what the operator would do in the cluster, without writing anything.

    Without a file: what it would do now, normally nothing. With files: what it would do if these were applied.
    Finds the cluster as kubectl does, by KUBECONFIG, or in a pod by its service account. Reads what the operator
    reads: the ClusterRole <release>-plan of the chart allows it.

    Ends with 0, with 1 when it cannot tell, and with --exit-code with 2 where there are differences.
    """
    import asyncio
    from datetime import UTC, datetime
    from functools import partial

    from bolwerk.preview import report
    from bolwerk.preview.cluster import Question, preview
    from bolwerk.preview.documents import read
    from bolwerk.preview.refused import RefusedError
    from bolwerk.shell.connection import NoConfigurationError
    from bolwerk.shell.settings import SettingsError, load_settings

    try:
        question = Question(
            documents=read(paths) if paths else (),
            namespace=namespace,
            settings=load_settings(settings_file) if settings_file else None,
        )
        outcomes = asyncio.run(preview(question, now=datetime.now(UTC), tell=partial(click.echo, err=True)))
    except (RefusedError, SettingsError, NoConfigurationError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(report.as_json(outcomes) if output == "json" else report.as_text(outcomes))
    if exit_code and report.differs(outcomes):
        sys.exit(DIFFERENCES)
