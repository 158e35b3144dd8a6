"""Triton's container (26.09 line; src/command_line_parser.cc, docs/customization_guide/deploy.md)."""

from __future__ import annotations

from typing import Any

from bolwerk.api.engines import Triton
from bolwerk.api.reserved import OFFLINE
from bolwerk.core.model.engine.parts import CACHE, EngineParts, environment, http_get
from bolwerk.core.model.subject import Subject
from bolwerk.core.settings import Settings

__all__ = ["triton_parts"]

PORTS = {"http": 8000, "grpc": 8001, "metrics": 8002}
USER = 1000
"""uid and gid of `triton-server` in the upstream image."""

FIXED = {"HOME": CACHE, "XDG_CACHE_HOME": f"{CACHE}/xdg"}
DEFAULT_SHARED_MEMORY = "2Gi"
"""What NVIDIA's own examples give the Python backend."""

ALL_ANSWER = (
    "import sys, urllib.request\n"
    "for name in sys.argv[1:]:\n"
    "    urllib.request.urlopen(f'http://127.0.0.1:8000/v2/models/{name}/ready', timeout=5).close()\n"
)
"""Asks for each model by name; the names arrive as arguments and are never part of the program."""


def triton_parts(subject: Subject, triton: Triton, settings: Settings) -> EngineParts:
    """Return what Triton needs."""
    answering = _models_answer(triton.models)
    return EngineParts(
        image=triton.image or settings.triton_image,
        user=USER,
        group=USER,
        command=(
            "tritonserver",
            f"--model-repository={subject.model_path}",
            # explicit and poll "can lead to arbitrary code execution"; a changed repository is a new pod.
            "--model-control-mode=none",
            *(f"--{name}-port={port}" for name, port in PORTS.items()),
            f"--exit-timeout-secs={subject.spec.rollout.drain_timeout_seconds}",
            *triton.extra_args,
        ),
        environment=environment(FIXED, asked=triton.env, enforced=OFFLINE),
        enforced=OFFLINE.keys(),
        ports=PORTS,
        started=answering,
        answering=answering,
        alive=http_get("/v2/health/live"),
        shared_memory=str(triton.shared_memory or DEFAULT_SHARED_MEMORY),
        client_path="",
    )


def _models_answer(models: tuple[str, ...]) -> dict[str, Any]:
    """Ask for the named models: /v2/health/ready says nothing of a model that the repository does not have."""
    if len(models) == 1:
        return http_get(f"/v2/models/{models[0]}/ready")
    return {"exec": {"command": ["python3", "-c", ALL_ANSWER, *models]}}
