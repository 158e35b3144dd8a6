"""Whose pod it is that bears a model's label."""

from __future__ import annotations

from typing import Any

import pytest

from bolwerk.core.proof.strangers import is_stranger

MADE = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "llama-5d9", "uid": "r", "controller": True}


@pytest.mark.parametrize(
    ("owners", "hash_", "want"),
    [
        pytest.param([MADE], "5d9", False, id="the model's Deployment"),
        pytest.param([], "5d9", True, id="by hand"),
        pytest.param([{**MADE, "controller": False}], "5d9", True, id="an owner that does not control it"),
        pytest.param([{**MADE, "name": "llama-copy-5d9"}], "5d9", True, id="a Deployment with a name that begins so"),
        pytest.param([{**MADE, "kind": "StatefulSet"}], "5d9", True, id="another kind of workload"),
        pytest.param([MADE], "", True, id="without the hash"),
    ],
)
def test_a_stranger_is(owners: list[dict[str, Any]], hash_: str, want: bool) -> None:
    labels = {"bolwerk.dev/model": "llama", **({"pod-template-hash": hash_} if hash_ else {})}
    pod = {"metadata": {"name": "p", "labels": labels, "ownerReferences": owners}}

    assert is_stranger(pod, "llama") is want
