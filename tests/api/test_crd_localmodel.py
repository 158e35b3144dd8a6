"""LocalModels that a real API server takes or refuses, and what the user reads when it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from api.asking import GONE, Api, changed

pytestmark = pytest.mark.cluster

VLLM: dict[str, Any] = {
    "apiVersion": "bolwerk.dev/v1alpha1",
    "kind": "LocalModel",
    "metadata": {"name": "llama", "namespace": "default"},
    "spec": {
        "model": {"source": {"persistentVolumeClaim": {"claimName": "models", "path": "llama"}}},
        "engine": {"vllm": {}},
    },
}
KEY = {"name": "key", "key": "token"}
TRITON = changed(VLLM, {"spec.engine": {"triton": {"models": ["resnet"]}}})
IMAGE = changed(VLLM, {"spec.model.source": {"image": {"reference": "registry.example.nl/llama@sha256:" + "a" * 64}}})


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        pytest.param(VLLM, {}, id="vLLM from a claim"),
        pytest.param(IMAGE, {}, id="vLLM from an image"),
        pytest.param(TRITON, {}, id="Triton from a claim"),
        pytest.param(VLLM, {"metadata.name": "a" * 50}, id="a name of 50 characters"),
        pytest.param(
            VLLM,
            {"spec.gpu.count": 4, "spec.model.architecture.attentionHeads": 32},
            id="4 GPUs for 32 attention heads",
        ),
        pytest.param(
            VLLM,
            {
                "spec.gpu.count": 6,
                "spec.engine.vllm.pipelineParallelSize": 3,
                "spec.model.architecture.attentionHeads": 32,
            },
            id="6 GPUs in 3 stages for 32 attention heads",
        ),
        pytest.param(VLLM, {"spec.gpu.count": 0}, id="no GPU at all"),
        pytest.param(VLLM, {"spec.gpu.resourceName": "nvidia.com/mig-3g.40gb"}, id="a MIG profile"),
        pytest.param(VLLM, {"spec.gpu.minMemory": "40Gi", "spec.gpu.products": ["NVIDIA-H100"]}, id="a GPU by product"),
        pytest.param(VLLM, {"spec.replicas": 0}, id="scaled to zero"),
        pytest.param(VLLM, {"spec.model.size": 17179869184}, id="a quantity as a number"),
        pytest.param(VLLM, {"spec.engine.vllm.extraArgs": ["--hf-overrides.x=1", "--seed", "7"]}, id="harmless flags"),
        pytest.param(VLLM, {"spec.engine.vllm.extraArgs": ["--max-num-seqs=8"]}, id="a flag like a reserved one"),
        pytest.param(VLLM, {"spec.engine.vllm.env": [{"name": "VLLM_LOGGING_LEVEL", "value": "DEBUG"}]}, id="own env"),
        pytest.param(VLLM, {"spec.access.apiKeySecretRef": KEY}, id="vLLM with an API key"),
        pytest.param(VLLM, {"spec.access.clients": [{"namespaceSelector": {}}]}, id="every namespace as client"),
        pytest.param(VLLM, {"spec.access.clients": [{"podSelector": {}}]}, id="every pod of the namespace as client"),
        pytest.param(
            VLLM, {"spec.podTemplate.spec": {"dnsPolicy": "None", "hostNetwork": False}}, id="a patch of the pods"
        ),
        pytest.param(
            VLLM, {"spec.podTemplate.metadata.labels": {"example.nl/team": "a"}}, id="further labels of the pods"
        ),
    ],
)
def test_taken(api: Api, base: dict[str, Any], changes: dict[str, Any]) -> None:
    assert api.refusal(changed(base, changes)) == ""


@pytest.mark.parametrize(
    ("base", "changes", "want"),
    [
        pytest.param(
            VLLM,
            {"spec.gpu.count": 3, "spec.model.architecture.attentionHeads": 32},
            "a tensor parallel size of 3 does not divide the 32 attention heads of this model; choose a gpu.count that "
            "does (a power of two for most models), or set engine.vllm.pipelineParallelSize",
            id="3 GPUs for 32 attention heads",
        ),
        pytest.param(
            VLLM,
            {"spec.gpu.count": 4, "spec.engine.vllm.tensorParallelSize": 2},
            "tensorParallelSize times pipelineParallelSize is 2 but gpu.count is 4; make them equal, or leave "
            "tensorParallelSize out",
            id="half of the GPUs unused",
        ),
        pytest.param(
            VLLM,
            {
                "spec.gpu.count": 1,
                "spec.engine.vllm.pipelineParallelSize": 2,
                "spec.model.architecture.attentionHeads": 32,
            },
            "tensorParallelSize times pipelineParallelSize is 0 but gpu.count is 1",
            id="more stages than GPUs",
        ),
        pytest.param(
            VLLM,
            {"spec.engine.vllm.gpuMemoryUtilisation": 0.9},
            'unknown field "spec.engine.vllm.gpuMemoryUtil',
            id="an unknown engine field",
        ),
        pytest.param(VLLM, {"spec.enigne": {}}, 'unknown field "spec.enigne"', id="an unknown field"),
        pytest.param(
            VLLM,
            {"spec.model.source.image": {"reference": "registry.example.nl/llama:1"}},
            "model.source takes exactly one of persistentVolumeClaim and image",
            id="two sources",
        ),
        pytest.param(
            VLLM, {"spec.model.source": {}}, "model.source takes exactly one of persistentVolumeClaim", id="no source"
        ),
        pytest.param(VLLM, {"spec.model": GONE}, "spec.model: Required value", id="no model"),
        pytest.param(VLLM, {"spec": GONE}, "spec: Required value", id="no spec"),
        pytest.param(
            VLLM,
            {"spec.engine.triton": {"models": ["resnet"]}},
            "engine takes exactly one of vllm (language models) and triton (a model repository)",
            id="both engines",
        ),
        pytest.param(VLLM, {"spec.engine": {}}, "engine takes exactly one of vllm", id="no engine"),
        pytest.param(
            VLLM,
            {"spec.replicas": -1},
            "spec.replicas in body should be greater than or equal to 0",
            id="negative replicas",
        ),
        pytest.param(
            VLLM,
            {"metadata.name": "a" * 63},
            "metadata.name has 63 characters; it is also the name of the Service and the stem of other names: use at "
            "most 50, lower case letters, digits and hyphens, beginning with a letter",
            id="a name of 63 characters",
        ),
        pytest.param(
            VLLM, {"metadata.name": "7b-llama"}, "beginning with a letter", id="a name that begins with a digit"
        ),
        pytest.param(VLLM, {"metadata.name": "llama.3"}, "digits and hyphens", id="a name with a dot"),
        pytest.param(VLLM, {"spec.model.size": "16 gigabytes"}, "spec.model.size", id="a size in words"),
        pytest.param(VLLM, {"spec.model.size": "-1Gi"}, "spec.model.size", id="a negative size"),
        pytest.param(
            VLLM, {"spec.gpu.count": 65}, "spec.gpu.count in body should be less than or equal to 64", id="65 GPUs"
        ),
        pytest.param(
            VLLM, {"spec.gpu.resourceName": "gpu"}, "spec.gpu.resourceName", id="a GPU resource without a domain"
        ),
        pytest.param(
            VLLM,
            {"spec.resources.limits": {"nvidia.com/gpu": 1}},
            "ask for GPUs with gpu.count",
            id="a GPU in resources",
        ),
        pytest.param(
            VLLM,
            {"spec.model.source.persistentVolumeClaim.path": "../other"},
            "spec.model.source.persistentVolumeClaim.path",
            id="a path out of the volume",
        ),
        pytest.param(
            TRITON,
            {"spec.access.apiKeySecretRef": KEY},
            "access.apiKeySecretRef works with vLLM only: Triton has no API key; restrict access.clients instead",
            id="Triton with an API key",
        ),
        pytest.param(
            TRITON, {"spec.engine.triton.models": []}, "spec.engine.triton.models", id="Triton without models"
        ),
        pytest.param(
            VLLM,
            {"spec.access.clients": [{}]},
            "a client needs namespaceSelector, podSelector or both; namespaceSelector: {} means every namespace",
            id="a client without a selector",
        ),
        pytest.param(
            VLLM,
            {"spec.access.clients": [{"podSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}]},
            "In and NotIn need values",
            id="a selector without values",
        ),
        *(
            pytest.param(
                VLLM,
                {f"spec.podTemplate.spec.{field}": True},
                f"podTemplate.spec.{field} leads around the network policy that seals the model: remove it",
                id=f"{field} in the pod template",
            )
            for field in ("hostNetwork", "hostPID", "hostIPC")
        ),
        *(
            pytest.param(
                VLLM,
                {f"spec.podTemplate.metadata.{field}": {f"{prefix}/x": "y"}},
                f"podTemplate.metadata.{field}: bolwerk.dev/ and app.kubernetes.io/ are Bolwerk's own; take another",
                id=f"{field} of {prefix} in the pod template",
            )
            for field in ("labels", "annotations")
            for prefix in ("bolwerk.dev", "app.kubernetes.io")
        ),
        pytest.param(
            VLLM,
            {"spec.engine.vllm.env": [{"name": "A", "value": "b", "valueFrom": {"secretKeyRef": KEY}}]},
            "an environment variable takes value or valueFrom, not both",
            id="a variable with two values",
        ),
        pytest.param(
            VLLM,
            {"spec.engine.vllm.env": [{"name": "A", "valueFrom": {}}]},
            "valueFrom takes exactly one of secretKeyRef and configMapKeyRef",
            id="a variable from nowhere",
        ),
        pytest.param(
            VLLM,
            {"spec.engine.vllm.env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]},
            "Duplicate value",
            id="a variable twice",
        ),
    ],
)
def test_refused_with_a_sentence(api: Api, base: dict[str, Any], changes: dict[str, Any], want: str) -> None:
    assert want in api.refusal(changed(base, changes))


def test_replicas_have_a_default_and_nothing_else_has(api: Api) -> None:
    # A default that the API server writes is a difference that Argo CD reports; replicas needs one for `scale`.
    assert api.stored(VLLM)["spec"] == VLLM["spec"] | {"replicas": 1}
