"""`bolwerk register`: drafts for the Algoritmeregister, from a cluster that is only read; nothing is ever sent."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bolwerk.commands.options import FILE, cluster_settings, operator_namespace

__all__ = ["register"]

INCOMPLETE = 2


@click.command()
@click.option(
    "--fields",
    "fields_file",
    type=FILE,
    help="YAML with what people wrote: by namespace/name, a mapping of fields, or a list where several applications "
    "use the model.",
)
@click.option("--namespace", "-n", "namespaces", multiple=True, help="Only this one; may be repeated. All by default.")
@operator_namespace
@cluster_settings
@click.option("--exit-code", is_flag=True, help="End with 2 where a draft misses a required field or is faulty.")
def register(
    *,
    fields_file: Path | None,
    namespaces: tuple[str, ...],
    operator_namespace: str,
    settings_file: Path | None,
    exit_code: bool,
) -> None:
    """Draft records of the Dutch Algoritmeregister (publication standard 1.0), one or more for each LocalModel.

    Technical fields come from the LocalModel. The others are for people to write: what they wrote is taken from
    --fields and checked, and what is missing is listed. Nothing is published, and nothing is sent anywhere.
    """
    import asyncio
    import json
    from datetime import UTC, datetime
    from functools import partial

    from bolwerk.core.algoritmeregister.draft import drafts, written
    from bolwerk.core.report.report import report
    from bolwerk.core.report.world import Scope
    from bolwerk.preview.inspection import Inspection, inspect
    from bolwerk.preview.refused import RefusedError
    from bolwerk.preview.written import fields_in
    from bolwerk.shell.connection import NoConfigurationError
    from bolwerk.shell.settings import SettingsError, load_settings

    try:
        fields = fields_in(fields_file) if fields_file else {}
        asked = Inspection(
            namespace=operator_namespace,
            scope=Scope(frozenset(namespaces)),
            settings=load_settings(settings_file) if settings_file else None,
        )
        models = report(asyncio.run(inspect(asked, tell=partial(click.echo, err=True))), datetime.now(UTC)).models
    except (RefusedError, SettingsError, NoConfigurationError) as error:
        raise click.ClickException(str(error)) from error
    found = drafts(models, fields)
    # Of a namespace that was not asked about, nobody knows whether the model is there.
    unmatched = {key for key in fields if not namespaces or key.partition("/")[0] in namespaces}
    unmatched -= {each.model for each in found}
    click.echo(json.dumps(written(found, unmatched), indent=2, ensure_ascii=True))
    complete = sum(each.complete for each in found)
    click.echo(f"{len(found)} drafts, {complete} of them complete; nothing was sent", err=True)
    if exit_code and (complete < len(found) or unmatched):
        sys.exit(INCOMPLETE)
