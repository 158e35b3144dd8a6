"""How programs are found or built: nothing unfit is used in silence, and a refusal says how to mend it."""

import concurrent.futures
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import families, tools

needs_go = pytest.mark.skipif(shutil.which("go") is None, reason="builds a small Go program, and there is no Go")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("go"):  # the standard library need not be compiled anew for every test
        compiled = subprocess.run(["go", "env", "GOCACHE"], check=True, capture_output=True, text=True)
        monkeypatch.setenv("GOCACHE", compiled.stdout.strip())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)


def program(path: Path, *, says: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nprintf '{says}\\n'\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def family(directory: Path, *, source: str) -> families.Family:
    """Make a family of one small command with no dependencies."""
    directory.mkdir()
    (directory / "go.mod").write_text(
        "module example.test/tool\n\ngo 1.22\n\nrequire (\n\texample.test/pin v1.2.3\n)\n", encoding="utf-8"
    )
    (directory / "go.sum").write_text("", encoding="utf-8")
    (directory / "main.go").write_text(source, encoding="utf-8")
    return families.Family(
        name="tool", folder=str(directory), module="example.test/pin", commands={"tool": "example.test/tool"}
    )


PRINTS = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("built") }\n'


def test_a_chosen_folder_of_binaries_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = program(tmp_path / "assets" / "etcd", says="whatever")
    program(tmp_path / "bin" / "etcd", says="etcd Version: 3.7.0")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)

    assert tools.find.__wrapped__("etcd") == chosen


@pytest.mark.parametrize(
    ("command", "says"),
    [("etcd", "etcd Version: 3.7.0"), ("kubectl", "Client Version: v1.36.0"), ("runc", "runc version 1.5.9")],
)
def test_an_installed_program_of_the_pinned_minor_version_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, says: str
) -> None:
    installed = program(tmp_path / "bin" / command, says=says)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)

    assert tools.find.__wrapped__(command) == installed


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("kubectl", "Client Version: v1.32.4-dispatcher"),
        ("etcd", "etcd Version: 3.4.23"),
        ("helm", "no version at all"),
        ("kwok", "kwok version v0.8.0"),
    ],
    ids=["an older kubectl", "an older etcd", "one that does not say", "one whose data files must match"],
)
def test_an_unfit_program_is_not_used_and_without_go_there_is_a_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, says: str
) -> None:
    program(tmp_path / "bin" / command, says=says)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    with pytest.raises(tools.ToolMissingError, match=r"no Go on PATH: install Go 1\.\d+.* or newer"):
        tools.find.__wrapped__(command)


def test_a_go_that_may_not_fetch_a_newer_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "bin" / "go", says="go1.24.1\\nlocal")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    with pytest.raises(tools.ToolMissingError, match=r"needs Go 1\.\S+, here is Go 1\.24\.1 .*GOTOOLCHAIN=auto"):
        tools.find.__wrapped__("etcd")


@needs_go
def test_two_at_once_build_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made = family(tmp_path / "tool", source=PRINTS)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        first, second = pool.map(tools._built, [made, made])

    assert first == second
    assert os.access(first / "tool", os.X_OK)
    assert capfd.readouterr().err.count("tool v1.2.3: building") == 1


def test_another_pin_is_another_build(tmp_path: Path) -> None:
    made = family(tmp_path / "tool", source=PRINTS)
    before = made.key

    (made.pins / "go.sum").write_text("example.test/other v1.0.0 h1:0\n", encoding="utf-8")

    assert made.key != before


@needs_go
def test_a_build_that_fails_says_what_the_compiler_said_and_leaves_nothing(tmp_path: Path) -> None:
    made = family(tmp_path / "tool", source="package main\n\nfunc main() { nonsense() }\n")

    with pytest.raises(tools.BuildFailedError, match="undefined: nonsense"):
        tools._built(made)

    assert [path.name for path in tools.kept().iterdir()] == ["tool.lock"]


@pytest.mark.parametrize("pinned", families.ALL, ids=lambda pinned: pinned.name)
def test_every_family_is_pinned(pinned: families.Family) -> None:
    text = (pinned.pins / "go.mod").read_text(encoding="utf-8")

    assert pinned.version.startswith("v")
    assert (pinned.pins / "go.sum").stat().st_size > 0
    for package in pinned.commands.values():
        assert f"\t{package}\n" in text or f"tool {package}\n" in text
    for module, _ in pinned.folders.values():
        assert f"{module} v" in text
