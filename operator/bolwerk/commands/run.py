"""`bolwerk run`: the operator."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

__all__ = ["run"]


@click.command()
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
@click.option(
    "--audit-log",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The audit trail's file; standard output by default. The log for people is on standard error.",
)
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info")
def run(
    *,
    namespace: str,
    lease_name: str,
    settings_file: Path | None,
    health_port: int,
    metrics_port: int,
    workers: int,
    audit_log: Path | None,
    log_level: str,
) -> None:
    """Run the operator: in a pod with its service account, elsewhere with KUBECONFIG."""
    from bolwerk.core.exceptions.reconcile import reconcile as reconcile_exception
    from bolwerk.core.model.reconcile import reconcile as reconcile_model
    from bolwerk.core.policy.reconcile import reconcile as reconcile_policy
    from bolwerk.core.proof.reconcile import reconcile as reconcile_node
    from bolwerk.shell.connection import NoConfigurationError
    from bolwerk.shell.lead import Decisions
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
        audit_log=audit_log,
    )
    try:
        settings = replace(load_settings(settings_file), namespace=namespace)
        decisions = Decisions(
            model=reconcile_model, policy=reconcile_policy, exception=reconcile_exception, node=reconcile_node
        )
        status = operate(options, settings=settings, decisions=decisions)
    except (SettingsError, NoConfigurationError) as error:
        raise click.ClickException(str(error)) from error
    sys.exit(status)
