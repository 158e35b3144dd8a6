"""The samples as `bolwerk render` sees them, with the settings that the chart gives by default."""

from __future__ import annotations

from pathlib import Path

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from click.testing import CliRunner

from bolwerk.cli import main
from bolwerk.core.egress.backend import BACKENDS, Backend
from chart.rendering import ROOT, SUPPORTED_MINORS, Render, only

FOLDER = ROOT / "manifests" / "samples"
SAMPLES = sorted(path for path in FOLDER.glob("*.yaml") if "kind: LocalModel" in path.read_text(encoding="utf-8"))
POLICIES = sorted(FOLDER.rglob("sovereigntypolicy*.yaml"))
KUBERNETES_OWN = frozenset({"v1", "networking.k8s.io", "admissionregistration.k8s.io"})


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_renders_to_valid_objects(render: Render, tmp_path: Path, sample: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text(only(render(), "ConfigMap")["data"]["settings.yaml"], encoding="utf-8")

    answer = CliRunner().invoke(main, ["render", "--filename", str(sample), "--settings", str(settings)])

    assert answer.exit_code == 0, answer.output
    children = list(yaml.safe_load_all(answer.stdout))
    kinds = {child["kind"] for child in children}
    assert {"ServiceAccount", "NetworkPolicy", "Service", "Deployment"} <= kinds
    assert kinds <= {"ServiceAccount", "NetworkPolicy", "Service", "Deployment", "PodDisruptionBudget", "ConfigMap"}
    for child in children:
        # Image volumes are on by default from 1.35; their field is in the schema of every minor that is supported.
        for minor in SUPPORTED_MINORS:
            kubernetes_validate.validate(child, minor, strict=True)


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
@pytest.mark.parametrize("sample", POLICIES, ids=lambda path: "/".join(path.relative_to(FOLDER).parts))
def test_a_policy_renders_for_every_backend(sample: Path, backend: Backend) -> None:
    files = ("--filename", str(FOLDER / "00-namespaces.yaml"), "--filename", str(sample))
    overlay = ("--overlay", str(FOLDER / "air-gapped" / "catalogue.yaml"))

    answer = CliRunner().invoke(main, ["render", *files, *overlay, "--backend", backend.name])

    assert answer.exit_code == 0, answer.output
    made = list(yaml.safe_load_all(answer.stdout))
    assert made[-1]["kind"] == "ConfigMap"
    assert {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"} <= {each["kind"] for each in made}
    for each in made:
        if each["apiVersion"].partition("/")[0] in KUBERNETES_OWN:
            kubernetes_validate.validate(each, max(SUPPORTED_MINORS), strict=True)


def test_the_policies_are_not_in_each_others_way() -> None:
    files = [option for sample in POLICIES for option in ("--filename", str(sample))]
    namespaces = ("--filename", str(FOLDER / "00-namespaces.yaml"))

    answer = CliRunner().invoke(main, ["render", *namespaces, *files, "--backend", "NetworkPolicy", "--only", "wall"])

    assert answer.exit_code == 0, answer.output
    walled = {each["metadata"]["namespace"] for each in yaml.safe_load_all(answer.stdout)}
    assert walled == {"archive", "assistants"}, "the third only audits"


def test_a_model_that_would_be_stalled_is_refused_with_the_reason() -> None:
    sample = ROOT / "manifests" / "samples" / "vllm-on-mig.yaml"

    answer = CliRunner().invoke(main, ["render", "--filename", str(sample)])

    assert answer.exit_code == 1
    assert "this installation has no default image for vllm: set engine.vllm.image" in answer.output
