"""A small Debian as a folder, and running programs in it: what harness.images builds on.

The packages come from the mirror that this machine's own apt uses. Nothing is left mounted: what has to be mounted
is mounted in a mount namespace that ends with the program.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness import cache

_SUITE = "bookworm"  # its Python is 3.11, for which the engine's packages are pinned
_PACKAGES = ("python3-minimal", "libpython3-stdlib", "ca-certificates", "curl", "libgomp1", "libnuma1")
_UNUSED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "var/cache/apt", "var/lib/apt/lists")

# Mounts and processes end with the program, and the program with this one, however it ends.
_CONTAINED = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child")


class CannotBuildError(RuntimeError):
    """The machine lacks something; the message says what to install or to do."""


def key() -> str:
    """Return what changes when the recipe changes."""
    return cache.key("1", _SUITE, *_PACKAGES, *_UNUSED)


def make(tree: Path) -> None:
    """Fill a folder with the smallest Debian that runs Python and curl."""
    if os.geteuid() != 0:
        raise CannotBuildError("images are built as root (debootstrap needs it): run as root")
    if shutil.which("debootstrap") is None:
        raise CannotBuildError("images are built with debootstrap: apt-get install debootstrap")
    include = f"--include={','.join(_PACKAGES)}"
    log = tree.parent / "debootstrap.log"
    with log.open("wb") as output:
        done = subprocess.run(
            [*_CONTAINED, "debootstrap", "--variant=minbase", include, _SUITE, tree, _mirror()],
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:])
        raise CannotBuildError(f"debootstrap {_SUITE} failed; is apt's mirror reachable?\n{tail}")
    for path in _UNUSED:
        shutil.rmtree(tree / path)
        (tree / path).mkdir()


@contextlib.contextmanager
def unpacked(tar: Path) -> Iterator[Path]:
    """Give a layer's content as a folder for as long as the `with` block lasts."""
    with tempfile.TemporaryDirectory(prefix=".rootfs-", dir=tar.parent.parent) as folder:
        subprocess.run(["tar", "--extract", "--file", tar, "--directory", folder], check=True)
        yield Path(folder)


def run(root: Path, command: Sequence[str], *, bind: Mapping[Path, Path]) -> None:
    """Run a program with a folder as its root, and others bound into it."""
    script = ["set -e", f'mount -t proc proc "{root}/proc"']
    for source, target in bind.items():
        (root / target).mkdir(parents=True, exist_ok=True)
        script.append(f'mount --bind "{source}" "{root / target}"')
    script.append(f'exec chroot "{root}" "$@"')
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    shell = ["sh", "-c", "\n".join(script), "sh"]
    done = subprocess.run([*_CONTAINED, *shell, *command], env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotBuildError(f"{' '.join(command)} failed in the image:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


def _mirror() -> str:
    """Return the archive that this machine's apt takes Debian itself from."""
    asked = [
        "apt-get",
        "indextargets",
        "--format",
        "$(SITE)",
        "Identifier: Packages",
        "Origin: Debian",
        "Label: Debian",
    ]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    except (FileNotFoundError, subprocess.CalledProcessError) as reason:
        raise CannotBuildError("images are built from Debian's packages: run on Debian, with apt") from reason
    if not told:
        raise CannotBuildError("apt knows no Debian archive yet: run `apt-get update`")
    return told[0]
