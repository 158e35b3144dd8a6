"""Logs as they are collected: plain, gzipped, from standard input, too long, cut off, not there."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import pytest

from bolwerk.core.line import Line
from bolwerk.preview import logfiles
from bolwerk.preview.logfiles import UnreadableLogError, lines


def read(path: Path | str) -> list[Line]:
    return list(lines(str(path), lambda _: None))


def test_plain_zipped_and_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = "één\ntwo\nthree".encode()
    plain, zipped = tmp_path / "a.log", tmp_path / "a.log.1.gz"
    plain.write_bytes(written)
    zipped.write_bytes(gzip.compress(written))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(written)))

    for path, place in ((plain, f"{plain}:"), (zipped, f"{zipped}:"), ("-", "line ")):
        want = [Line(f"{place}1", "één\n"), Line(f"{place}2", "two\n"), Line(f"{place}3", "three")]
        assert read(path) == want


def test_of_a_line_that_is_too_long_only_the_beginning_is_kept_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logfiles, "LONGEST_LINE_BYTES", 10)
    path = tmp_path / "a.log"
    path.write_text("x" * 25 + "\nnext\n" + "y" * 9 + "\n")

    assert read(path) == [
        Line(f"{path}:1", "x" * 10, "the line is longer than 10 bytes"),
        Line(f"{path}:2", "next\n"),
        Line(f"{path}:3", "y" * 9 + "\n"),
    ]


@pytest.mark.parametrize(
    ("content", "want"),
    [
        pytest.param(gzip.compress(b"one\ntwo\n" * 9000)[:-20], "end-of-stream", id="cut off"),
        pytest.param(b"one\ntwo\n", "Not a gzipped file", id="not gzipped"),
        pytest.param(gzip.compress(b"one\n")[:10] + b"\xff" * 50, "decompressing", id="damaged"),
    ],
)
def test_what_cannot_be_read_to_its_end_says_where(tmp_path: Path, content: bytes, want: str) -> None:
    path = tmp_path / "a.log.gz"
    path.write_bytes(content)
    found: list[Line] = []

    with pytest.raises(UnreadableLogError, match=want) as caught:
        found.extend(lines(str(path), lambda _: None))

    assert caught.value.line.where.startswith(str(path))
    assert caught.value.line.fault.startswith("cannot be read: ")


def test_what_is_not_there_says_so() -> None:
    with pytest.raises(UnreadableLogError, match=r"^/nowhere/a\.log: cannot be read: No such file"):
        read("/nowhere/a.log")
