"""Another clock for one process, which can be set while that runs; the monotonic one stays as it is."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Clockwork:
    """What a process has to have in its environment so that its clock is off by what `set` says."""

    library: Path
    file: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(self.library),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, *, ahead: int) -> None:
        """Set the clock so many seconds ahead of this machine's, or behind if negative."""
        with tempfile.NamedTemporaryFile("w", dir=self.file.parent, delete=False) as written:
            written.write(f"{ahead:+d}s")
        Path(written.name).replace(self.file)  # never found half written
