"""The engines that can serve a LocalModel: vLLM for language models, Triton for everything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from bolwerk.api.base import ApiModel, ObjectName, OneOf, Quantity, Rule, atomic, exactly_one, listed_by
from bolwerk.api.reserved import OFFLINE, TRITON_FLAGS, VLLM_FLAGS, VLLM_OFFLINE

__all__ = ["Adapter", "Engine", "EnvironmentVariable", "Triton", "Vllm"]

ImageReference = Annotated[
    str,
    Field(
        min_length=1,
        max_length=512,
        pattern=r"^\S+$",
        description="Engine image in your own registry; the installation's pinned default when absent.",
    ),
]
ExtraArguments = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=1024)], ...],
    Field(max_length=32, description="Further arguments, passed on as they are.", json_schema_extra=atomic()),
]


class KeyReference(ApiModel):
    """One key of an object in the LocalModel's namespace."""

    name: ObjectName
    key: Annotated[str, Field(min_length=1, max_length=253)]


class ValueSource(OneOf):
    """Where a variable's value is read from. Exactly one of the fields."""

    secret_key_ref: KeyReference | None = None
    config_map_key_ref: KeyReference | None = None

    rules: ClassVar = (
        exactly_one(
            "secretKeyRef", "configMapKeyRef", message="valueFrom takes exactly one of secretKeyRef and configMapKeyRef"
        ),
    )


class EnvironmentVariable(ApiModel):
    """One environment variable of the engine."""

    name: Annotated[str, Field(max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    value: Annotated[str, Field(max_length=4096)] | None = None
    value_from: ValueSource | None = None

    rules: ClassVar = (
        Rule(
            "!(has(self.value) && has(self.valueFrom))",
            "an environment variable takes value or valueFrom, not both",
        ),
    )


Environment = Annotated[
    tuple[EnvironmentVariable, ...],
    Field(max_length=32, description="Further environment variables.", json_schema_extra=listed_by("name")),
]


def _names(names: Mapping[str, Any]) -> str:
    return "[" + ", ".join(f"'{name}'" for name in sorted(names)) + "]"


def _reserved_environment(names: Mapping[str, str]) -> Rule:
    return Rule(
        f"!has(self.env) || self.env.all(e, !(e.name in {_names(names)}))",
        f"env: {', '.join(sorted(names))} keep the engine off the network and are set by Bolwerk; remove them here",
    )


def _reserved_flags(flags: Mapping[str, str]) -> Rule:
    """Refuse a reserved flag however an argument parser accepts it: `--a_flag=x`, `--abbrev`, `--flag.key`, `-fx`."""
    short = {flag: flag for flag in flags if not flag.startswith("--")}
    long = {flag: flag for flag in flags if flag.startswith("--")}
    spelled = "a.split('=')[0].split('.')[0].replace('_', '-')"
    taken = f"(a.startsWith('--') && {_names(long)}.exists(f, f.startsWith({spelled})))"
    if short:
        # argparse completes -t to -tp, and takes what follows a flag of one letter for its value: -qfp8.
        taken += (
            f" || (!a.startsWith('--') && a.size() > 1 && {_names(short)}.exists(f, f.startsWith(a.split('=')[0]) || "
            "(f.size() == 2 && a.startsWith(f))))"
        )
    return Rule(
        f"!has(self.extraArgs) || !self.extraArgs.exists(a, {taken})",
        "extraArgs repeats (or abbreviates) a flag that Bolwerk sets. Instead of "
        + ", ".join(f"{flag} write {instead}" for flag, instead in flags.items()),
    )


class Adapter(ApiModel):
    """A LoRA adapter that is loaded at start, from the same volume as the model."""

    name: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] = Field(
        description="The model name under which clients ask for it."
    )
    path: Annotated[
        str, Field(max_length=512, pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$")
    ] = Field(description="Folder of the adapter inside the model's volume.")


Parser = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


class Vllm(ApiModel):
    """vLLM, an OpenAI-compatible server for language models (tested with 0.32)."""

    image: ImageReference | None = None
    max_model_length: Annotated[int, Field(ge=1, le=100_000_000)] | None = Field(
        default=None, description="Longest context in tokens; the model's own when absent."
    )
    dtype: Literal["auto", "half", "float16", "bfloat16", "float", "float32"] | None = Field(
        default=None, description="Data type of weights and activations; the model's own when absent."
    )
    quantization: Parser | None = Field(
        default=None, description="Quantization method, such as awq or fp8; read from the model when absent."
    )
    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] | None = Field(
        default=None, description="Share of each GPU's memory that vLLM may take, such as 0.9."
    )
    tensor_parallel_size: Annotated[int, Field(ge=1, le=64)] | None = Field(
        default=None,
        description="GPUs that share each layer; gpu.count divided by pipelineParallelSize when absent.",
    )
    pipeline_parallel_size: Annotated[int, Field(ge=1, le=64)] | None = Field(
        default=None, description="Stages that share the layers out; 1 when absent."
    )
    tool_call_parser: Parser | None = Field(
        default=None, description="Parser for tool calls, such as hermes; switches tool calling on."
    )
    reasoning_parser: Parser | None = Field(default=None, description="Parser for reasoning, such as deepseek_r1.")
    trust_remote_code: bool = Field(
        default=False,
        description="Run Python code that comes with the model. Default false; sealed all the same.",
    )
    adapters: tuple[Adapter, ...] = Field(
        default=(), max_length=64, description="LoRA adapters.", json_schema_extra=listed_by("name")
    )
    extra_args: ExtraArguments = ()
    env: Environment = ()

    rules: ClassVar = (_reserved_flags(VLLM_FLAGS), _reserved_environment(VLLM_OFFLINE))


TritonModel = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class Triton(ApiModel):
    """NVIDIA Triton Inference Server over a model repository (the 26.09 line)."""

    image: ImageReference | None = None
    models: tuple[TritonModel, ...] = Field(
        min_length=1,
        max_length=64,
        description="Models of the repository that have to answer before a replica counts as ready.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    shared_memory: Quantity | None = Field(
        default=None, description="Bound of /dev/shm, which the Python backend uses. Default 2Gi."
    )
    extra_args: ExtraArguments = ()
    env: Environment = ()

    rules: ClassVar = (_reserved_flags(TRITON_FLAGS), _reserved_environment(OFFLINE))


class Engine(OneOf):
    """What serves the model. Exactly one of the fields."""

    vllm: Vllm | None = None
    triton: Triton | None = None

    rules: ClassVar = (
        exactly_one(
            "vllm",
            "triton",
            message="engine takes exactly one of vllm (language models) and triton (a model repository)",
        ),
    )
