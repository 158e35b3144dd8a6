"""The command `bolwerk`: the operator's entry point, and what people ask of it on the command line.

It only registers the commands; each is a module of `bolwerk.commands`.
"""

from __future__ import annotations

import click

from bolwerk import __version__
from bolwerk.commands.audit import audit
from bolwerk.commands.catalogue import catalogue
from bolwerk.commands.crds import crds
from bolwerk.commands.janitor import janitor
from bolwerk.commands.plan import plan
from bolwerk.commands.probe import canary, gate, probe
from bolwerk.commands.register import register
from bolwerk.commands.render import render
from bolwerk.commands.report import report
from bolwerk.commands.run import run

__all__ = ["main"]


@click.group()
@click.version_option(__version__, prog_name="bolwerk")
def main() -> None:
    """AI models run locally, unless that is impossible or weighty reasons prevent it."""


for _command in (run, janitor, render, plan, report, register, crds, catalogue, audit, probe, gate, canary):
    main.add_command(_command)
