"""What a test needs of the machine: found, built once, or the reason why the test is skipped."""

from __future__ import annotations

from pathlib import Path

import pytest
from _pytest.capture import CaptureManager

from harness import tools


def programs(request: pytest.FixtureRequest, *commands: str) -> list[Path]:
    """Return where the commands are; skips the test, with the mend, where they can be neither found nor built."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert isinstance(capture, CaptureManager)
    try:
        with capture.global_and_fixture_disabled():  # a first build takes minutes: show how far it is
            return [tools.find(command) for command in commands]
    except tools.ToolMissingError as refusal:
        pytest.skip(f"no {', '.join(commands)}: {refusal}")


def faketime() -> Path:
    """Return the library that gives a program another clock, or skip the test like `programs`."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        pytest.skip("no libfaketime.so.1, which gives a program another clock: apt-get install faketime")
    return found[0]


def folders(request: pytest.FixtureRequest, *names: str) -> list[Path]:
    """Return where the tools' folders of data are, or skip the test like `programs`."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert isinstance(capture, CaptureManager)
    try:
        with capture.global_and_fixture_disabled():
            return [tools.folder(name) for name in names]
    except tools.ToolMissingError as refusal:
        pytest.skip(f"no {', '.join(names)}: {refusal}")
