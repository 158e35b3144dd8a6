"""What holds for every spec, however odd, and whatever the world has become."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bolwerk.api.reserved import OFFLINE
from bolwerk.core.conditions import MESSAGE_LENGTH
from bolwerk.core.difference import difference
from bolwerk.core.kinds import DEPLOYMENT, NETWORK_POLICY
from bolwerk.core.model.observed import Observed
from bolwerk.core.plan import Manifest, Plan
from core import kstatus
from core.builders import SETTINGS, after, decide, make_model, make_pod, world
from core.strategies import JSON, SEAL_BREAKING, junk_specs, specs

settings.register_profile("core", max_examples=50, deadline=None, derandomize=True)
settings.load_profile("core")

POD = st.builds(
    make_pod,
    scheduled=st.sampled_from([True, False, None]),
    unschedulable=st.text(max_size=2000),
    ready=st.booleans(),
    deleting=st.booleans(),
)


def with_spec(spec: Any, **rest: Any) -> Manifest:
    return {**make_model(**rest), "spec": spec}


def manifests(plan: Plan) -> dict[str, Manifest]:
    return {apply.kind.name: apply.manifest for apply in plan.apply}


def check_status(observed: Observed) -> None:
    status = observed.model["status"]
    conditions = {each["type"]: each for each in status["conditions"]}
    assert len(conditions) == len(status["conditions"])
    assert status["conditions"][0]["type"] == "Ready"
    for exceptional in ("Reconciling", "Stalled"):
        assert conditions.get(exceptional, {"status": "True"})["status"] == "True"
    for each in conditions.values():
        assert 0 < len(each["message"]) <= MESSAGE_LENGTH
        assert "\n" not in each["message"]
        assert each["observedGeneration"] == observed.model["metadata"]["generation"]
    assert status["phase"]
    if conditions["Ready"]["status"] != "True":
        assert kstatus.verdict(observed.model) != "Current"
    json.dumps(status, allow_nan=False)


@given(specs(), st.lists(POD, max_size=3))
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(spec: Any, pods: list[Manifest]) -> None:
    observed = world(with_spec(spec), pods=tuple(pods))
    observed = after(observed, decide(observed))
    observed = after(observed, decide(observed))

    assert decide(observed).empty
    check_status(observed)


@given(specs())
def test_no_two_objects_have_one_key_and_every_one_is_json(spec: Any) -> None:
    plan = decide(world(with_spec(spec)))

    assert len({apply.ref for apply in plan.apply}) == len(plan.apply)
    assert {apply.ref.name for apply in plan.apply} == {"llama", "llama-isolation-gate"}
    for apply in plan.apply:
        assert json.loads(json.dumps(apply.manifest, allow_nan=False)) == apply.manifest


@given(specs())
def test_the_wall_has_no_way_out_and_lets_nobody_in_who_is_not_listed(spec: Any) -> None:
    wall = manifests(decide(world(with_spec(spec))))[NETWORK_POLICY.name]["spec"]

    clients = spec["access"]["clients"]
    assert wall["policyTypes"] == ["Ingress", "Egress"]
    assert wall["egress"] == []
    assert len(wall["ingress"]) == (1 if clients else 0), "an ingress rule without peers would let in everybody"
    for rule in wall["ingress"]:
        assert rule["ports"]
        assert [
            difference(_without_empty(client), peer) for client, peer in zip(clients, rule["from"], strict=True)
        ] == [None] * len(clients)
        assert [peer.keys() for peer in rule["from"]] == [client.keys() for client in clients]


def _without_empty(client: Any) -> Any:
    return {name: {key: value for key, value in selector.items() if value} for name, selector in client.items()}


@given(specs(), SEAL_BREAKING)
def test_no_patch_takes_the_seal_away(spec: Any, patch: Any) -> None:
    spec = {**spec, "podTemplate": {"spec": patch}}
    deployment = manifests(decide(world(with_spec(spec)))).get(DEPLOYMENT.name)
    if deployment is None:  # the patch was refused, and there are no pods at all
        return
    template = deployment["spec"]["template"]
    pod = template["spec"]
    engine = next(container for container in pod["containers"] if container["name"] == "engine")

    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["serviceAccountName"] == "llama"
    assert [pod[field] for field in ("hostNetwork", "hostPID", "hostIPC")] == [False] * 3
    assert engine["securityContext"]["allowPrivilegeEscalation"] is False
    assert engine["securityContext"]["capabilities"]["drop"] == ["ALL"]
    assert {each["name"]: each.get("value") for each in engine["env"]}.items() >= OFFLINE.items()
    assert template["metadata"]["labels"].items() >= deployment["spec"]["selector"]["matchLabels"].items()


@given(junk_specs())
@settings(max_examples=150)
def test_no_spec_however_odd_raises(spec: Any) -> None:
    observed = world(with_spec(spec))
    observed = after(observed, decide(observed))

    check_status(observed)
    observed = after(observed, decide(observed))
    assert decide(observed).apply == ()


@given(specs(), junk_specs())
def test_a_spec_that_became_junk_deletes_nothing_that_serves(spec: Any, junk: Any) -> None:
    observed = world(with_spec(spec))
    observed = after(observed, decide(observed))

    plan = decide(world(with_spec(junk, status=observed.model["status"]), children=observed.children))

    assert DEPLOYMENT not in {delete.ref.kind for delete in plan.delete}
    assert NETWORK_POLICY not in {delete.ref.kind for delete in plan.delete}


@given(JSON)
def test_nothing_differs_from_itself(value: Any) -> None:
    assert difference(value, value) is None


@given(st.dictionaries(st.just("spec"), JSON), st.dictionaries(st.just("spec"), JSON))
def test_what_is_exactly_equal_is_so_both_ways(one: Any, other: Any) -> None:
    assert (difference(one, other, exact=("spec",)) is None) == (difference(other, one, exact=("spec",)) is None)


@given(specs())
def test_what_the_user_did_not_change_does_not_change_the_pods(spec: Any) -> None:
    one, other = decide(world(with_spec(spec))), decide(world(with_spec(spec, generation=7)), settings=SETTINGS)

    assert manifests(one)[DEPLOYMENT.name] == manifests(other)[DEPLOYMENT.name]
