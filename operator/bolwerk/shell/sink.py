"""Where the lines of the audit trail go: standard output, or a file on a volume.

Used by the trail. A line is handed to the kernel before `write` returns, so that a crash of the process loses none.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["Sink"]


class Sink:
    """Appends lines.

    Parameters
    ----------
    path
        The file, made if need be and followed when it is rotated; standard output when None.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._descriptor: int | None = None

    def write(self, line: str) -> None:
        """Append a line.

        Raises
        ------
        OSError
            When it cannot be written, or not as a whole.
        """
        data, descriptor = f"{line}\n".encode(), self._open()
        while data:
            data = data[os.write(descriptor, data) :]

    def sync(self) -> None:
        """Have what was written on the disk; blocks.

        Raises
        ------
        OSError
            When that fails.
        """
        if self._path is not None and self._descriptor is not None:
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file."""
        if self._path is not None and self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None

    def _open(self) -> int:
        if self._path is None:
            return sys.stdout.fileno()
        if self._descriptor is not None and self._is_there(self._descriptor, self._path):
            return self._descriptor
        self.close()
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._end_the_last_line(self._descriptor)
        return self._descriptor

    @staticmethod
    def _is_there(descriptor: int, path: Path) -> bool:
        # Whoever rotates files renames them.
        try:
            return os.path.samestat(os.fstat(descriptor), path.stat())
        except FileNotFoundError:
            return False

    @staticmethod
    def _end_the_last_line(descriptor: int) -> None:
        """Keep apart what follows from a line that the machine's end has cut off."""
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            os.write(descriptor, b"\n")
