"""An upgrade of the operator restarts no model, and is no cover for a template that somebody opened."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bolwerk.core.kinds import DEPLOYMENT
from bolwerk.core.model.children.deployment import INPUT_HASH, TEMPLATE_HASH
from core.builders import (
    SETTINGS,
    changed,
    child,
    decide,
    edited,
    make_model,
    serving,
    with_child,
)

NEWER = replace(SETTINGS, image="registry.example/bolwerk:0.9.0", vllm_image="registry.example/vllm:v0.99.0")


def test_an_upgrade_of_the_operator_restarts_nothing() -> None:
    assert decide(serving(make_model()), settings=NEWER).empty


def test_during_a_hold_back_every_other_field_is_healed() -> None:
    observed = serving(make_model())
    scaled = with_child(observed, DEPLOYMENT, changed(child(observed, DEPLOYMENT), "spec.replicas", 7))

    (apply,) = decide(scaled, settings=NEWER).apply

    assert apply.because == "spec.replicas"
    assert apply.manifest["spec"]["replicas"] == 1
    assert apply.manifest["spec"]["template"] == child(observed, DEPLOYMENT)["spec"]["template"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("hostNetwork", True, id="the node's network"),
        pytest.param("serviceAccountName", "admin", id="another identity"),
        pytest.param("automountServiceAccountToken", True, id="a token"),
        pytest.param("containers.0.securityContext.privileged", True, id="privilege"),
    ],
)
def test_a_template_that_somebody_opened_is_not_held_back(path: str, value: Any) -> None:
    observed = serving(make_model())
    opened = changed(child(observed, DEPLOYMENT), f"spec.template.spec.{path}", value)

    (apply,) = decide(with_child(observed, DEPLOYMENT, opened), settings=NEWER).apply

    assert apply.manifest["spec"]["template"]["spec"]["containers"][0]["image"] == NEWER.vllm_image


def test_a_hash_that_somebody_changed_is_read_from_the_pods_template_and_healed() -> None:
    observed = serving(make_model())
    live = child(observed, DEPLOYMENT)
    forged = changed(live, "metadata.annotations", {**live["metadata"]["annotations"], TEMPLATE_HASH: "forged"})

    (apply,) = decide(with_child(observed, DEPLOYMENT, forged), settings=NEWER).apply

    assert apply.because == f"metadata.annotations.{TEMPLATE_HASH}"
    assert apply.manifest["spec"]["template"] == live["spec"]["template"]


def test_a_deployment_of_unknown_origin_is_not_held_back() -> None:
    observed = serving(make_model())
    live = child(observed, DEPLOYMENT)
    bare = changed(live, "metadata.annotations", {INPUT_HASH: live["metadata"]["annotations"][INPUT_HASH]})
    bare = changed(bare, "spec.template.metadata.annotations", {})

    (apply,) = decide(with_child(observed, DEPLOYMENT, bare), settings=NEWER).apply

    assert apply.manifest["spec"]["template"]["spec"]["containers"][0]["image"] == NEWER.vllm_image


@pytest.mark.parametrize(
    "wish",
    [
        pytest.param({"annotations": {"bolwerk.dev/refresh": "2"}}, id="the annotation refresh"),
        pytest.param({"gpu": {"count": 2}}, id="an edit of the spec"),
    ],
)
def test_the_users_wish_moves_the_pods_to_what_is_built_today(wish: Any) -> None:
    plan = decide(edited(serving(make_model()), **wish), settings=NEWER)

    (apply,) = plan.apply
    assert apply.manifest["spec"]["template"]["spec"]["containers"][0]["image"] == NEWER.vllm_image
