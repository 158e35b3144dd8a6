"""Flags and variables on which the seal rests are refused in every spelling that an engine would understand."""

from __future__ import annotations

from typing import Any

import pytest

from api.asking import Api, changed
from api.test_crd_localmodel import TRITON, VLLM
from bolwerk.api.reserved import OFFLINE, TRITON_FLAGS, VLLM_FLAGS, VLLM_OFFLINE

pytestmark = pytest.mark.cluster

SPELLINGS = (
    "--trust-remote-code",
    "--trust_remote_code",
    "--trust-r",
    "--trust-remote-code=true",
    "--trust_remote_code=true",
    "--port=1",
    "--port",
    "-tp",
    "-tp=2",
    "-pp",
    "-t",
    "-p=2",
    "-qfp8",
    "--tensor-par",
    "--ssl_keyfile=x",
)


def with_arguments(base: dict[str, Any], *arguments: str) -> dict[str, Any]:
    engine = "vllm" if base is VLLM else "triton"
    return changed(base, {f"spec.engine.{engine}.extraArgs": list(arguments)})


@pytest.mark.parametrize("argument", sorted({*SPELLINGS, *VLLM_FLAGS}))
def test_a_reserved_flag_of_vllm(api: Api, argument: str) -> None:
    refusal = api.refusal(with_arguments(VLLM, "--seed=1", argument))

    assert "extraArgs repeats (or abbreviates) a flag that Bolwerk sets. Instead of" in refusal
    assert "--trust-remote-code write engine.vllm.trustRemoteCode" in refusal


@pytest.mark.parametrize("argument", sorted({"--model_control_mode=poll", "--model-con", *TRITON_FLAGS}))
def test_a_reserved_flag_of_triton(api: Api, argument: str) -> None:
    refusal = api.refusal(with_arguments(TRITON, argument))

    assert "--model-control-mode write nothing: a changed repository is a new pod" in refusal


@pytest.mark.parametrize(
    "argument", ["--hf-overrides.x", "--hf_overrides.x=1", "--max-num-seqs=4", "--seed", "7", "-1", "-", "x"]
)
def test_other_flags_are_taken(api: Api, argument: str) -> None:
    assert api.refusal(with_arguments(VLLM, argument)) == ""


@pytest.mark.parametrize("name", sorted(VLLM_OFFLINE))
def test_a_reserved_variable_of_vllm(api: Api, name: str) -> None:
    refusal = api.refusal(changed(VLLM, {"spec.engine.vllm.env": [{"name": name, "value": "0"}]}))

    assert "keep the engine off the network and are set by Bolwerk; remove them here" in refusal
    assert name in refusal


@pytest.mark.parametrize("name", sorted(OFFLINE))
def test_a_reserved_variable_of_triton(api: Api, name: str) -> None:
    refusal = api.refusal(changed(TRITON, {"spec.engine.triton.env": [{"name": name, "value": "0"}]}))

    assert "keep the engine off the network and are set by Bolwerk; remove them here" in refusal
