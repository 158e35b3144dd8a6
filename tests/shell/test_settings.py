"""The settings file: what it may say, and the sentence for what it may not."""

from pathlib import Path

import pytest

from bolwerk.core.settings import Settings
from bolwerk.shell.settings import SettingsError, load_settings


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("", Settings()),
        ("vllmImage: registry/vllm@sha256:1\n", Settings(vllm_image="registry/vllm@sha256:1")),
        ('vllmImage: v\ntritonImage: ""\n', Settings(vllm_image="v")),
        (
            "serviceAccount: op\ndns: {namespace: kube-system}\n",
            Settings(service_account="op", dns_namespace="kube-system"),
        ),
        (
            "references: {configMaps: false, secrets: true}",
            Settings(references_config_maps=False, references_secrets=True),
        ),
        (
            "proof: {image: b, imagePullSecrets: [s], canaryService: c, concurrency: 2}",
            Settings(image="b", image_pull_secrets=("s",), canary_service="c", proof_concurrency=2),
        ),
    ],
)
def test_a_file_is_read(tmp_path: Path, text: str, want: Settings) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text, encoding="utf-8")

    assert load_settings(path) == want


def test_no_file_means_the_defaults() -> None:
    assert load_settings(None) == Settings()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("vllmimage: v", "vllmimage: Extra inputs.*Known settings: vllmImage, tritonImage", id="misspelt"),
        pytest.param("vllmImage: 3", "vllmImage: Input should be a valid string", id="not a string"),
        pytest.param("references: {secret: true}", "references.secret: Extra inputs", id="misspelt inside"),
        pytest.param(
            "references: {secrets: 1}", "references.secrets: Input should be a valid boolean", id="no boolean"
        ),
        pytest.param("proof: {concurrency: 0}", "proof.concurrency: Input should be greater", id="nobody at a time"),
        pytest.param("- a", "the file: Input should be", id="a list"),
        pytest.param("a: [", "settings.yaml: while parsing", id="not YAML"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(SettingsError, match=sentence):
        load_settings(path)
