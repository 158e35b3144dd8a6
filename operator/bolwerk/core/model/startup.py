"""How long one start may take.

Peers that fixed this at 5 or 10 minutes had their large models killed while loading (kserve#5062,
llm-d-benchmark#83), so it follows from the size of the weights.
"""

from __future__ import annotations

from bolwerk.api.localmodel import LocalModelSpec
from bolwerk.core.quantity import to_bytes

__all__ = ["probe_failures", "progress_deadline_seconds", "startup_seconds"]

READ_BYTES_PER_SECOND = 200 * 10**6
"""What a network volume gives one reader on a bad day."""

MARGIN = 1.5
ENGINE_SECONDS = 8 * 60
"""Compilation, CUDA graphs and cache profiling, beside reading the weights."""

LEAST_SECONDS = 10 * 60
MOST_SECONDS = 24 * 60 * 60
"""What rollout.startupTimeoutSeconds may say at most."""

UNKNOWN_SIZE_SECONDS = 30 * 60
"""For a model whose size is not given; what KServe's vLLM runtime, KAITO and LLMKube allow every model."""

PROBE_PERIOD_SECONDS = 10


def startup_seconds(spec: LocalModelSpec) -> int:
    """Return the seconds from a container's start until the engine has to answer."""
    if spec.rollout.startup_timeout_seconds is not None:
        return spec.rollout.startup_timeout_seconds
    if spec.model.size is None:
        return UNKNOWN_SIZE_SECONDS
    reading = to_bytes(spec.model.size) / READ_BYTES_PER_SECOND * MARGIN
    return max(LEAST_SECONDS, min(MOST_SECONDS, round(reading) + ENGINE_SECONDS))


def probe_failures(seconds: int) -> int:
    """Return how often a startup probe may fail so that `seconds` pass first."""
    return -(-seconds // PROBE_PERIOD_SECONDS)


def progress_deadline_seconds(seconds: int) -> int:
    """Return the rollout's deadline: longer than a start, else a healthy rollout is called failed (kserve#5684)."""
    return seconds + max(60, seconds // 10)
