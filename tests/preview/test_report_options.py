"""What `bolwerk report` takes before it asks any cluster."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bolwerk.cli import main


@pytest.mark.parametrize(
    ("arguments", "want"),
    [
        pytest.param(["--flows=-", "--audit-log=-"], "which can be read once", id="both from standard input"),
        pytest.param(["--flows=-", "--flows=-"], "which can be read once", id="twice from standard input"),
        pytest.param(["--flows=/nowhere/a.log"], "does not exist", id="flows that are not there"),
        pytest.param(["--audit-log={folder}"], "is a directory", id="a folder"),
    ],
)
def test_logs_that_cannot_be_read_are_refused_at_once(tmp_path: Path, arguments: list[str], want: str) -> None:
    given = [each.format(folder=tmp_path) for each in arguments]

    answer = CliRunner().invoke(main, ["report", *given])

    assert answer.exit_code == 2
    assert want in answer.output
