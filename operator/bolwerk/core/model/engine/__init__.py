"""The engines: what each needs of its container, as a value that the pod's builder puts into place."""

from __future__ import annotations

from bolwerk.core.model.engine.parts import EngineParts
from bolwerk.core.model.engine.triton import triton_parts
from bolwerk.core.model.engine.vllm import vllm_parts
from bolwerk.core.model.subject import Subject
from bolwerk.core.settings import Settings

__all__ = ["engine_parts"]


def engine_parts(subject: Subject, settings: Settings) -> EngineParts:
    """Return what the subject's engine needs."""
    engine = subject.spec.engine
    if engine.vllm:
        return vllm_parts(subject, engine.vllm, settings)
    if engine.triton:
        return triton_parts(subject, engine.triton, settings)
    raise AssertionError("the model of the API has let an engine without a kind pass")
