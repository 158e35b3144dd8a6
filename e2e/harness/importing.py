"""Images on their way into a node's container runtime; used by harness.node."""

import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from harness import cache, oci


class Importing:
    """Images on their way into the runtime while the rest of the node starts."""

    def __init__(self, command: Sequence[str | Path], images: Sequence[oci.Image]) -> None:
        self._command = command
        self._images = images
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="import of images", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait for the end, and raise what went wrong."""
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        started = time.monotonic()
        try:
            # The first holds the sandboxes of all pods, so it goes ahead of the big ones.
            for batch in filter(None, (self._images[:1], self._images[1:])):
                self._import(batch)
        except BaseException as failure:  # noqa: BLE001 - raised in the caller's thread
            self._failure = failure
        cache.say(f"node: imported its images in {time.monotonic() - started:.0f} s")

    def _import(self, images: Sequence[oci.Image]) -> None:
        with subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as ctr:
            if ctr.stdin is None or ctr.stdout is None:
                raise AssertionError("asked for pipes")
            try:
                oci.write_archive(images, ctr.stdin)
                ctr.stdin.close()
            except BrokenPipeError:
                pass  # it ended early, and says why
            told = ctr.stdout.read().decode(errors="replace")
        if ctr.returncode != 0:
            raise RuntimeError(f"ctr images import said {ctr.returncode}: {told}")
