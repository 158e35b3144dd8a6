"""What several commands take."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["FILE", "FILES", "LOG", "cluster_settings", "operator_namespace"]

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FILES = click.Path(exists=True, allow_dash=True, path_type=Path)
LOG = click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True)

operator_namespace = click.option(
    "--operator-namespace",
    envvar="POD_NAMESPACE",
    default="bolwerk-system",
    show_default=True,
    help="Where the operator's settings are.",
)
cluster_settings = click.option(
    "--settings", "settings_file", type=FILE, help="In place of the settings in the operator's namespace."
)
