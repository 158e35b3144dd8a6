"""The Dockerfile, as far as it can be judged without a container engine."""

from __future__ import annotations

import re
import tomllib
from pathlib import PurePosixPath

from chart.rendering import ROOT, Render, only

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def instructions(word: str) -> list[str]:
    joined = re.sub(r"\\\n(\s*#.*\n)*", "", DOCKERFILE)
    return [line.removeprefix(word).strip() for line in joined.splitlines() if line.startswith(f"{word} ")]


def test_every_stage_starts_from_the_base_that_is_pinned_by_digest() -> None:
    assert re.search(r"^ARG BASE=python:[\w.-]+@sha256:[0-9a-f]{64}$", DOCKERFILE, re.MULTILINE)
    assert [stage.split()[0] for stage in instructions("FROM")] == ["${BASE}", "${BASE}"]


def test_the_image_and_the_chart_agree_on_who_runs_it_and_how(render: Render) -> None:
    pod = only(render(), "Deployment")["spec"]["template"]["spec"]
    container = pod["containers"][0]

    context = pod["securityContext"]
    assert instructions("USER") == [f"{context['runAsUser']}:{context['runAsGroup']}"]
    assert instructions("ENTRYPOINT") == ['["bolwerk"]']
    assert "command" not in container
    assert container["args"][0] == "run"


def test_every_package_is_checked_against_a_hash() -> None:
    installs = [part for run in instructions("RUN") for part in run.split("&&") if " install " in part]

    assert len(installs) == 3
    for install in installs:
        assert "--require-hashes" in install or "--no-index" in install
    for lock in ("build", "runtime"):
        text = (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
        pins = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
        assert pins
        assert all("--hash=sha256:" in pin for pin in pins)


def test_the_build_backend_is_the_one_of_the_package() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lock = (ROOT / "requirements" / "build.lock").read_text(encoding="utf-8")

    assert pyproject["build-system"]["requires"] == re.findall(r"^\S+==\S+", lock, re.MULTILINE)


def test_what_is_copied_exists_and_is_in_the_context() -> None:
    kept = {line.removeprefix("!") for line in IGNORED if line.startswith("!")}
    assert "*" in IGNORED

    copied = [source for copy in instructions("COPY") if "--from" not in copy for source in copy.split()[:-1]]
    assert set(copied) == kept
    assert all((ROOT / PurePosixPath(source)).exists() for source in copied)
