"""What the core emits, judged by a real API server: it takes it, keeps it, and lets Bolwerk take back what is lost."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from bolwerk.core.difference import difference
from bolwerk.core.kinds import DEPLOYMENT, LOCAL_MODEL, NETWORK_POLICY, SERVICE, Kind
from bolwerk.core.model.observed import Observed
from bolwerk.core.model.reconcile import reconcile
from cluster.api import Api, RefusedError
from core.builders import NOW, SETTINGS, world
from core.strategies import specs
from harness.controlplane import ControlPlane

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("crds")]

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())
EXAMPLES = 150
Manifest = dict[str, Any]
PREREQUISITES = """\
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: nvidia}
handler: nvidia
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: models}
value: 1000
"""


@pytest.fixture
def api(control_plane: ControlPlane, crds: None) -> Iterator[Api]:
    del crds
    control_plane.kubectl("apply", "--filename=-", stdin=PREREQUISITES)
    with Api(control_plane) as connected:
        yield connected


@pytest.fixture
def restricted(control_plane: ControlPlane, namespace: str) -> str:
    """A namespace that takes only pods of the Pod Security Standard `restricted`."""
    control_plane.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    return namespace


def local_model(namespace: str, spec: Any) -> Manifest:
    metadata = {"name": "llama", "namespace": namespace}
    return {"apiVersion": LOCAL_MODEL.api_version, "kind": LOCAL_MODEL.name, "metadata": metadata, "spec": spec}


def golden(case: str, namespace: str) -> Manifest:
    model = yaml.safe_load((GOLDEN / case / "input.yaml").read_text(encoding="utf-8"))
    return {**model, "metadata": {"name": model["metadata"]["name"], "namespace": namespace}}


def carry_out(api: Api, observed: Observed) -> Observed:
    """Do what the plan says, as the shell does, and return what the API server answered."""
    plan = reconcile(observed, SETTINGS, NOW)
    children = dict(observed.children)
    for apply in plan.apply:
        children[apply.kind] = (api.apply(apply.kind, apply.manifest),)
    observed = replace(observed, children=children)
    status = reconcile(observed, SETTINGS, NOW).status
    if status is None:
        return observed
    identity = {key: observed.model[key] for key in ("apiVersion", "kind")}
    metadata = {key: observed.model["metadata"][key] for key in ("name", "namespace", "uid")}
    told = api.apply(LOCAL_MODEL, {**identity, "metadata": metadata, "status": status}, subresource="status")
    return replace(observed, model=told)


@given(spec=specs())
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_the_crd_takes_has_children_that_the_api_server_takes(api: Api, restricted: str, spec: Any) -> None:
    stored = api.apply(LOCAL_MODEL, local_model(restricted, spec), dry_run=True)
    plan = reconcile(world(stored), SETTINGS, NOW)

    for apply in plan.apply:
        # Pods name their ServiceAccount, which therefore really has to be there.
        keep = apply.kind.name == "ServiceAccount"
        answer = api.apply(apply.kind, apply.manifest, dry_run=not keep)
        assert difference(apply.manifest, answer, exact=("spec",) if apply.kind == NETWORK_POLICY else ()) is None
    assert plan.apply[-1].kind == DEPLOYMENT
    api.would_create_pod(restricted, plan.apply[-1].manifest["spec"]["template"])


@pytest.mark.parametrize(
    "text", ["\U0001f600", "\x7f\x85\u2028\ufeff\uffff", "\\ud83d\\ude00", "a\r\n\tb", "# {} - !!"]
)
def test_any_text_arrives_as_it_is(api: Api, restricted: str, text: str) -> None:
    """An apply is read as YAML, which is stricter than JSON about what may stand in a string."""
    spec = golden("vllm-from-claim", restricted)["spec"]
    env = [{"name": "TEXT", "value": text}]

    stored = api.apply(LOCAL_MODEL, local_model(restricted, {**spec, "engine": {"vllm": {"env": env}}}))

    assert stored["spec"]["engine"]["vllm"]["env"] == env


@pytest.mark.parametrize("case", CASES)
def test_after_one_round_there_is_nothing_left_to_write(api: Api, restricted: str, case: str) -> None:
    model = api.apply(LOCAL_MODEL, golden(case, restricted))

    observed = carry_out(api, world(model))

    assert reconcile(observed, SETTINGS, NOW).empty


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"replicas": 2}, id="a second replica"),
        pytest.param({"rollout": {"strategy": "Recreate"}}, id="another strategy"),
        pytest.param({"engine": {"triton": {"models": ["a"]}}}, id="another engine, with more ports"),
        pytest.param({"access": {"clients": [{"podSelector": {}}]}}, id="a client"),
        pytest.param({"podTemplate": {"spec": {"nodeName": "n"}}}, id="a patch"),
        pytest.param({"isolation": {"required": False}}, id="no gate"),
    ],
)
def test_an_edit_and_its_way_back_are_carried_out_and_then_there_is_rest(
    api: Api, restricted: str, change: Manifest
) -> None:
    first = golden("vllm-from-claim", restricted)
    observed = carry_out(api, world(api.apply(LOCAL_MODEL, first)))
    before = observed.children[DEPLOYMENT][0]["spec"]

    for spec in ({**first["spec"], **change}, first["spec"]):
        observed = carry_out(api, replace(observed, model=api.apply(LOCAL_MODEL, {**first, "spec": spec})))
        assert reconcile(observed, SETTINGS, NOW).apply == ()

    assert observed.children[DEPLOYMENT][0]["spec"] == before, "something of the first edit is left behind"


def _way_out(spec: Manifest) -> None:
    spec["egress"] = [{}]


def _peer(spec: Manifest) -> None:
    spec["ingress"][0]["from"].append({"ipBlock": {"cidr": "0.0.0.0/0"}})


def _every_namespace(spec: Manifest) -> None:
    spec["ingress"][0]["from"][0]["namespaceSelector"] = {}


def _everybody(spec: Manifest) -> None:
    del spec["ingress"][0]["from"]


def _every_port(spec: Manifest) -> None:
    del spec["ingress"][0]["ports"]


def _fewer_pods(spec: Manifest) -> None:
    spec["podSelector"]["matchLabels"]["nobody"] = "true"


def _other_pods(spec: Manifest) -> None:
    spec["podSelector"] = {"matchExpressions": [{"key": "nobody", "operator": "Exists"}]}


def _ingress_only(spec: Manifest) -> None:
    spec["policyTypes"] = ["Ingress"]


def _public(spec: Manifest) -> None:
    spec["type"] = "LoadBalancer"


def _selects_nothing(spec: Manifest) -> None:
    spec["selector"]["nobody"] = "true"


def _other_port(spec: Manifest) -> None:
    spec["ports"][0]["port"] = 9000


def _another_container_port(spec: Manifest) -> None:
    spec["template"]["spec"]["containers"][0]["ports"][0]["containerPort"] = 9000


def _another_volume(spec: Manifest) -> None:
    spec["template"]["spec"]["volumes"][1] = {"name": "cache", "hostPath": {"path": "/"}}


def _value_from(spec: Manifest) -> None:
    env = spec["template"]["spec"]["containers"][0]["env"]
    entry = next(entry for entry in env if entry["name"] == "HF_HUB_OFFLINE")
    del entry["value"]
    entry["valueFrom"] = {"secretKeyRef": {"name": "x", "key": "y"}}


def _another_probe(spec: Manifest) -> None:
    spec["template"]["spec"]["containers"][0]["readinessProbe"] = {"exec": {"command": ["true"]}}


def _on_the_host(spec: Manifest) -> None:
    spec["template"]["spec"]["hostNetwork"] = True


def _other_image(spec: Manifest) -> None:
    spec["template"]["spec"]["containers"][0]["image"] = "evil"


def _open_gate(spec: Manifest) -> None:
    spec["template"]["spec"]["initContainers"][0]["command"] = ["true"]


def _no_gate(spec: Manifest) -> None:
    del spec["template"]["spec"]["initContainers"]


def _offline_no_more(spec: Manifest) -> None:
    env = spec["template"]["spec"]["containers"][0]["env"]
    next(entry for entry in env if entry["name"] == "HF_HUB_OFFLINE")["value"] = "0"


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        *(
            pytest.param(NETWORK_POLICY, damage, id=f"the wall: {damage.__name__.strip('_')}")
            for damage in (
                _way_out, _peer, _every_namespace, _everybody, _every_port, _fewer_pods, _other_pods, _ingress_only,
            )
        ),
        pytest.param(SERVICE, _public, id="the service goes public"),
        pytest.param(SERVICE, _selects_nothing, id="the service selects nothing"),
        pytest.param(DEPLOYMENT, _on_the_host, id="the pods on the node's network"),
        pytest.param(DEPLOYMENT, _other_image, id="another image"),
        pytest.param(DEPLOYMENT, _offline_no_more, id="an offline variable"),
        pytest.param(DEPLOYMENT, _open_gate, id="a gate that sees nothing"),
        pytest.param(DEPLOYMENT, _no_gate, id="no gate"),
    ],
)  # fmt: skip
def test_what_another_manager_changed_is_taken_back(
    api: Api, namespace: str, kind: Kind, damage: Callable[[Manifest], None]
) -> None:
    before, damaged, observed = damaged_world(api, namespace, kind, damage)

    healed = carry_out(api, observed)

    assert damaged["spec"] != before["spec"]
    assert healed.children[kind][0]["spec"] == before["spec"]
    assert reconcile(healed, SETTINGS, NOW).apply == ()


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        pytest.param(SERVICE, _other_port, id="another port"),
        pytest.param(DEPLOYMENT, _another_container_port, id="another port of the container"),
        pytest.param(DEPLOYMENT, _another_volume, id="a volume of another kind"),
        pytest.param(DEPLOYMENT, _value_from, id="a variable from elsewhere"),
        pytest.param(DEPLOYMENT, _another_probe, id="another probe"),
    ],
)
def test_what_apply_cannot_take_back_is_refused_with_a_reason_and_changes_nothing(
    api: Api, namespace: str, kind: Kind, damage: Callable[[Manifest], None]
) -> None:
    """Two of a kind, where one alone may be: apply never removes what another manager set, so it cannot choose."""
    _, damaged, observed = damaged_world(api, namespace, kind, damage)

    with pytest.raises(RefusedError, match=r"invalid: .*(may not|Duplicate)"):
        carry_out(api, observed)

    (apply,) = (each for each in reconcile(observed, SETTINGS, NOW).apply if each.kind == kind)
    assert apply.because, "it is seen, and tried again"
    assert api.overwrite(kind, damaged)["spec"] == damaged["spec"]


def damaged_world(
    api: Api, namespace: str, kind: Kind, damage: Callable[[Manifest], None]
) -> tuple[Any, Manifest, Observed]:
    """Return a child as it was, as somebody made it, and the world in which it is so."""
    spec = golden("vllm-from-claim", namespace)["spec"] | {"access": {"clients": [{"podSelector": {}}]}}
    observed = carry_out(api, world(api.apply(LOCAL_MODEL, local_model(namespace, spec))))
    before = observed.children[kind][0]
    damaged = copy.deepcopy(dict(before))
    damage(damaged["spec"])
    damaged = api.overwrite(kind, damaged)

    return before, damaged, replace(observed, children={**observed.children, kind: (damaged,)})
