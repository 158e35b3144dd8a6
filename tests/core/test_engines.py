"""What the engines get: arguments by version, variables that nobody overrides, and GPUs of the right kind."""

from __future__ import annotations

from typing import Any

import pytest

from bolwerk.api.reserved import OFFLINE, VLLM_OFFLINE
from bolwerk.core.model.children.pod import pod_template
from bolwerk.core.model.engine import engine_parts
from bolwerk.core.model.podtemplate import escapes
from bolwerk.core.model.subject import Subject
from core.builders import FROM_CLAIM, SETTINGS, make_model


def template(**spec: Any) -> Any:
    subject = Subject.of(make_model(**spec))
    return pod_template(subject, engine_parts(subject, SETTINGS), SETTINGS.image)


def engine(**spec: Any) -> Any:
    return template(**spec)["spec"]["containers"][0]


def environment(**spec: Any) -> dict[str, Any]:
    entries = engine(**spec)["env"]
    assert len({entry["name"] for entry in entries}) == len(entries), "the API server refuses a name that comes twice"
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in entries}


@pytest.mark.parametrize(
    ("image", "want_drain", "want_length"),
    [
        pytest.param("r/vllm:v0.17.1", False, False, id="before both"),
        pytest.param("r/vllm:0.18", True, False, id="the first with a drain"),
        pytest.param("r/vllm:v0.20.0-cu129", True, True, id="the first that fits the context to the memory"),
        pytest.param("r/vllm:v1.0.0", True, True, id="the next major"),
        pytest.param("r/vllm:nightly", True, True, id="a tag that tells no version"),
        pytest.param("r:5000/vllm@sha256:17aa", True, True, id="a digest"),
        pytest.param("r:5000/vllm:v0.9@sha256:17aa", False, False, id="a tag and a digest, behind a port"),
    ],
)
def test_vllm_gets_the_flags_that_its_version_knows(image: str, want_drain: bool, want_length: bool) -> None:
    command = engine(engine={"vllm": {"image": image}})["command"]

    assert ("--shutdown-timeout=60" in command) is want_drain
    assert ("--max-model-len=auto" in command) is want_length


@pytest.mark.parametrize(
    ("count", "vllm", "want"),
    [
        pytest.param(8, {}, ["--tensor-parallel-size=8"], id="all GPUs share each layer"),
        pytest.param(
            8, {"pipelineParallelSize": 4}, ["--tensor-parallel-size=2", "--pipeline-parallel-size=4"], id="stages"
        ),
        pytest.param(0, {}, ["--tensor-parallel-size=1"], id="one rank on the CPU"),
    ],
)
def test_parallel_sizes_follow_from_the_gpus(count: int, vllm: Any, want: list[str]) -> None:
    command = engine(gpu={"count": count}, engine={"vllm": vllm})["command"]

    assert [argument for argument in command if "parallel-size" in argument] == want


@pytest.mark.parametrize(("count", "want"), [(0, "2Gi"), (1, "2Gi"), (2, "8Gi"), (8, "16Gi")])
def test_shared_memory_is_bounded_and_enough_for_the_ranks(count: int, want: str) -> None:
    volumes = {volume["name"]: volume for volume in template(gpu={"count": count})["spec"]["volumes"]}

    assert volumes["shm"]["emptyDir"] == {"medium": "Memory", "sizeLimit": want}


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        pytest.param({"engine": {"vllm": {"env": [{"name": "HF_HUB_OFFLINE", "value": "0"}]}}}, VLLM_OFFLINE, id="env"),
        pytest.param(
            {
                "podTemplate": {
                    "spec": {"containers": [{"name": "engine", "env": [{"name": "DO_NOT_TRACK", "value": "0"}]}]}
                }
            },
            VLLM_OFFLINE,
            id="podTemplate",
        ),
        pytest.param({"engine": {"triton": {"models": ["a"]}}}, OFFLINE, id="triton"),
    ],
)
def test_offline_variables_do_not_give_way(spec: dict[str, Any], want: dict[str, str]) -> None:
    assert environment(**spec).items() >= want.items()


def test_a_users_variable_overrides_a_default_that_is_no_promise() -> None:
    assert environment(engine={"vllm": {"env": [{"name": "HF_HOME", "value": "/cache/x"}]}})["HF_HOME"] == "/cache/x"


def test_the_api_key_is_one_variable_even_if_it_is_also_in_env() -> None:
    got = environment(
        engine={"vllm": {"env": [{"name": "VLLM_API_KEY", "value": "in plain sight"}]}},
        access={"apiKeySecretRef": {"name": "keys", "key": "chat"}},
    )

    assert got["VLLM_API_KEY"] == {"secretKeyRef": {"name": "keys", "key": "chat"}}


def test_adapters_are_loaded_from_the_models_volume() -> None:
    command = engine(engine={"vllm": {"adapters": [{"name": "legal", "path": "a/b"}]}})["command"]

    assert command[-3:] == ["--enable-lora", "--lora-modules", "legal=/model/a/b"]


def test_remote_code_is_trusted_only_when_asked() -> None:
    assert "--trust-remote-code" not in engine()["command"]
    assert "--trust-remote-code" in engine(engine={"vllm": {"trustRemoteCode": True}})["command"]


def test_triton_asks_for_each_model_by_name() -> None:
    one = engine(engine={"triton": {"models": ["a"]}})
    two = engine(engine={"triton": {"models": ["a", "b"]}})

    assert one["readinessProbe"]["httpGet"]["path"] == "/v2/models/a/ready"
    assert two["readinessProbe"]["exec"]["command"][-2:] == ["a", "b"]
    assert two["livenessProbe"]["httpGet"]["path"] == "/v2/health/live"


@pytest.mark.parametrize(
    ("gpu", "want"),
    [
        pytest.param({}, {"nvidia.com/gpu": "1"}, id="one by default"),
        pytest.param({"count": 0}, {}, id="none"),
        pytest.param(
            {"count": 2, "resourceName": "nvidia.com/mig-3g.40gb"}, {"nvidia.com/mig-3g.40gb": "2"}, id="a MIG profile"
        ),
    ],
)
def test_gpus_are_requested_and_limited_alike(gpu: Any, want: Any) -> None:
    resources = engine(gpu=gpu, resources={"requests": {"cpu": 2}})["resources"]

    assert resources == {"requests": {"cpu": "2", **want}, "limits": want}


MINIMUM = {"key": "nvidia.com/gpu.memory", "operator": "Gt", "values": ["76293"]}
PRODUCT = {"key": "nvidia.com/gpu.product", "operator": "In", "values": ["L4"]}
ZONE = {"key": "zone", "operator": "In", "values": ["a"]}
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def _terms(*terms: Any) -> Any:
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": list(terms)}}}


@pytest.mark.parametrize(
    ("gpu", "affinity", "want"),
    [
        pytest.param({}, None, None, id="nothing asked"),
        pytest.param({"minMemory": 0}, None, None, id="no memory at all, which every GPU has"),
        pytest.param(
            {"minMemory": "1e40"}, None, _terms({"matchExpressions": [{**MINIMUM, "values": [str(2**63 - 1)]}]}),
            id="more than a scheduler can compare with",
        ),
        pytest.param({"minMemory": "80G"}, None, _terms({"matchExpressions": [MINIMUM]}), id="memory, rounded up"),
        pytest.param(
            {"products": ["L4"]},
            _terms({"matchExpressions": [ZONE]}, {"matchFields": [ZONE]}),
            _terms({"matchExpressions": [ZONE, PRODUCT]}, {"matchFields": [ZONE], "matchExpressions": [PRODUCT]}),
            id="the GPU is right in each of the user's alternatives",
        ),
        pytest.param({}, {"podAffinity": {"x": 1}}, {"podAffinity": {"x": 1}}, id="the user's own is handed on"),
        *(
            pytest.param({"products": ["L4"]}, junk, junk, id=f"no affinity: {junk}")
            for junk in (
                {"nodeAffinity": "x"}, {"nodeAffinity": {REQUIRED: "x"}}, _terms("x"), _terms({"matchExpressions": 5}),
                {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": 5}}},
            )
        ),
    ],
)  # fmt: skip
def test_affinity(gpu: Any, affinity: Any, want: Any) -> None:
    spec = template(gpu=gpu, scheduling={"affinity": affinity} if affinity else {})["spec"]

    assert spec.get("affinity") == want


def _container(**fields: Any) -> dict[str, Any]:
    return {"containers": [{"name": "x", **fields}]}


@pytest.mark.parametrize(
    ("patch", "want"),
    [
        pytest.param({"hostNetwork": True}, "hostNetwork leads around", id="the node's network"),
        pytest.param({"hostPID": True}, "hostPID leads around", id="the node's processes"),
        pytest.param({"hostIPC": True}, "hostIPC leads around", id="the node's shared memory"),
        pytest.param({"serviceAccountName": "admin"}, "identity", id="another identity"),
        pytest.param({"automountServiceAccountToken": True}, "identity", id="a token"),
        pytest.param({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "hostPath", id="the node's files"),
        pytest.param({"volumes": [{"name": "v", "nfs": {}}]}, "PersistentVolumeClaim", id="a mount by the node"),
        pytest.param({"volumes": [{"name": "v", "nfs": {}, "iscsi": {}}]}, "kind iscsi", id="the first by name"),
        pytest.param(
            {"volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]},
            "token",
            id="a projected token",
        ),
        pytest.param(_container(securityContext={"privileged": True}), "privileged", id="privilege"),
        pytest.param(
            {"initContainers": [{"name": "x", "securityContext": {"privileged": True}}]},
            "privileged",
            id="before start",
        ),
        pytest.param(_container(securityContext={"allowPrivilegeEscalation": True}), "allowPriv", id="setuid"),
        pytest.param(_container(securityContext={"capabilities": {"add": ["NET_ADMIN"]}}), "capabilities", id="caps"),
        pytest.param(_container(securityContext={"procMount": "Unmasked"}), "procMount", id="an unmasked /proc"),
        pytest.param(_container(securityContext={"seccompProfile": {"type": "Unconfined"}}), "seccomp", id="seccomp"),
        pytest.param({"securityContext": {"appArmorProfile": {"type": "Unconfined"}}}, "AppArmor", id="AppArmor"),
        pytest.param({"securityContext": {"windowsOptions": {"hostProcess": True}}}, "hostProcess", id="Windows"),
        pytest.param(_container(ports=[{"containerPort": 1, "hostPort": 80}]), "hostPort", id="a port of the node"),
    ],
)
def test_a_patch_that_leads_around_the_wall_is_refused(patch: Any, want: str) -> None:
    sentence = next(escapes(patch, {}))

    assert want in sentence
    assert ": remove " in sentence or ": use " in sentence, "a refusal says what to do instead"


def test_a_second_network_is_refused() -> None:
    assert "remove it" in next(escapes({}, {"k8s.v1.cni.cncf.io/networks": "bridge"}))


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param({"hostNetwork": False, "hostPID": None}, id="what is false is no escape"),
        pytest.param({"volumes": [{"name": "v", "configMap": {"name": "x"}}]}, id="a ConfigMap"),
        pytest.param({"volumes": [{"name": "v", "projected": {"sources": [{"secret": {}}]}}]}, id="projected Secrets"),
        pytest.param(_container(securityContext={"capabilities": {"drop": ["ALL"]}}), id="fewer capabilities"),
        pytest.param(
            _container(securityContext={"seccompProfile": {"type": "Localhost"}}), id="a profile of one's own"
        ),
        pytest.param({"containers": "x", "volumes": 5, "securityContext": []}, id="junk, which the API server refuses"),
    ],
)
def test_a_harmless_patch_is_not_refused(patch: Any) -> None:
    assert list(escapes(patch, {"example.org/a": "b"})) == []


def test_dropped_capabilities_stay_dropped() -> None:
    patch = _container(securityContext=None)
    patch["containers"][0]["name"] = "engine"

    assert engine(podTemplate={"spec": patch})["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize(
    ("source", "want_path"),
    [
        pytest.param({"persistentVolumeClaim": {"claimName": "x"}}, "/model", id="the root of a claim"),
        pytest.param({"persistentVolumeClaim": {"claimName": "x", "path": "a/b"}}, "/model/a/b", id="a folder of it"),
        pytest.param({"image": {"reference": "r/x", "path": "c"}}, "/model/c", id="a folder of an image"),
    ],
)
def test_the_engine_is_told_where_the_model_is(source: Any, want_path: str) -> None:
    assert engine(model={"source": source})["command"][2] == want_path


def test_the_served_name_is_the_models_own_unless_said() -> None:
    assert "--served-model-name=llama" in engine()["command"]
    assert "--served-model-name=a/b" in engine(model={**FROM_CLAIM, "servedName": "a/b"})["command"]
