"""`bolwerk report`: what an auditor asks, answered from a cluster that is only read."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from bolwerk.commands.options import LOG, cluster_settings, operator_namespace

__all__ = ["report"]


@click.command()
@click.option(
    "--output",
    "-o",
    type=click.Choice(["text", "json", "markdown", "html"]),
    default="text",
    show_default=True,
    help="html is one page that needs nothing else.",
)
@click.option("--namespace", "-n", "namespaces", multiple=True, help="Only this one; may be repeated. All by default.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"]),
    help="Leave out exceptions, proofs and audit entries that were over before: 2026-01-31, or 2026-01-31T12:00:00Z.",
)
@click.option(
    "--audit-log",
    "audit_logs",
    type=LOG,
    multiple=True,
    help="A log with the audit trail: its chain is verified, and it is summed up. May be repeated, for rotated logs "
    "and those of several pods, in any order; gzipped where the name ends in .gz; - is standard input.",
)
@click.option(
    "--flows",
    type=LOG,
    multiple=True,
    help="Flows that Cilium's Hubble has exported (hubble-export-file-path): says which exceptions were used, and what "
    "left without one. May be repeated; .gz and - as above.",
)
@operator_namespace
@cluster_settings
def report(
    *,
    output: str,
    namespaces: tuple[str, ...],
    since: datetime | None,
    audit_logs: tuple[str, ...],
    flows: tuple[str, ...],
    operator_namespace: str,
    settings_file: Path | None,
) -> None:
    """Report which models run where, what is governed, every exception, and what was not checked.

    Facts only, and no secret. Finds the cluster as kubectl does, by KUBECONFIG, or in a pod by its service account.
    The ClusterRole <release>-plan of the chart allows it; with <release>-report beside it the report also says who may
    change the rules.
    """
    import asyncio
    from datetime import UTC
    from functools import partial

    from bolwerk.core.report.machine import as_json
    from bolwerk.core.report.markdown import as_markdown
    from bolwerk.core.report.page import as_html
    from bolwerk.core.report.report import report as reported
    from bolwerk.core.report.text import as_text
    from bolwerk.core.report.told import told
    from bolwerk.core.report.world import Scope
    from bolwerk.data import report_template
    from bolwerk.preview.inspection import Inspection, inspect
    from bolwerk.preview.refused import RefusedError
    from bolwerk.shell.connection import NoConfigurationError
    from bolwerk.shell.settings import SettingsError, load_settings

    if (*audit_logs, *flows).count("-") > 1:
        raise click.UsageError("- is standard input, which can be read once: name files for the other logs")
    if since is not None and since.tzinfo is None:
        since = since.replace(tzinfo=UTC)
    try:
        asked = Inspection(
            namespace=operator_namespace,
            scope=Scope(frozenset(namespaces), since),
            settings=load_settings(settings_file) if settings_file else None,
            audit_logs=audit_logs,
            flows=flows,
        )
        found = reported(asyncio.run(inspect(asked, tell=partial(click.echo, err=True))), datetime.now(UTC))
    except (RefusedError, SettingsError, NoConfigurationError) as error:
        raise click.ClickException(str(error)) from error
    if output == "json":
        click.echo(as_json(found))
    elif output == "html":
        click.echo(as_html(told(found), report_template()), nl=False)
    else:
        click.echo((as_markdown if output == "markdown" else as_text)(told(found)), nl=False)
