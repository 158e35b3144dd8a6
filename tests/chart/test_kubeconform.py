"""kubeconform, as many a pipeline runs it: over the chart, the plain manifests and the samples, without internet."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from bolwerk.api import VERSION
from bolwerk.api.crd import crd, shipped
from chart.rendering import CHART, NAMESPACE, ROOT, SUPPORTED_MINORS, run_helm
from chart.test_render import CASES, GOLDEN

SHIPPED_SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
BY_HAND = [
    *sorted((ROOT / "manifests" / "samples").glob("*.yaml")),
    *sorted((ROOT / "manifests" / "install").glob("*.yaml")),
]


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a CRD's schema in which a field that it does not name is an error, as it is to the API server."""
    copied = dict(schema)
    if "properties" in copied:
        copied["properties"] = {name: strict(child) for name, child in copied["properties"].items()}
        if not copied.get("x-kubernetes-preserve-unknown-fields"):
            copied["additionalProperties"] = False
    if isinstance(copied.get("items"), dict):
        copied["items"] = strict(copied["items"])
    return copied


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Schemas where kubeconform looks for them: Kubernetes' own, as a test dependency carries them, and ours."""
    folder = tmp_path_factory.mktemp("schemas")
    for minor in SUPPORTED_MINORS:
        shipped_here = SHIPPED_SCHEMAS / f"v{minor}.0-local-strict"
        target = folder / shipped_here.name
        target.mkdir()
        for path in shipped_here.glob("*.json"):
            # They refer to each other under a path that only their own package knows.
            text = path.read_text(encoding="utf-8").replace(
                "/api/_definitions.json", f"file://{target}/_definitions.json"
            )
            (target / path.name).write_text(text, encoding="utf-8")
        for resource in shipped():
            schema = strict(crd(resource)["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
            schema["properties"]["metadata"] = {"type": "object"}
            path = target / f"{resource.kind.lower()}-bolwerk-{VERSION}.json"
            path.write_text(json.dumps(schema), encoding="utf-8")
    return folder


def conform(kubeconform: Path, schemas: Path, minor: str, manifests: str) -> dict[str, Any]:
    """Run kubeconform and return its summary."""
    location = (
        f"{schemas}/{{{{.NormalizedKubernetesVersion}}}}-local-strict/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
    )
    done = subprocess.run(
        [
            kubeconform, "-strict", "-summary", "-output=json", f"-kubernetes-version={minor}.0",
            f"-schema-location={location}", "-skip=ServiceMonitor,PrometheusRule,Kustomization",
        ],
        input=manifests, capture_output=True, text=True, check=False,
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("minor", SUPPORTED_MINORS)
@pytest.mark.parametrize("case", CASES)
def test_the_chart_conforms(helm: Path, kubeconform: Path, schemas: Path, case: str, minor: str) -> None:
    values = GOLDEN / case / "values.yaml"
    where = (f"--namespace={NAMESPACE}", f"--kube-version={minor}")
    text = run_helm(helm, "template", "bolwerk", str(CHART), *where, f"--values={values}")

    answer = conform(kubeconform, schemas, minor, text)

    assert answer["resources"] == []
    assert answer["summary"]["valid"] >= 9


@pytest.mark.parametrize("path", BY_HAND, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_people_apply_by_hand_conforms(kubeconform: Path, schemas: Path, path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    answer = conform(kubeconform, schemas, SUPPORTED_MINORS[-1], text)

    assert answer["resources"] == []
    assert answer["summary"]["valid"] + answer["summary"]["skipped"] == len(list(yaml.safe_load_all(text)))


def test_a_misspelt_field_of_a_localmodel_is_found(kubeconform: Path, schemas: Path) -> None:
    text = (ROOT / "manifests" / "samples" / "vllm-on-mig.yaml").read_text(encoding="utf-8")

    answer = conform(kubeconform, schemas, SUPPORTED_MINORS[-1], text.replace("resourceName:", "resourcename:"))

    assert answer["summary"]["invalid"] == 1
    assert "resourcename" in answer["resources"][0]["msg"]
