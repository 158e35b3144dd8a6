"""The samples as `bolwerk render` sees them, with the settings that the chart gives by default."""

from __future__ import annotations

from pathlib import Path

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from click.testing import CliRunner

from bolwerk.cli import main
from chart.rendering import ROOT, Render, only
from chart.test_render import SUPPORTED_MINORS

SAMPLES = sorted(path for path in (ROOT / "manifests" / "samples").glob("*.yaml") if "LocalModel" in path.read_text())


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_renders_to_valid_objects(render: Render, tmp_path: Path, sample: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text(only(render(), "ConfigMap")["data"]["settings.yaml"], encoding="utf-8")

    answer = CliRunner().invoke(main, ["render", "--filename", str(sample), "--settings", str(settings)])

    assert answer.exit_code == 0, answer.output
    children = list(yaml.safe_load_all(answer.output))
    kinds = {child["kind"] for child in children}
    assert {"ServiceAccount", "NetworkPolicy", "Service", "Deployment"} <= kinds
    assert kinds <= {"ServiceAccount", "NetworkPolicy", "Service", "Deployment", "PodDisruptionBudget"}
    for child in children:
        # Image volumes are on by default from 1.35; their field is in the schema of every minor that is supported.
        for minor in SUPPORTED_MINORS:
            kubernetes_validate.validate(child, minor, strict=True)


def test_a_model_that_would_be_stalled_is_refused_with_the_reason() -> None:
    sample = ROOT / "manifests" / "samples" / "vllm-on-mig.yaml"

    answer = CliRunner().invoke(main, ["render", "--filename", str(sample)])

    assert answer.exit_code == 1
    assert "this installation has no default image for vllm: set engine.vllm.image" in answer.output
