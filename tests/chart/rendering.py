"""Running Helm without a cluster; shared by the tests of the chart."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "bolwerk"
NAMESPACE = "bolwerk-system"
SUPPORTED_MINORS = ("1.33", "1.34", "1.35", "1.36")
OLDEST, NEWEST = SUPPORTED_MINORS[0], SUPPORTED_MINORS[-1]

Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]


class RefusedError(Exception):
    """Helm refused; the message is what the user reads."""


def run_helm(helm: Path, *arguments: str) -> str:
    """Run Helm without a cluster and return what it prints."""
    done = subprocess.run([helm, *arguments], capture_output=True, text=True, check=False, env={"HOME": "/nonexistent"})
    if done.returncode != 0:
        raise RefusedError(done.stderr)
    return done.stdout


def only(objects: list[Manifest], kind: str, *, component: str = "operator") -> Manifest:
    """Return the one object of a kind that a component has."""
    found = [item for item in of_component(objects, component) if item["kind"] == kind]
    assert len(found) == 1
    return found[0]


def of_component(objects: list[Manifest], component: str) -> list[Manifest]:
    """Return the objects of one component of the chart."""
    return [
        item
        for item in objects
        if item["metadata"]["labels"].get("app.kubernetes.io/component", "operator") == component
    ]
