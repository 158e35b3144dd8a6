"""What a LocalModel may not set by hand, because Bolwerk's promise rests on it.

Part of the API contract: the CRD's rules refuse these names, and the engine builders set them. Values are
exact: vLLM, for one, reads anything but "1" as consent to telemetry (vllm/envs.py, vllm/usage/usage_lib.py).
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["OFFLINE", "TRITON_FLAGS", "VLLM_FLAGS", "VLLM_OFFLINE"]

OFFLINE: Mapping[str, str] = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "DO_NOT_TRACK": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
}
"""For every engine: no hub, no telemetry, no cloud metadata."""

VLLM_OFFLINE: Mapping[str, str] = {
    **OFFLINE,
    "RAY_USAGE_STATS_ENABLED": "0",
    "VLLM_DO_NOT_TRACK": "1",
    # Multimodal requests make the server fetch URLs; no redirect may lead it on (vllm docs/usage/security.md).
    "VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0",
    "VLLM_NO_USAGE_STATS": "1",
    # Opens /collective_rpc and friends, which no API key guards.
    "VLLM_SERVER_DEV_MODE": "0",
    "VLLM_USE_MODELSCOPE": "False",
}

VLLM_FLAGS: Mapping[str, str] = {
    "--model": "spec.model",
    "--port": "nothing: the port is Bolwerk's",
    "--served-model-name": "spec.model.servedName",
    "--tensor-parallel-size": "engine.vllm.tensorParallelSize",
    "-tp": "engine.vllm.tensorParallelSize",
    "--pipeline-parallel-size": "engine.vllm.pipelineParallelSize",
    "-pp": "engine.vllm.pipelineParallelSize",
    "--max-model-len": "engine.vllm.maxModelLength",
    "--dtype": "engine.vllm.dtype",
    "--quantization": "engine.vllm.quantization",
    "-q": "engine.vllm.quantization",
    "--gpu-memory-utilization": "engine.vllm.gpuMemoryUtilization",
    "--tool-call-parser": "engine.vllm.toolCallParser",
    "--enable-auto-tool-choice": "engine.vllm.toolCallParser",
    "--reasoning-parser": "engine.vllm.reasoningParser",
    "--trust-remote-code": "engine.vllm.trustRemoteCode",
    "--lora-modules": "engine.vllm.adapters",
    "--shutdown-timeout": "rollout.drainTimeoutSeconds",
    "--api-key": "access.apiKeySecretRef",
    "--ssl-certfile": "nothing yet: the probes speak plain HTTP",
    "--ssl-keyfile": "nothing yet: the probes speak plain HTTP",
    "--uds": "nothing: clients reach the model by its Service",
    "--grpc": "nothing: clients and probes speak HTTP",
    "--headless": "nothing: clients and probes speak HTTP",
    # Files of the model's volume must not run as code, nor set any of the above.
    "--config": "the fields of engine.vllm",
    "--tool-parser-plugin": "engine.vllm.image with an image that contains the parser",
    "--reasoning-parser-plugin": "engine.vllm.image with an image that contains the parser",
}
"""Flags that Bolwerk sets or refuses, each with what to write instead."""

TRITON_FLAGS: Mapping[str, str] = {
    "--model-repository": "spec.model",
    "--model-store": "spec.model",
    # explicit and poll "can lead to arbitrary code execution" (triton docs/customization_guide/deploy.md).
    "--model-control-mode": "nothing: a changed repository is a new pod",
    "--load-model": "engine.triton.models",
    "--http-port": "nothing: the port is Bolwerk's",
    "--grpc-port": "nothing: the port is Bolwerk's",
    "--metrics-port": "nothing: the port is Bolwerk's",
    "--http-address": "nothing: the address is Bolwerk's",
    "--grpc-address": "nothing: the address is Bolwerk's",
    "--exit-timeout-secs": "rollout.drainTimeoutSeconds",
    "--strict-readiness": "nothing: readiness means that every model answers",
    "--exit-on-error": "nothing: a model that fails to load has to show",
}
