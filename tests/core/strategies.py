"""Specs for the property tests: odd but of the CRD's schema, and anything at all."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)

WORD = st.from_regex(r"[a-z]([a-z0-9]{0,5})", fullmatch=True)
LABEL_VALUE = st.from_regex(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,6}[A-Za-z0-9])?)?", fullmatch=True)
LABEL_KEY = st.one_of(WORD, st.builds("{}.example/{}".format, WORD, WORD))
LABELS = st.dictionaries(LABEL_KEY, LABEL_VALUE, max_size=2)
PATH = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,5}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,5}){0,2}", fullmatch=True)
# Every spelling of an amount that the schema takes. Not in it: what only Kubernetes can judge, below.
SIZE = st.one_of(
    st.integers(0, 10**12),
    st.from_regex(r"\+?[0-9]{1,4}(\.[0-9]{0,3})?([KMGT]i|[kMGTPE]|[eE]\+?[0-9]{1,2})?", fullmatch=True),
)
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)

SELECTOR = st.fixed_dictionaries(
    {},
    optional={
        "matchLabels": LABELS,
        "matchExpressions": st.lists(
            st.one_of(
                st.fixed_dictionaries(
                    {"key": LABEL_KEY, "operator": st.sampled_from(["In", "NotIn"]),
                     "values": st.lists(LABEL_VALUE, min_size=1, max_size=2)}
                ),
                st.fixed_dictionaries({"key": LABEL_KEY, "operator": st.sampled_from(["Exists", "DoesNotExist"])}),
            ),
            max_size=2,
        ),
    },
)  # fmt: skip
CLIENT = st.one_of(
    st.fixed_dictionaries({"podSelector": SELECTOR}, optional={"namespaceSelector": SELECTOR}),
    st.fixed_dictionaries({"namespaceSelector": SELECTOR}),
)

REFERENCE = st.fixed_dictionaries({"name": WORD, "key": WORD})
VARIABLE_NAME = st.from_regex(r"X_[A-Z0-9_]{0,5}", fullmatch=True)
VARIABLES = st.lists(
    st.one_of(
        st.fixed_dictionaries({"name": VARIABLE_NAME}, optional={"value": TEXT}),
        st.fixed_dictionaries({"name": VARIABLE_NAME, "valueFrom": st.one_of(
            st.builds(lambda ref: {"secretKeyRef": ref}, REFERENCE),
            st.builds(lambda ref: {"configMapKeyRef": ref}, REFERENCE),
        )}),
    ),
    max_size=3,
    unique_by=lambda variable: variable["name"],
)  # fmt: skip
EXTRA = st.lists(st.builds("--x{}".format, TEXT), max_size=2)

SOURCE = st.one_of(
    st.builds(
        lambda claim: {"persistentVolumeClaim": claim},
        st.fixed_dictionaries({"claimName": WORD}, optional={"path": PATH}),
    ),
    st.builds(
        lambda image: {"image": image},
        st.fixed_dictionaries({"reference": st.builds("r/{}:1".format, WORD)}, optional={"path": PATH}),
    ),
)
VLLM = st.fixed_dictionaries(
    {},
    optional={
        "image": st.sampled_from(["r/vllm:v0.17.0", "r/vllm:v0.32.0", "r/vllm@sha256:abc", "r:5000/v"]),
        "maxModelLength": st.integers(1, 10**8),
        "dtype": st.sampled_from(["auto", "half", "bfloat16"]),
        "quantization": WORD,
        "gpuMemoryUtilization": st.floats(0.01, 1),
        "toolCallParser": WORD,
        "reasoningParser": WORD,
        "trustRemoteCode": st.booleans(),
        "adapters": st.lists(
            st.fixed_dictionaries({"name": WORD, "path": PATH}), max_size=2, unique_by=lambda each: each["name"]
        ),
        "extraArgs": EXTRA,
        "env": VARIABLES,
    },
)
TRITON = st.fixed_dictionaries(
    {"models": st.lists(WORD, min_size=1, max_size=3, unique=True)},
    optional={"image": st.just("r/triton:1"), "sharedMemory": SIZE, "extraArgs": EXTRA, "env": VARIABLES},
)
GPU = st.fixed_dictionaries(
    {},
    optional={
        "count": st.integers(0, 64),
        "resourceName": st.sampled_from(["nvidia.com/gpu", "nvidia.com/mig-1g.10gb", "amd.com/gpu"]),
        "products": st.lists(LABEL_VALUE, max_size=2),
        "minMemory": SIZE,
        "runtimeClassName": st.just("nvidia"),
    },
)
# Limits alone: that a request fits its limit is for Kubernetes to judge.
RESOURCES = st.fixed_dictionaries(
    {}, optional={"limits": st.fixed_dictionaries({}, optional={"cpu": st.integers(1, 64), "memory": SIZE})}
)
ROLLOUT = st.fixed_dictionaries(
    {},
    optional={
        "strategy": st.sampled_from(["Auto", "Recreate", "RollingUpdate"]),
        "startupTimeoutSeconds": st.integers(60, 86400),
        "drainTimeoutSeconds": st.integers(0, 3600),
    },
)
POD_TEMPLATE = st.fixed_dictionaries({}, optional={"metadata": st.fixed_dictionaries({}, optional={"labels": LABELS})})


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a spec that the CRD accepts and whose children Kubernetes should accept."""
    triton = draw(st.booleans())
    access: dict[str, Any] = {"clients": draw(st.lists(CLIENT, max_size=3))}
    if not triton and draw(st.booleans()):
        access["apiKeySecretRef"] = draw(REFERENCE)
    optional: dict[str, Any] = {
        "gpu": GPU, "replicas": st.integers(0, 1000), "resources": RESOURCES, "rollout": ROLLOUT,
        "podTemplate": POD_TEMPLATE,
        "imagePullSecrets": st.lists(
            st.fixed_dictionaries({"name": WORD}), max_size=2, unique_by=lambda each: each["name"]
        ),
        "scheduling": st.fixed_dictionaries(
            {}, optional={"nodeSelector": LABELS, "priorityClassName": st.just("system-node-critical")}
        ),
    }  # fmt: skip
    model: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {"source": SOURCE}, optional={"size": SIZE, "servedName": TEXT, "architecture": st.just({})}
        )
    )
    engine = {"triton": draw(TRITON)} if triton else {"vllm": draw(VLLM)}
    return {
        "model": model, "engine": engine, "access": access, **draw(st.fixed_dictionaries({}, optional=optional)),
    }  # fmt: skip


# Patches that try to take the seal away, in whole and in part.
SEAL_BREAKING = st.fixed_dictionaries(
    {},
    optional={
        "automountServiceAccountToken": st.sampled_from([None, True, False]),
        "enableServiceLinks": st.sampled_from([None, True]),
        "hostNetwork": st.sampled_from([None, False, True]),
        "hostPID": st.sampled_from([None, False]),
        "securityContext": st.none() | JSON,
        "volumes": JSON,
        "containers": st.one_of(
            JSON,
            st.lists(
                st.fixed_dictionaries(
                    {"name": st.just("engine")},
                    optional={
                        "env": st.one_of(
                            JSON, st.just([{"name": "HF_HUB_OFFLINE", "value": "0"}, {"name": "DO_NOT_TRACK"}])
                        ),
                        "securityContext": JSON,
                        "ports": JSON,
                    },
                ),
                min_size=1,
                max_size=2,
            ),
        ),
    },
)


@st.composite
def junk_specs(draw: st.DrawFn) -> Any:
    """Draw what may be stored under another CRD: anything, or a good spec with something odd in a place of it."""
    if draw(st.integers(0, 3)) == 0:
        return draw(JSON)
    spec = draw(specs())
    node: Any = spec
    while True:
        key = draw(st.sampled_from(sorted(node)))
        child = node[key]
        if isinstance(child, dict) and child and draw(st.booleans()):
            node = child
            continue
        node[key] = draw(JSON)
        return spec
