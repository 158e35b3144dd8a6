"""What the chart promises whatever its values: the CRDs as generated, and an operator that keeps its own rules."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from bolwerk.api.crd import crd, shipped
from bolwerk.core.catalogue.age import STALE_DAYS
from bolwerk.shell.metrics import Metrics
from chart.rendering import ROOT, Render, of_component, only
from chart.test_render import CASES, values_of


def test_the_crds_are_the_generated_ones(render: Render) -> None:
    rendered = {
        item["metadata"]["name"]: item["spec"] for item in render() if item["kind"].startswith("CustomResource")
    }

    want = {document["metadata"]["name"]: document["spec"] for document in (crd(resource) for resource in shipped())}
    assert rendered == want


@pytest.mark.parametrize(
    ("values", "want"),
    [
        pytest.param({}, {"helm.sh/resource-policy": "keep"}, id="kept unless asked otherwise"),
        pytest.param({"keep": False}, None, id="deleted when asked"),
        pytest.param({"keep": False, "annotations": {"a": "b"}}, {"a": "b"}, id="with annotations"),
        pytest.param({"annotations": {"a": "b"}}, {"a": "b", "helm.sh/resource-policy": "keep"}, id="with both"),
    ],
)
def test_annotations_of_the_crds(render: Render, values: dict[str, Any], want: dict[str, str] | None) -> None:
    crds = [item for item in render(crds=values) if item["kind"] == "CustomResourceDefinition"]

    assert len(crds) == len(shipped())
    for each in crds:
        assert each["metadata"].get("annotations") == want


@pytest.mark.parametrize("case", CASES)
def test_the_pod_keeps_to_the_restricted_standard(render: Render, case: str) -> None:
    pod = only(render(values_of(case)), "Deployment")["spec"]["template"]["spec"]

    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert [set(volume) - {"name"} for volume in pod["volumes"]] == [{"configMap"}]


@pytest.mark.parametrize("case", CASES)
def test_no_image_has_a_moving_tag(render: Render, case: str) -> None:
    objects = render(values_of(case))
    images = [container["image"] for container in only(objects, "Deployment")["spec"]["template"]["spec"]["containers"]]
    images += [image for name, image in settings(objects).items() if name.endswith("Image") and image]

    for image in images:
        assert "@sha256:" in image or image.rpartition(":")[2] not in ("", "latest", image)


def settings(objects: list[dict[str, Any]]) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(only(objects, "ConfigMap")["data"]["settings.yaml"])
    return loaded


@pytest.mark.parametrize(
    ("values", "want"),
    [
        pytest.param({}, ("vllm/vllm-openai:v0.32.0", ""), id="Triton has no default without a registry"),
        pytest.param(
            {"global": {"imageRegistry": "r.example.nl"}},
            ("r.example.nl/vllm/vllm-openai:v0.32.0", "r.example.nl/nvidia/tritonserver:26.09-py3"),
            id="one registry for all",
        ),
        pytest.param(
            {"global": {"imageRegistry": "r.example.nl"}, "engines": {"triton": {"registry": "t.example.nl/x"}}},
            ("r.example.nl/vllm/vllm-openai:v0.32.0", "t.example.nl/x/nvidia/tritonserver:26.09-py3"),
            id="an engine's own registry wins",
        ),
    ],
)
def test_default_engine_images(render: Render, values: dict[str, Any], want: tuple[str, str]) -> None:
    images = settings(render(values))

    assert (images["vllmImage"], images["tritonImage"]) == want


def test_changed_settings_restart_the_operator(render: Render) -> None:
    def mark(values: dict[str, Any]) -> str:
        metadata = only(render(values), "Deployment")["spec"]["template"]["metadata"]
        return str(metadata["annotations"]["bolwerk.dev/settings"])

    assert mark({}) != mark({"engines": {"vllm": {"tag": "v0.33.0"}}})
    assert mark({}) == mark({"workers": 3})


@pytest.mark.parametrize("case", [case for case in CASES if case != "single"])
def test_the_operators_own_policy_denies_by_default(render: Render, case: str) -> None:
    values = values_of(case)
    policy = only(render(values), "NetworkPolicy")["spec"]

    assert policy["policyTypes"] == ["Ingress", "Egress"]
    for rule in policy["ingress"]:
        assert rule["from"]
        assert rule["ports"] == [{"protocol": "TCP", "port": "metrics"}]
    assert all(port["protocol"] == "TCP" for port in policy["egress"][0]["ports"])
    assert len(policy["egress"]) == 1 + len(values.get("networkPolicy", {}).get("extraEgress", []))


def test_a_single_replica_has_no_budget_that_would_block_drains(render: Render) -> None:
    alone = of_component(render(replicas=1), "operator")
    assert not [item for item in alone if item["kind"] == "PodDisruptionBudget"]
    assert only(render(replicas=2), "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


def test_alerts_name_metrics_that_exist(render: Render) -> None:
    rules = only(render(values_of("monitored")), "PrometheusRule")["spec"]["groups"][0]["rules"]
    names = {sample.name for metric in Metrics().registry.collect() for sample in metric.samples}
    names |= {f"{metric.name}_total" for metric in Metrics().registry.collect() if metric.type == "counter"}
    names |= {metric.name for metric in Metrics().registry.collect()}

    for rule in rules:
        used = {
            word for word in rule["expr"].replace("(", " ").replace("{", " ").split() if word.startswith("bolwerk_")
        }
        assert used
        assert used <= names, rule["alert"]


def test_the_alert_and_the_condition_call_a_catalogue_stale_at_the_same_age(render: Render) -> None:
    rules = only(render(values_of("monitored")), "PrometheusRule")["spec"]["groups"][0]["rules"]
    [stale] = [rule["expr"] for rule in rules if rule["alert"] == "BolwerkCatalogueStale"]

    assert stale.endswith(f"> {STALE_DAYS}")


def test_the_chart_and_the_package_have_one_version() -> None:
    chart = yaml.safe_load((ROOT / "charts/bolwerk/Chart.yaml").read_text(encoding="utf-8"))
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")

    assert f'version = "{chart["appVersion"]}"' in pyproject
    assert chart["version"] == chart["appVersion"]
