"""What is expensive to make is made once and kept outside the clone.

Used by harness.images for what it makes; harness.tools keeps what it builds here too. A made folder is complete or
absent: it is made beside its place and renamed into it, and one process at a time makes it while the others wait.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PROGRESS_EVERY = 15.0  # seconds


def root() -> Path:
    """Return the folder that holds everything that the harness keeps between runs."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "bolwerk"


def key(*parts: str | bytes) -> str:
    """Return a name that changes when anything changes that the made thing depends on."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(f"{len(data)}\0".encode() + data)
    return digest.hexdigest()[:16]


def made(kind: str, name: str, key: str, make: Callable[[Path], None]) -> Path:
    """Return the folder `kind/name-key`, letting `make` fill it if it is not there yet."""
    parent = root() / kind
    target = parent / f"{name}-{key}"
    if target.is_dir():
        return target
    parent.mkdir(parents=True, exist_ok=True)
    with locked(parent / f"{name}.lock", name):
        if target.is_dir():
            return target
        say(f"{name}: being made (once; kept in {parent})")
        started = time.monotonic()
        workshop = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=parent))
        try:
            make(workshop)
            workshop.chmod(0o755)
            workshop.rename(target)
        finally:
            shutil.rmtree(workshop, ignore_errors=True)
        # An older recipe's result is never asked for again, and some are gigabytes.
        for old in parent.glob(f"{name}-{'?' * len(key)}"):
            if old != target:
                shutil.rmtree(old)
        say(f"{name}: made in {time.monotonic() - started:.0f} s")
    return target


@contextlib.contextmanager
def locked(path: Path, name: str) -> Iterator[None]:
    """Let one process at a time make a thing; the others wait and then find it."""
    started = told = time.monotonic()
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() - told >= PROGRESS_EVERY:
                    told = time.monotonic()
                    say(f"{name}: another process makes it; waiting since {told - started:.0f} s")
                time.sleep(0.5)
        yield


def say(line: str) -> None:
    """Tell the person who waits what is going on."""
    print(f"==> {line}", file=sys.stderr, flush=True)
