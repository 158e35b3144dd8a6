"""Find the programs that a real cluster needs, or build them once: `python -m harness.tools [family…]`.

Called by everything in the harness that starts a program. A copy that is already on the machine is used where it is
fit for use; otherwise the pinned one is built with Go into the user's cache, outside the clone. Nothing here starts
a server, and nothing is ever installed system-wide.
"""

import contextlib
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import cache, families
from harness.families import Family


class ToolMissingError(RuntimeError):
    """A program is neither here nor buildable here; the message says what to install."""


class BuildFailedError(RuntimeError):
    """A program should have been buildable here, and the build failed; the message holds its end."""


def kept() -> Path:
    """Return the folder that holds built tools, one folder for each family and set of pins."""
    return cache.root() / "tools"


@functools.cache
def find(command: str) -> Path:
    """Return the path of a command, building it first if it must be.

    Looked for in this order: KUBEBUILDER_ASSETS (somebody chose those on purpose, so whatever their version), PATH
    (only in the pinned major.minor version), the cache, and last the build. Tools that come with data files of their
    very version are always built.

    Raises
    ------
    ToolMissingError
        It has to be built and cannot be.
    """
    family = families.providing(command)
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and family.accept_installed and os.access(Path(assets) / command, os.X_OK):
        return (Path(assets) / command).resolve()
    installed = shutil.which(command)
    if installed and family.accept_installed and _version_fits(Path(installed), family):
        return Path(installed)
    return _built(family) / command


@functools.cache
def folder(name: str) -> Path:
    """Return a folder of data files that belong to a tool, such as `kwok-stages` or `cilium-bpf`."""
    return _built(families.providing(name)) / name


def _version_fits(program: Path, family: Family) -> bool:
    """Tell whether an installed program says that it is of the pinned major.minor version."""
    flags = ["version", "--client"] if program.name == "kubectl" else list(family.version_flags)
    try:
        answer = subprocess.run([program, *flags], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    said = re.search(r"(\d+\.\d+)\.\d+", answer.stdout)
    wanted = ".".join(family.version.removeprefix("v").split(".")[:2])
    return answer.returncode == 0 and said is not None and said.group(1) == wanted


def _built(family: Family) -> Path:
    """Return the folder with the family's commands, building them if no process did before."""
    target = kept() / f"{family.name}-{family.key}"
    if target.is_dir():
        return target
    kept().mkdir(parents=True, exist_ok=True)
    with cache.locked(kept() / f"{family.name}.lock", family.name):
        if not target.is_dir():
            _check_go(family)
            workshop = Path(tempfile.mkdtemp(prefix=f".{family.name}-", dir=kept()))
            try:
                _build(family, workshop)
                workshop.chmod(0o755)
                workshop.rename(target)
            finally:
                shutil.rmtree(workshop, ignore_errors=True)
    return target


def _check_go(family: Family) -> None:
    """Refuse early, with the mend, where `go build` would fail for want of Go or of a C library."""
    advice = f"install Go {family.go_needed} or newer (https://go.dev/dl/) and put `go` on PATH"
    if family.accept_installed:
        advice += (
            f", or put {', '.join(family.commands)} {family.version} into a folder and set KUBEBUILDER_ASSETS to it"
        )
    if shutil.which("go") is None:
        raise ToolMissingError(f"{family.name} must be built, and there is no Go on PATH: {advice}")
    asked = ["go", "env", "GOVERSION", "GOTOOLCHAIN"]
    # Outside any module, else a Go that is too old refuses to say how old it is.
    answer = subprocess.run(asked, cwd="/", capture_output=True, text=True, check=True).stdout.split()
    version, toolchain = answer[0].removeprefix("go"), answer[1] if len(answer) > 1 else "local"
    if _numbers(version) < _numbers(family.go_needed) and toolchain.startswith("local"):
        raise ToolMissingError(
            f"{family.name} {family.version} needs Go {family.go_needed}, here is Go {version} and GOTOOLCHAIN="
            f"{toolchain} keeps it from fetching a newer one: {advice}, or set GOTOOLCHAIN=auto"
        )
    if family.cgo and shutil.which(os.environ.get("CC", "cc")) is None and shutil.which("gcc") is None:
        raise ToolMissingError(f"{family.name} is built with a C compiler, and there is none: install gcc")
    if family.name == "runc" and not _has_seccomp():
        raise ToolMissingError(
            "runc is built against libseccomp: install libseccomp-dev (libseccomp-devel) and pkg-config"
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _has_seccomp() -> bool:
    if shutil.which("pkg-config") is None:
        return False
    return subprocess.run(["pkg-config", "--exists", "libseccomp"], check=False).returncode == 0


def _environment(family: Family) -> dict[str, str]:
    """Return the environment for Go: without a workspace or C unless the family needs it."""
    return {**os.environ, "GOWORK": "off", "CGO_ENABLED": "1" if family.cgo else "0"}


def _build(family: Family, workshop: Path) -> None:
    """Put the family's commands and folders of data into a folder."""
    made = ", ".join([*family.commands, *family.folders])
    cache.say(f"{family.name} {family.version}: building {made} (once; kept in {kept()})")
    started = time.monotonic()
    if family.commands:
        _compile(family, workshop, started)
    for name, (module, path) in family.folders.items():
        _copy_from_module(family, module=module, path=path, to=workshop / name)
    cache.say(f"{family.name} {family.version}: built in {time.monotonic() - started:.0f} s")


def _compile(family: Family, workshop: Path, started: float) -> None:
    """Compile the family's commands, telling every few seconds how far it is."""
    command = ["go", "build", "-v", *family.flags, "-o", f"{workshop}/", *family.commands.values()]
    log = workshop / "build.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=family.pins, env=_environment(family), stdout=output, stderr=subprocess.STDOUT
        )
        try:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(cache.PROGRESS_EVERY)
                    break
                lines = log.read_bytes().count(b"\n")
                cache.say(f"{family.name}: {time.monotonic() - started:.0f} s, {lines} packages fetched or compiled")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if process.returncode != 0:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])
        raise BuildFailedError(
            f"{family.name} {family.version} did not build (go build said {process.returncode}):\n{tail}"
        )
    for name, package in family.commands.items():
        made = re.sub(r"/v\d+$", "", package).rsplit("/", maxsplit=1)[-1]  # as `go build` names it
        (workshop / made).rename(workshop / name)


def _copy_from_module(family: Family, *, module: str, path: str, to: Path) -> None:
    """Copy a folder out of Go's module cache, so that the built tools outlive a clean of that cache."""
    subprocess.run(["go", "mod", "download", module], cwd=family.pins, env=_environment(family), check=True)
    asked = ["go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module]
    found = subprocess.run(asked, cwd=family.pins, env=_environment(family), check=True, capture_output=True, text=True)
    shutil.copytree(Path(found.stdout.strip()) / path, to, copy_function=shutil.copyfile)
    for folder_path in [to, *to.rglob("*")]:
        if folder_path.is_dir():
            folder_path.chmod(0o755)  # the module cache is read-only, and so would the copy be


def main(arguments: list[str]) -> int:
    """Build or find the named families, or those that the tests and the demo need.

    `--if-possible` makes a machine that cannot build them no failure: the tests then say what they skip.
    """
    started = time.monotonic()
    names = [argument for argument in arguments if argument != "--if-possible"]
    try:
        for name in names or families.CONTROL_PLANE:
            for command in families.named(name).commands:
                print(f"{command}: {find(command)}")
    except ToolMissingError as refusal:
        if "--if-possible" in arguments:
            cache.say(f"going on without: {refusal}")
            return 0
        print(f"error: {refusal}", file=sys.stderr)
        return 1
    except (BuildFailedError, KeyError) as failure:
        print(f"error: {failure.args[0]}", file=sys.stderr)
        return 1
    cache.say(f"tools are ready after {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
