"""Reads logs line by line: plain ones, gzipped ones (their names end in .gz), and `-`, standard input.

Called by the commands that read an audit trail or flows. Holds one line at a time, however long the log or its lines.
"""

from __future__ import annotations

import gzip
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from bolwerk.core.line import Line

__all__ = ["STDIN", "UnreadableLogError", "lines"]

STDIN = "-"
LONGEST_LINE_BYTES = 1 << 20
PROGRESS_SECONDS = 2.0
LINES_BETWEEN_LOOKS_AT_THE_CLOCK = 4096
MEGABYTE = 1 << 20

Tell = Callable[[str], None]


class UnreadableLogError(Exception):
    """A log cannot be read, or not to its end.

    Attributes
    ----------
    line
        The last line before that, and why there is none after it.
    """

    def __init__(self, line: Line) -> None:
        super().__init__(f"{line.where}: {line.fault}")
        self.line = line


def lines(file: str, tell: Tell) -> Iterator[Line]:
    """Yield the lines of one log, and tell every two seconds how far it is.

    Raises
    ------
    UnreadableLogError
        When it cannot be opened or decompressed, or ends in the middle.
    """
    number, place = 0, "line " if file == STDIN else f"{file}:"
    try:
        with ExitStack() as stack:
            raw = None if file == STDIN else stack.enter_context(Path(file).open("rb"))
            opened: Any = raw or sys.stdin.buffer
            if raw and file.endswith(".gz"):
                opened = stack.enter_context(gzip.open(raw))
            for number, text, fault in _texts(opened, _Progress(file, raw, tell)):
                yield Line(f"{place}{number}", text, fault)
    except (OSError, EOFError, zlib.error) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        at = f"{place}{number + 1}" if number else file
        raise UnreadableLogError(Line(at, "", f"cannot be read: {why}")) from error


def _texts(opened: IO[bytes], progress: _Progress) -> Iterator[tuple[int, str, str]]:
    """Yield the lines with their numbers; of one that is too long only the beginning."""
    rest, number = False, 0
    while data := opened.readline(LONGEST_LINE_BYTES):
        ended = data.endswith(b"\n")
        if not rest:
            number += 1
            too_long = not ended and len(data) == LONGEST_LINE_BYTES
            fault = f"the line is longer than {LONGEST_LINE_BYTES} bytes" if too_long else ""
            yield number, data.decode(errors="replace"), fault
        rest = not ended
        progress.at(number)


class _Progress:
    def __init__(self, file: str, raw: IO[bytes] | None, tell: Tell) -> None:
        self._file, self._raw, self._tell = file, raw, tell
        self._next = time.monotonic() + PROGRESS_SECONDS

    def at(self, number: int) -> None:
        if number % LINES_BETWEEN_LOOKS_AT_THE_CLOCK == 0 and time.monotonic() >= self._next:
            self._next = time.monotonic() + PROGRESS_SECONDS
            size = f", {self._raw.tell() // MEGABYTE} MB" if self._raw else ""
            self._tell(f"{self._file}: {number} lines{size}")
