"""Whole manifests, reviewed as YAML: what `bolwerk render` prints for each input is what is committed beside it.

`pytest tests/core/test_golden.py --update-golden` writes them anew; read the diff before you commit it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from click.testing import CliRunner

from bolwerk import cli
from bolwerk.preview.documents import read
from bolwerk.preview.offline import render
from bolwerk.preview.text import as_yaml
from core.builders import SETTINGS

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())
SUPPORTED_MINORS = ("1.33", "1.34", "1.35", "1.36")
KINDS_BEFORE_PODS = ["ServiceAccount", "NetworkPolicy", "Service"]


NOW = datetime(2026, 3, 7, tzinfo=UTC)


def expected_of(case: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((GOLDEN / case / "expected.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("case", CASES)
def test_an_input_renders_as_committed(case: str, *, update_golden: bool) -> None:
    path = GOLDEN / case / "expected.yaml"
    text = as_yaml(render(read([GOLDEN / case / "input.yaml"]), SETTINGS, now=NOW).manifests)
    if update_golden:
        path.write_text(text, encoding="utf-8")

    assert text == path.read_text(encoding="utf-8"), f"{case} renders differently: if meant, run with --update-golden"


@pytest.mark.parametrize("minor", SUPPORTED_MINORS)
@pytest.mark.parametrize("case", CASES)
def test_every_manifest_is_valid_for_every_supported_kubernetes(case: str, minor: str) -> None:
    for manifest in expected_of(case):
        kubernetes_validate.validate(manifest, minor, strict=True)


@pytest.mark.parametrize("case", CASES)
def test_the_wall_comes_before_the_pods(case: str) -> None:
    kinds = [manifest["kind"] for manifest in expected_of(case)]

    assert kinds[:3] == KINDS_BEFORE_PODS
    assert kinds[-1] == "Deployment"


@pytest.mark.parametrize("case", CASES)
def test_yaml_that_people_read_has_no_anchors(case: str) -> None:
    text = (GOLDEN / case / "expected.yaml").read_text(encoding="utf-8")

    assert not [event for event in yaml.parse(text) if getattr(event, "anchor", None)]


def test_the_command_prints_the_same(tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text(f"proof: {{image: {SETTINGS.image}}}\nvllmImage: {SETTINGS.vllm_image}\n", encoding="utf-8")
    case = GOLDEN / "vllm-from-claim"

    done = CliRunner().invoke(cli.main, ["render", "-f", str(case / "input.yaml"), "--settings", str(settings)])

    assert done.stdout == (case / "expected.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param("kind: Pod\n", "there is no LocalModel", id="a file without a LocalModel"),
        pytest.param("- a\n- b\n", "a document is a list and no Kubernetes object", id="a file that is a list"),
        pytest.param("a: [", "expected the node content", id="a file that is no YAML"),
        pytest.param(
            (GOLDEN / "vllm-from-claim" / "input.yaml").read_text(encoding="utf-8"),
            "set engine.vllm.image",
            id="an engine without an image",
        ),
    ],
)
def test_the_command_refuses_with_a_sentence(text: str, want: str) -> None:
    done = CliRunner().invoke(cli.main, ["render", "-f", "-"], input=text)

    assert done.exit_code == 1
    assert want in done.output
    assert "Traceback" not in done.output
