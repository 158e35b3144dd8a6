"""The isolation gate: first in every pod, out of reach of any patch, and there before an engine starts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bolwerk.core.kinds import CONFIG_MAP, DEPLOYMENT, NETWORK_POLICY
from bolwerk.core.model.children.gate import GATE
from bolwerk.core.model.observed import Observed
from bolwerk.core.reasons import Reason
from bolwerk.core.settings import Settings
from core.builders import (
    CANARIES,
    SETTINGS,
    after,
    applied,
    changed,
    child,
    condition,
    decide,
    edited,
    make_model,
    serving,
    settled,
    with_child,
    world,
)
from core.strategies import JSON, specs

NEWER = replace(SETTINGS, image="registry.example/bolwerk:0.9.0", vllm_image="registry.example/vllm:v0.99.0")
OPEN: dict[str, Any] = {"isolation": {"required": False}}
INIT = "spec.template.spec.initContainers"


def init_containers(observed: Observed) -> list[Any]:
    found: list[Any] = child(observed, DEPLOYMENT)["spec"]["template"]["spec"].get("initContainers", [])
    return found


def test_the_gate_runs_bolwerks_own_image_restricted_and_is_told_the_canaries_by_reference() -> None:
    observed = settled(make_model())

    (gate,) = init_containers(observed)
    assert (gate["name"], gate["image"], gate["command"]) == (GATE, SETTINGS.image, ["bolwerk", "gate"])
    context = gate["securityContext"]
    assert (context["runAsNonRoot"], context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"]) == (
        True, False, True,
    )  # fmt: skip
    assert (context["capabilities"], context["seccompProfile"]) == ({"drop": ["ALL"]}, {"type": "RuntimeDefault"})
    assert "restartPolicy" not in gate, "a sidecar would let the engine start beside it"
    sources = {entry["name"]: entry["valueFrom"] for entry in gate["env"]}
    assert sources["POD_IPS"]["fieldRef"]["fieldPath"] == "status.podIPs"
    told = sources["BOLWERK_CANARIES"]["configMapKeyRef"]
    config_map = child(observed, CONFIG_MAP)
    assert config_map["metadata"]["name"] == told["name"]
    assert config_map["data"][told["key"]] == ",".join(CANARIES)


def test_a_canary_that_moves_changes_no_pod() -> None:
    observed = replace(serving(make_model()), canaries=("10.96.9.9:8443",))

    (apply,) = decide(observed).apply

    assert apply.kind == CONFIG_MAP
    assert apply.because.startswith("data.")


def test_what_the_gate_is_told_stands_before_the_pods() -> None:
    kinds = list(applied(decide(world(make_model()))))

    assert kinds.index("ConfigMap") < kinds.index("Deployment")


def test_without_the_wish_there_is_no_gate_and_nothing_to_tell_it() -> None:
    observed = settled(make_model(**OPEN), canaries=())

    assert init_containers(observed) == []
    assert CONFIG_MAP not in observed.children
    assert condition(observed.model["status"], "Stalled") == {}


def test_giving_the_gate_up_takes_what_it_was_told_only_after_the_pods_have_changed() -> None:
    observed = edited(serving(make_model()), **OPEN)

    plan = decide(observed)
    assert (set(applied(plan)), plan.delete) == ({"Deployment"}, ())

    observed = after(observed, plan)
    plan = decide(observed)
    assert [delete.ref.kind for delete in plan.delete] == [CONFIG_MAP]
    assert decide(after(observed, plan)).delete == ()


PATCHES = [
    pytest.param({"initContainers": [{"name": GATE, "command": ["true"]}]}, id="another command"),
    pytest.param({"initContainers": [{"name": GATE, "restartPolicy": "Always"}]}, id="a sidecar"),
    pytest.param({"initContainers": [{"name": GATE, "env": [{"name": "POD_IPS", "value": ""}]}]}, id="a variable"),
    pytest.param({"containers": [{"name": GATE}]}, id="the name among the containers"),
]


@pytest.mark.parametrize("patch", PATCHES)
def test_a_patch_of_the_gate_is_refused(patch: Any) -> None:
    plan = decide(world(make_model(podTemplate={"spec": patch})))

    assert "Deployment" not in applied(plan)
    assert condition(plan, "Stalled")["reason"] == Reason.POD_TEMPLATE_REFUSED
    assert "give yours another name" in condition(plan, "Stalled")["message"]


def test_init_containers_of_the_user_come_after_the_gate() -> None:
    patch = {"spec": {"initContainers": [{"name": "unpack", "image": "x"}]}}

    assert [each["name"] for each in init_containers(settled(make_model(podTemplate=patch)))] == [GATE, "unpack"]


@given(specs(), st.one_of(JSON, st.lists(st.dictionaries(st.sampled_from(["name", "image", "command"]), JSON))))
def test_whatever_the_patch_the_gate_is_first_and_as_it_should_be(spec: Any, init: Any) -> None:
    wanted = decide(world({**make_model(), "spec": {**spec, "podTemplate": {}}})).apply[-1]
    patched = {**spec, "podTemplate": {"spec": {"initContainers": init}}}
    made = [apply for apply in decide(world({**make_model(), "spec": patched})).apply if apply.kind == DEPLOYMENT]

    for apply in made:
        (gate, *others) = apply.manifest["spec"]["template"]["spec"]["initContainers"]
        assert gate == wanted.manifest["spec"]["template"]["spec"]["initContainers"][0]
        assert GATE not in [each.get("name") for each in others if isinstance(each, dict)]


WANTING = [
    pytest.param({"canaries": ()}, SETTINGS, Reason.NO_CANARY, "canary.enabled", id="no canary"),
    pytest.param({}, replace(SETTINGS, image=""), Reason.NO_GATE_IMAGE, "set image", id="no image"),
]


@pytest.mark.parametrize(("rest", "settings", "reason", "remedy"), WANTING)
def test_without_what_the_gate_needs_no_pods_are_made(
    rest: Any, settings: Settings, reason: Reason, remedy: str
) -> None:
    observed = world(make_model(), **rest)

    plan = decide(observed, settings=settings)

    assert "Deployment" not in applied(plan)
    assert "NetworkPolicy" in applied(plan)
    stalled = condition(plan, "Stalled")
    assert stalled["reason"] == reason
    assert remedy in stalled["message"]
    assert "isolation.required: false" in stalled["message"]


@pytest.mark.parametrize(("rest", "settings", "reason", "remedy"), WANTING)
def test_without_what_the_gate_needs_what_serves_is_left_alone(
    rest: Any, settings: Settings, reason: Reason, remedy: str
) -> None:
    del remedy
    observed = replace(serving(make_model()), **rest)

    plan = decide(observed, settings=settings)

    assert (plan.apply, plan.delete) == ((), ())
    assert condition(plan, "Stalled")["reason"] == reason
    assert condition(plan, "Serving")["status"] == "True"


def test_an_upgrade_from_before_the_gate_gives_it_to_every_model() -> None:
    # What an earlier operator built: the same wish, another template, and no gate in it.
    observed = serving(make_model())
    earlier = changed(child(observed, DEPLOYMENT), INIT, [])
    annotations = earlier["spec"]["template"]["metadata"]["annotations"]
    annotations[next(iter(annotations))] = "built-before"

    (apply,) = decide(with_child(observed, DEPLOYMENT, earlier), settings=NEWER).apply

    assert apply.manifest["spec"]["template"]["spec"]["initContainers"][0]["image"] == NEWER.image


def test_an_upgrade_to_another_image_of_the_gate_restarts_nothing() -> None:
    assert decide(serving(make_model()), settings=NEWER).empty


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("0.command", ["true"], id="a command that sees nothing"),
        pytest.param("0.args", ["--help"], id="arguments"),
        pytest.param("0.restartPolicy", "Always", id="a sidecar"),
        pytest.param("0.env.0", {"name": "POD_IPS", "value": "192.0.2.1"}, id="another address"),
        pytest.param("0.env.2", {"name": "PYTHONPATH", "value": "/tmp"}, id="a variable more"),  # noqa: S108
        pytest.param("0.securityContext.privileged", True, id="privilege"),
        pytest.param("0.name", "other", id="another name"),
    ],
)
def test_a_gate_that_somebody_changed_is_put_right_also_during_a_hold_back(path: str, value: Any) -> None:
    observed = serving(make_model())
    live = child(observed, DEPLOYMENT)
    if path == "0.env.2":
        live = changed(live, f"{INIT}.0.env", [*live["spec"]["template"]["spec"]["initContainers"][0]["env"], value])
    else:
        live = changed(live, f"{INIT}.{path}", value)

    (apply,) = decide(with_child(observed, DEPLOYMENT, live), settings=NEWER).apply

    assert apply.kind == DEPLOYMENT
    assert apply.manifest["spec"]["template"]["spec"]["initContainers"][0]["image"] == NEWER.image


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("restartPolicy", "Always", id="a sidecar"),
        pytest.param("args", ["--help"], id="arguments"),
        pytest.param("env.2", {"name": "PYTHONPATH", "value": "/tmp"}, id="a variable more"),  # noqa: S108
    ],
)
def test_what_apply_cannot_take_back_is_told(path: str, value: Any) -> None:
    """A field that another manager has added stays, whatever is applied."""
    observed = serving(make_model())
    live = child(observed, DEPLOYMENT)
    if path == "env.2":
        path, value = "env", [*live["spec"]["template"]["spec"]["initContainers"][0]["env"], value]
    damaged = with_child(observed, DEPLOYMENT, changed(live, f"{INIT}.0.{path}", value))

    isolated = condition(decide(damaged), "Isolated")

    assert (isolated["status"], isolated["reason"]) == ("False", Reason.NOT_SEALED)
    assert "delete the Deployment" in isolated["message"]


def test_the_wall_is_healed_also_while_there_is_no_canary() -> None:
    observed = replace(serving(make_model()), canaries=())
    opened = with_child(observed, NETWORK_POLICY, changed(child(observed, NETWORK_POLICY), "spec.egress", [{}]))

    assert applied(decide(opened)) == {"NetworkPolicy": "spec.egress"}
