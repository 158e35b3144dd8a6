"""The tiny model as a LocalModel: real vLLM on the CPU, on a GPU that is made up.

Used by the scenarios about serving and about proofs, which have to mean the same model. Nothing here is applied.
"""

from collections.abc import Mapping
from typing import Any

from harness import images

NAME = "tiny"
SELECTOR = f"bolwerk.dev/model={NAME},!bolwerk.dev/proof-run"
"""Of its pods, and not of the probes that bear its labels for a while."""
PATIENCE = 600.0  # seconds for a start of vLLM on a busy machine
PATH = "tiny-llama"
CLAIM: Mapping[str, Any] = {"persistentVolumeClaim": {"claimName": "models", "path": PATH}}


def from_image() -> dict[str, Any]:
    """Return the source of a model that lies in an OCI image."""
    return {"image": {"reference": images.model().reference, "path": PATH}}


def local_model(namespace: str, source: Mapping[str, Any], *, clients: str = "") -> dict[str, Any]:
    """Return the LocalModel; who asks it are the pods `app: chat` of its own namespace, or of the one that is named."""
    there = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": clients}}} if clients else {}
    return {
        "apiVersion": "bolwerk.dev/v1alpha1",
        "kind": "LocalModel",
        "metadata": {"name": NAME, "namespace": namespace},
        "spec": {
            "model": {"source": source, "size": "10Mi", "architecture": {"attentionHeads": 4}},
            "engine": {
                "vllm": {
                    "image": images.engine().reference,
                    "maxModelLength": 256,
                    "extraArgs": ["--enforce-eager"],
                    "env": [{"name": "VLLM_CPU_KVCACHE_SPACE", "value": "1"}],
                }
            },
            "gpu": {"count": 1, "products": ["NVIDIA-L4"], "minMemory": "20Gi"},
            "access": {"clients": [{**there, "podSelector": {"matchLabels": {"app": "chat"}}}]},
            "rollout": {"drainTimeoutSeconds": 5},
        },
    }
