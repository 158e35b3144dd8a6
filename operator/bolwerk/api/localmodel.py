"""LocalModel: serve this model, from this source, with this engine, on these GPUs, for these clients, sealed."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from bolwerk.api.access import Access
from bolwerk.api.base import (
    ApiModel,
    ObjectName,
    OneOf,
    Quantity,
    Rule,
    ShortText,
    atomic,
    exactly_one,
    listed_by,
    unchecked,
)
from bolwerk.api.engines import Engine
from bolwerk.api.selector import LabelValue

__all__ = ["LocalModelSpec"]

RelativePath = Annotated[
    str, Field(max_length=512, pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$")
]


class PersistentVolumeClaimSource(ApiModel):
    """A claim in the LocalModel's namespace that already holds the model's files."""

    claim_name: ObjectName = Field(description="Name of the claim. It is mounted read-only.")
    path: RelativePath | None = Field(
        default=None, description="Folder of the model inside the volume; the volume's root when absent."
    )


class ImageSource(ApiModel):
    """An OCI artefact that the kubelet mounts read-only as a volume (Kubernetes 1.35 or newer)."""

    reference: Annotated[str, Field(min_length=1, max_length=512)] = Field(
        description="Image reference in your own registry, best pinned as name@sha256:digest."
    )
    path: RelativePath | None = Field(
        default=None, description="Folder of the model inside the image; the image's root when absent."
    )


class Source(OneOf):
    """Where the model's files are. Exactly one of the fields."""

    persistent_volume_claim: PersistentVolumeClaimSource | None = None
    image: ImageSource | None = None

    rules: ClassVar = (
        exactly_one(
            "persistentVolumeClaim",
            "image",
            message="model.source takes exactly one of persistentVolumeClaim and image: keep the one with the model",
        ),
    )


class Architecture(ApiModel):
    """Facts from the model's config.json that are worth checking before a GPU is taken."""

    attention_heads: Annotated[int, Field(ge=1, le=4096)] | None = Field(
        default=None, description="num_attention_heads. The tensor parallel size has to divide it."
    )


class Model(ApiModel):
    """What is served."""

    source: Source
    size: Quantity | None = Field(
        default=None,
        description="Size of the weights, such as 16Gi. Decides how long a start may take; without it "
        "a start may take 30 minutes.",
    )
    architecture: Architecture | None = None
    served_name: ShortText | None = Field(
        default=None,
        description="The model name that clients put into their requests; metadata.name when absent.",
    )


class Gpu(ApiModel):
    """Which accelerators each replica gets."""

    count: Annotated[int, Field(ge=0, le=64)] = Field(
        default=1, description="Per replica. Default 1. 0 serves on the CPU."
    )
    resource_name: Annotated[
        str,
        Field(
            max_length=317,
            pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$",
        ),
    ] = Field(
        default="nvidia.com/gpu",
        description="Extended resource to ask for: nvidia.com/gpu (default), a MIG profile such as "
        "nvidia.com/mig-3g.40gb, amd.com/gpu.",
    )
    products: tuple[LabelValue, ...] = Field(
        default=(),
        max_length=16,
        description="Accept only nodes whose label nvidia.com/gpu.product is one of these.",
        json_schema_extra=atomic(),
    )
    min_memory: Quantity | None = Field(
        default=None,
        description="Accept only nodes whose GPUs have at least this much memory each (label nvidia.com/gpu.memory). "
        "Write 80G, not 80Gi, for a card that is sold with 80 GB.",
    )
    runtime_class_name: ObjectName | None = Field(
        default=None, description="RuntimeClass of the pods, where the cluster needs one for GPUs."
    )


class Resources(ApiModel):
    """CPU and memory of the engine container, as in a pod. GPUs are asked for in spec.gpu."""

    requests: dict[str, Quantity] = Field(default_factory=dict, max_length=8)
    limits: dict[str, Quantity] = Field(default_factory=dict, max_length=8)

    rules: ClassVar = tuple(
        Rule(
            f"!has(self.{side}) || self.{side}.all(k, k in ['cpu', 'memory', 'ephemeral-storage'])",
            f"resources.{side} takes cpu, memory and ephemeral-storage; ask for GPUs with gpu.count",
        )
        for side in ("requests", "limits")
    )


class Scheduling(ApiModel):
    """Where the pods may run, in Kubernetes' own terms, beside what spec.gpu asks for."""

    node_selector: dict[str, LabelValue] = Field(default_factory=dict, max_length=32)
    tolerations: tuple[Annotated[dict[str, Any], unchecked("A Kubernetes toleration.")], ...] = Field(
        default=(), max_length=32, json_schema_extra=atomic()
    )
    affinity: Annotated[dict[str, Any], unchecked("A Kubernetes affinity.")] | None = None
    topology_spread_constraints: tuple[
        Annotated[dict[str, Any], unchecked("A Kubernetes topology spread constraint.")], ...
    ] = Field(default=(), max_length=8, json_schema_extra=atomic())
    priority_class_name: ObjectName | None = None


class Rollout(ApiModel):
    """How a change reaches the running pods."""

    strategy: Literal["Auto", "Recreate", "RollingUpdate"] = Field(
        default="Auto",
        description="Auto (default) replaces one replica at a time and never needs a GPU more than there are replicas; "
        "RollingUpdate starts the new replica first and needs one spare set of GPUs; Recreate stops all first.",
    )
    startup_timeout_seconds: Annotated[int, Field(ge=60, le=86400)] | None = Field(
        default=None, description="How long one start may take; derived from model.size when absent."
    )
    drain_timeout_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=60, description="How long running requests may take to finish when a pod stops. Default 60."
    )


class Isolation(ApiModel):
    """What has to be shown before the engine starts."""

    required: bool = Field(
        default=True,
        description="Whether an init container first has to see, from inside each pod, that nothing gets out. Default "
        "true: where the network plugin does not enforce, no engine starts.",
    )


class PodMetadata(ApiModel):
    """Labels and annotations to add to the pods."""

    labels: dict[str, LabelValue] = Field(default_factory=dict, max_length=32)
    annotations: dict[str, Annotated[str, Field(max_length=4096)]] = Field(default_factory=dict, max_length=32)

    rules: ClassVar = tuple(
        Rule(
            f"!has(self.{name}) || self.{name}.all(k, !k.matches('^(bolwerk[.]dev|app[.]kubernetes[.]io)/'))",
            f"podTemplate.metadata.{name}: bolwerk.dev/ and app.kubernetes.io/ are Bolwerk's own; take another prefix",
        )
        for name in ("labels", "annotations")
    )


class PodTemplate(ApiModel):
    """The escape: a patch over the generated pods, for what no other field can say.

    Lists of named things (containers, env, volumes) are merged by name; the engine's container is called `engine`.
    """

    metadata: PodMetadata = Field(default_factory=PodMetadata)
    spec: Annotated[
        dict[str, Any],
        unchecked(
            "A partial PodSpec. What would lead around the network policy (host namespaces, host paths, privilege, "
            "a ServiceAccount token) is refused.",
            hostNetwork={"type": "boolean"},
            hostPID={"type": "boolean"},
            hostIPC={"type": "boolean"},
        ),
    ] = Field(default_factory=dict)

    rules: ClassVar = (
        *(
            Rule(
                f"!has(self.spec) || !has(self.spec.{field}) || !self.spec.{field}",
                f"podTemplate.spec.{field} leads around the network policy that seals the model: remove it",
            )
            for field in ("hostNetwork", "hostPID", "hostIPC")
        ),
    )


class ImagePullSecret(ApiModel):
    """A registry credential in the LocalModel's namespace."""

    name: ObjectName


_COUNT = "(has(self.gpu) && has(self.gpu.count) ? self.gpu.count : 1)"
_PIPELINE = "(has(self.engine.vllm.pipelineParallelSize) ? self.engine.vllm.pipelineParallelSize : 1)"
# Without a GPU vLLM still has one tensor parallel rank.
_TENSOR = (
    "(has(self.engine.vllm.tensorParallelSize) ? self.engine.vllm.tensorParallelSize : "
    f"({_COUNT} == 0 ? 1 : {_COUNT} / {_PIPELINE}))"
)
_HEADS = "self.model.architecture.attentionHeads"


class LocalModelSpec(ApiModel):
    """One model, served on the cluster's own hardware and sealed from the outside."""

    model: Model
    engine: Engine
    gpu: Gpu = Field(default_factory=Gpu)
    replicas: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=1,
        description="Copies of the server. Leave it out of Git where an autoscaler scales the LocalModel.",
        json_schema_extra={"x-default": 1},
    )
    resources: Resources = Field(default_factory=Resources)
    scheduling: Scheduling = Field(default_factory=Scheduling)
    image_pull_secrets: tuple[ImagePullSecret, ...] = Field(
        default=(), max_length=8, json_schema_extra=listed_by("name")
    )
    access: Access = Field(default_factory=Access)
    rollout: Rollout = Field(default_factory=Rollout)
    isolation: Isolation = Field(default_factory=Isolation)
    pod_template: PodTemplate = Field(default_factory=PodTemplate)

    rules: ClassVar = (
        Rule(
            f"!has(self.engine.vllm) || {_TENSOR} * {_PIPELINE} == ({_COUNT} == 0 ? 1 : {_COUNT})",
            "engine.vllm: tensorParallelSize times pipelineParallelSize has to equal gpu.count",
            "'engine.vllm: tensorParallelSize times pipelineParallelSize is %d but gpu.count is %d; make them equal, "
            f"or leave tensorParallelSize out'.format([{_TENSOR} * {_PIPELINE}, {_COUNT}])",
        ),
        Rule(
            # A size of 0 (more stages than GPUs) is the rule above's to refuse, and not a division to make here.
            f"!has(self.engine.vllm) || !has(self.model.architecture) || !has({_HEADS}) || {_TENSOR} == 0 || "
            f"{_HEADS} % {_TENSOR} == 0",
            "the tensor parallel size has to divide model.architecture.attentionHeads; choose another gpu.count",
            "'a tensor parallel size of %d does not divide the %d attention heads of this model; choose a gpu.count "
            "that does (a power of two for most models), or set engine.vllm.pipelineParallelSize'"
            f".format([{_TENSOR}, {_HEADS}])",
        ),
        Rule(
            "!has(self.access) || !has(self.access.apiKeySecretRef) || has(self.engine.vllm)",
            "access.apiKeySecretRef works with vLLM only: Triton has no API key; restrict access.clients instead",
        ),
    )
