"""Plain lines for people and for CI logs: what happens now, and when; used by the demo."""

import textwrap
import time


class Narration:
    """Prints steps and lines with the seconds since the beginning, or since `restart`."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def restart(self) -> None:
        """Count the seconds from now on."""
        self._started = time.monotonic()

    def step(self, text: str) -> None:
        """Begin a part."""
        print(f"\n==> [{self._now()}] {text}", flush=True)

    def line(self, text: str) -> None:
        """Tell what just happened."""
        print(f"    [{self._now()}] {text}", flush=True)

    def show(self, text: str) -> None:
        """Show what somebody else said, such as kubectl."""
        print(textwrap.indent(text.rstrip(), "    "), flush=True)

    def _now(self) -> str:
        return f"{time.monotonic() - self._started:5.1f} s"
