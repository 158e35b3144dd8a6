"""vLLM's container. Facts are of vLLM 0.32, read in its argument parser, vllm/envs.py and docs/usage/security.md."""

from __future__ import annotations

import re
from typing import Any

from bolwerk.api.engines import Vllm
from bolwerk.api.localmodel import LocalModelSpec
from bolwerk.api.reserved import VLLM_OFFLINE
from bolwerk.core.model.engine.parts import CACHE, EngineParts, environment, http_get
from bolwerk.core.model.subject import MODEL_MOUNT, Subject
from bolwerk.core.settings import Settings

__all__ = ["vllm_parts"]

PORT = 8000
USER = 2000
"""uid of `vllm` in the upstream image, whose group is root's (vllm#40275)."""

FIXED = {
    "HOME": CACHE,
    # torch asks the operating system for the user's name and dies when the uid has none.
    "USER": "vllm",
    "VLLM_CACHE_ROOT": f"{CACHE}/vllm",
    "VLLM_CONFIG_ROOT": f"{CACHE}/config",
    "XDG_CACHE_HOME": f"{CACHE}/xdg",
    "HF_HOME": f"{CACHE}/huggingface",
    "TRITON_CACHE_DIR": f"{CACHE}/triton",
    "TORCHINDUCTOR_CACHE_DIR": f"{CACHE}/inductor",
    "NUMBA_CACHE_DIR": f"{CACHE}/numba",
    "OUTLINES_CACHE_DIR": f"{CACHE}/outlines",
}

FIRST_ANSWER = f"""\
import json, os, sys, urllib.error, urllib.request
body = json.dumps({{"model": sys.argv[1], "prompt": "a", "max_tokens": 1}}).encode()
headers = {{"Content-Type": "application/json", "Authorization": "Bearer " + os.environ.get("VLLM_API_KEY", "")}}
urllib.request.urlopen("http://127.0.0.1:{PORT}/health", timeout=5).close()
try:
    urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:{PORT}/v1/completions", body, headers)).close()
except urllib.error.HTTPError as refusal:
    # A model that embeds or classifies completes nothing; it says so, and that is an answer too.
    sys.exit(refusal.code >= 500)
"""
"""Asks for one token, with the served name as its argument.

/health and /v1/models answer while the first request still can kill the engine (seen with an unsupported head size),
and without this the Service would send clients to find out.
"""

SHUTDOWN_TIMEOUT_SINCE = (0, 18)
AUTOMATIC_LENGTH_SINCE = (0, 20)


def vllm_parts(subject: Subject, vllm: Vllm, settings: Settings) -> EngineParts:
    """Return what vLLM needs."""
    image = vllm.image or settings.vllm_image
    return EngineParts(
        image=image,
        user=USER,
        group=0,
        # The path comes first: --served-model-name takes every positional argument behind it.
        command=("vllm", "serve", subject.model_path, *_arguments(subject, vllm, _version(image)), *vllm.extra_args),
        environment=_environment(subject.spec, vllm),
        enforced=VLLM_OFFLINE.keys(),
        ports={"http": PORT},
        # The HTTP server listens only after the engine is set up: a refused connection means that it still loads.
        started={"exec": {"command": ["python3", "-c", FIRST_ANSWER, subject.served_name]}},
        answering=http_get("/health"),
        alive=http_get("/health"),
        shared_memory=_shared_memory(subject.spec.gpu.count),
        client_path="/v1",
    )


def _arguments(subject: Subject, vllm: Vllm, version: tuple[int, int] | None) -> list[str]:
    gpus = max(1, subject.spec.gpu.count)
    pipeline = vllm.pipeline_parallel_size or 1
    options: dict[str, Any] = {
        "--port": PORT,
        "--served-model-name": subject.served_name,
        "--tensor-parallel-size": vllm.tensor_parallel_size or gpus // pipeline,
        "--pipeline-parallel-size": vllm.pipeline_parallel_size,
        # Without a length the context is fitted to the memory that is left, instead of failing when it is too long.
        "--max-model-len": vllm.max_model_length or ("auto" if _since(version, AUTOMATIC_LENGTH_SINCE) else None),
        "--dtype": vllm.dtype,
        "--quantization": vllm.quantization,
        "--gpu-memory-utilization": vllm.gpu_memory_utilization,
        "--tool-call-parser": vllm.tool_call_parser,
        "--reasoning-parser": vllm.reasoning_parser,
        # The default of 0 aborts running requests (vllm#36666).
        "--shutdown-timeout": (
            subject.spec.rollout.drain_timeout_seconds if _since(version, SHUTDOWN_TIMEOUT_SINCE) else None
        ),
    }
    switches = {
        "--enable-auto-tool-choice": vllm.tool_call_parser is not None,
        "--trust-remote-code": vllm.trust_remote_code,
        "--enable-lora": bool(vllm.adapters),
    }
    arguments = [f"{flag}={value}" for flag, value in options.items() if value is not None]
    arguments += [flag for flag, on in switches.items() if on]
    if vllm.adapters:
        arguments += ["--lora-modules", *(f"{each.name}={MODEL_MOUNT}/{each.path}" for each in vllm.adapters)]
    return arguments


def _version(image: str) -> tuple[int, int] | None:
    """Return major and minor of the image's tag, or None if it does not say."""
    found = re.search(r":v?(\d+)\.(\d+)(?:[.\-+@]|$)", image)
    return (int(found[1]), int(found[2])) if found else None


def _since(version: tuple[int, int] | None, first: tuple[int, int]) -> bool:
    # An image that hides its version is taken for a current one.
    return version is None or version >= first


def _shared_memory(gpus: int) -> str:
    """Tensor parallel ranks exchange tensors through /dev/shm, and 64 MiB is too little (production-stack#899)."""
    return f"{max(8, 2 * gpus)}Gi" if gpus > 1 else "2Gi"


def _environment(spec: LocalModelSpec, vllm: Vllm) -> tuple[dict[str, Any], ...]:
    entries = environment(FIXED, asked=vllm.env, enforced=VLLM_OFFLINE)
    key = spec.access.api_key_secret_ref
    if key is None:
        return entries
    secret = {"name": "VLLM_API_KEY", "valueFrom": {"secretKeyRef": {"name": key.name, "key": key.key}}}
    # Twice the same name would be refused by the API server; the field that is made for the key wins over `env`.
    return (*(entry for entry in entries if entry["name"] != secret["name"]), secret)
