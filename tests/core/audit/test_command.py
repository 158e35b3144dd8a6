"""`bolwerk audit verify`: what people and scripts get to see."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bolwerk.cli import main
from bolwerk.commands import audit
from bolwerk.core.audit.entry import Entry
from bolwerk.preview import logfiles

from .chains import write


def save(path: Path, entries: Iterable[Entry | str]) -> str:
    text = "".join(f"{each if isinstance(each, str) else each.line}\n" for each in entries)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return str(path)


def verify(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["audit", "verify", *arguments], input=stdin)


def test_a_whole_trail_among_other_lines_of_the_log(tmp_path: Path) -> None:
    trail = write(3)
    log = save(tmp_path / "operator.log", ["ts=… level=info msg=leading", *trail, "ts=… level=info msg=applied"])

    answer = verify(log, f"--head={trail[-1].hash}")

    assert answer.exit_code == 0, answer.output
    assert answer.output.startswith("OK: 3 entries")
    assert trail[-1].hash in answer.output
    assert "note:" not in answer.output


def test_standard_input_and_the_note_that_the_end_is_not_known() -> None:
    answer = verify("-", stdin="\n".join(entry.line for entry in write(3)))

    assert answer.exit_code == 0, answer.output
    assert "without --head" in answer.output


def test_rotated_and_zipped_files_of_two_pods_in_any_order(tmp_path: Path) -> None:
    first = write(6)
    second = write(3, head=first[4].head, origin="pod-b", minutes=1)
    files = [
        save(tmp_path / "b.log", second),
        save(tmp_path / "a.log", first[3:]),
        save(tmp_path / "a.log.1.gz", first[:3]),
    ]

    answer = verify(*files, f"--head={second[-1].hash}", "--output=json")

    assert answer.exit_code == 0, answer.output
    verdict = json.loads(answer.output)
    assert (verdict["entries"], verdict["resumed"], verdict["unanchored"]) == (9, 1, 1)
    assert verdict["resumptions"][0]["where"] == f"{files[0]}:1"


def test_a_broken_trail_says_where_and_what(tmp_path: Path) -> None:
    trail = write(5)
    log = save(tmp_path / "operator.log", [*trail[:2], *trail[3:]])

    answer = verify(log)

    assert answer.exit_code == audit.BROKEN
    assert f"BROKEN at {log}:3: removed: entry 4 comes after entry 2: 1 missing." in answer.output


def test_a_known_head_that_is_not_there(tmp_path: Path) -> None:
    trail = write(5)

    answer = verify(save(tmp_path / "operator.log", trail[:4]), f"--head={trail[4].hash}")

    assert answer.exit_code == audit.BROKEN
    assert "truncated" in answer.output


def test_a_later_log_is_tied_to_an_older_check(tmp_path: Path) -> None:
    trail = write(5)
    log = save(tmp_path / "operator.log", trail[2:])

    assert "entries 1 to 2 are not in these files" in verify(log).output
    answer = verify(log, f"--after={trail[1].hash}")
    assert answer.exit_code == 0
    assert "are not in these files" not in answer.output


def test_a_log_that_was_cut_off_when_it_was_zipped_gives_no_answer(tmp_path: Path) -> None:
    log = save(tmp_path / "operator.log.gz", write(2000))
    Path(log).write_bytes(Path(log).read_bytes()[:-100])

    answer = verify(log)

    assert answer.exit_code == audit.NO_ANSWER
    assert f"Error: {log}:" in answer.output
    assert "end-of-stream" in answer.output


@pytest.mark.parametrize(
    ("arguments", "want"),
    [
        (["/nowhere/at-all.log"], "No such file"),
        (["{empty}"], "no line of an audit trail"),
        (["{empty}", "--head=abc"], "is no hash"),
        ([], "Missing argument"),
    ],
)
def test_without_an_answer_the_status_is_another_one(tmp_path: Path, arguments: list[str], want: str) -> None:
    empty = save(tmp_path / "empty.log", ["ts=… level=info msg=leading"])

    answer = verify(*(argument.format(empty=empty) for argument in arguments))

    assert answer.exit_code == audit.NO_ANSWER
    assert want in answer.output


def test_a_line_without_end_is_not_read_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfiles, "LONGEST_LINE_BYTES", 1000)
    log = save(tmp_path / "operator.log", ["x" * 5000, *write(2)])

    answer = verify(log, "--output=json")

    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.output)["entries"] == 2


def test_on_a_long_log_it_says_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfiles, "PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr(logfiles, "LINES_BETWEEN_LOOKS_AT_THE_CLOCK", 2)
    log = save(tmp_path / "operator.log", write(5))

    answer = verify(log)

    assert f"{log}: 4 lines, 0 MB" in answer.stderr
    assert "lines" not in answer.stdout.split("OK")[0]
