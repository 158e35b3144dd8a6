"""Values that the chart refuses, each with a sentence that says what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from chart.rendering import RefusedError, Render

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("values", "want"),
    [
        pytest.param({"replica": 3}, "additional properties 'replica' not allowed", id="a misspelt value"),
        pytest.param(
            {"image": {"tags": "1"}}, "at '/image': additional properties 'tags'", id="a misspelt inner value"
        ),
        pytest.param({"replicas": -1}, "at '/replicas': minimum: got -1, want 0", id="negative replicas"),
        pytest.param({"replicas": "two"}, "at '/replicas': got string, want integer", id="replicas as a word"),
        pytest.param({"workers": 0}, "at '/workers': minimum", id="no workers"),
        pytest.param({"image": {"tag": "latest"}}, "image.tag: a moving tag such as latest", id="the tag latest"),
        pytest.param(
            {"engines": {"vllm": {"tag": ""}}},
            "set engines.vllm.digest",
            id="an engine without tag or digest",
        ),
        pytest.param(
            {"engines": {"triton": {"tag": "latest", "registry": "registry.example.nl"}}},
            "engines.triton.tag: a moving tag such as latest",
            id="an engine with the tag latest",
        ),
        pytest.param({"image": {"digest": "sha256:12"}}, "at '/image/digest'", id="half a digest"),
        pytest.param(
            {"image": {"repository": "registry.example.nl/UPPER"}},
            "at '/image/repository'",
            id="a repository in capitals",
        ),
        pytest.param(
            {"global": {"imageRegistry": "https://registry.example.nl"}},
            "at '/global/imageRegistry'",
            id="a URL as registry",
        ),
        pytest.param(
            {"networkPolicy": {"apiServer": {"cidrs": ["192.0.2.1"]}}},
            "at '/networkPolicy/apiServer/cidrs/0'",
            id="an address that is no CIDR",
        ),
        pytest.param(
            {"networkPolicy": {"apiServer": {"ports": []}}},
            "at '/networkPolicy/apiServer/ports'",
            id="no API server port",
        ),
        pytest.param(
            {"metrics": {"clients": [{}]}}, "at '/metrics/clients/0'", id="a metrics client that is everybody"
        ),
        pytest.param(
            {"metrics": {"serviceMonitor": {"enabled": True}}},
            "name your Prometheus in metrics.clients",
            id="a ServiceMonitor that the policy would shut out",
        ),
        pytest.param({"crds": {"keep": "yes"}}, "at '/crds/keep': got string, want boolean", id="a word as a boolean"),
        pytest.param({"fullnameOverride": "Capital"}, "at '/fullnameOverride'", id="a name that is no DNS label"),
    ],
)
def test_refused_with_a_sentence(render: Render, values: dict[str, Any], want: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        render(values)

    assert want in str(refusal.value)


def test_a_digest_makes_the_tag_irrelevant(render: Render) -> None:
    objects = render({"image": {"tag": "latest", "digest": DIGEST}})

    deployment = next(item for item in objects if item["kind"] == "Deployment")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == f"bolwerk/bolwerk@{DIGEST}"


def test_a_parent_chart_may_keep_more_in_global(render: Render) -> None:
    assert render({"global": {"storageClass": "fast"}})
