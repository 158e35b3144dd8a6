"""`bolwerk probe`, `gate` and `canary`: what runs in pods that the operator or the chart makes."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import click

__all__ = ["canary", "gate", "probe"]

# The kubelet's place for a container's last words.
_LAST_WORDS = Path("/dev/termination-log")
# Exit statuses of the gate, which the operator tells apart: something gets out, or nothing was seen.
HOLDS = 1
COULD_NOT_LOOK = 2
_output = click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=_LAST_WORDS,
    show_default=True,
    help="Where the last words go, which the kubelet tells.",
)


@click.command()
@click.option("--task", "text", envvar="BOLWERK_TASK", required=True, help="What to try, as the operator writes it.")
@click.option("--pod", envvar="POD_UID", required=True, help="Uid of this pod.")
@click.option("--node", envvar="NODE_NAME", required=True, help="Name of this node.")
@click.option("--addresses", envvar="POD_IPS", required=True, help="Addresses of this pod, separated by commas.")
@_output
def probe(*, text: str, pod: str, node: str, addresses: str, output: Path) -> None:
    """Try what a task names, and tell what the network said. Runs in pods that the operator makes."""
    from bolwerk.core.proof.task import Task
    from bolwerk.programs.probe import measure, written

    try:
        task = Task.model_validate_json(text)
        own = tuple(each for each in addresses.split(",") if each)
        document = written(asyncio.run(measure(task, pod=pod, node=node, addresses=own)))
    except ValueError as error:
        raise click.ClickException(f"nothing was measured: {error}") from error
    output.write_text(document, encoding="utf-8")
    click.echo(document)
    # Threads of the C library may still wait for a resolver that does not answer.
    os._exit(0)


@click.command()
@click.option("--canaries", "text", envvar="BOLWERK_CANARIES", default="", help="host:port, separated by commas.")
@click.option("--addresses", envvar="POD_IPS", default="", help="Addresses of this pod, separated by commas.")
@click.option("--patience", type=float, default=60.0, show_default=True, help="Seconds to wait for the network plugin.")
@_output
def gate(*, text: str, addresses: str, patience: float, output: Path) -> None:
    """Wait until nothing gets out of this pod. Runs before the engine of a LocalModel."""
    from bolwerk.programs.gate import UnreadableError, canaries_of, wait_until_blocked

    try:
        canaries = canaries_of(text, addresses)
        reached = asyncio.run(wait_until_blocked(canaries, patience=patience, say=click.echo))
    except UnreadableError as error:
        _end(COULD_NOT_LOOK, str(error), output)
    if reached:
        _end(
            HOLDS,
            f"{reached} can be reached from this pod although its network policy denies it: the network plugin does "
            "not enforce NetworkPolicies; have it do so, or take one that does",
            output,
        )


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8443, show_default=True, help="Of TCP and UDP.")
def canary(*, port: int) -> None:
    """Answer whoever gets here. Runs beside the operator, for probes and gates to try."""
    from bolwerk.programs.canary import serve_until_told

    asyncio.run(serve_until_told(port, say=click.echo))


def _end(status: int, sentence: str, output: Path) -> None:
    output.write_text(sentence, encoding="utf-8")
    click.echo(sentence, err=True)
    sys.exit(status)
