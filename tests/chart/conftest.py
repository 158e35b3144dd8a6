"""Helm for the tests of the chart: skipped, with the reason, where there is none and none can be built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import needing
from chart.rendering import CHART, NAMESPACE, NEWEST, Manifest, Render, run_helm


@pytest.fixture(scope="session")
def helm(request: pytest.FixtureRequest) -> Path:
    """The Helm binary."""
    return needing.programs(request, "helm")[0]


@pytest.fixture(scope="session")
def kubeconform(request: pytest.FixtureRequest) -> Path:
    """The kubeconform binary."""
    return needing.programs(request, "kubeconform")[0]


@pytest.fixture(scope="session")
def render(helm: Path, tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Render the chart with some values and return its objects."""

    def rendered(values: dict[str, Any] | None = None, *, minor: str = NEWEST, **overrides: Any) -> list[Manifest]:
        path = tmp_path_factory.mktemp("values") / "values.yaml"
        path.write_text(yaml.safe_dump({**(values or {}), **overrides}), encoding="utf-8")
        where = (f"--namespace={NAMESPACE}", f"--kube-version={minor}")
        text = run_helm(helm, "template", "bolwerk", str(CHART), *where, f"--values={path}")
        return [document for document in yaml.safe_load_all(text) if document]

    return rendered
