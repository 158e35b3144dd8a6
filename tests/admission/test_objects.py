"""The objects themselves: as they were applied they stay, Kubernetes has nothing against their types, and who reviews
them reads YAML."""

from __future__ import annotations

import json
from pathlib import Path

import kubernetes_validate  # type: ignore[import-untyped]
import pytest

from admission.asking import Asker, Manifest
from admission.conftest import AUDITED, ENFORCED
from admission.policies import SETTINGS, rendered, sovereignty_policy
from admission.test_excepted import HOLES
from bolwerk.core.difference import difference
from bolwerk.core.selectors import matches
from bolwerk.preview.text import as_yaml
from harness import process
from harness.controlplane import ControlPlane

GOLDEN = Path(__file__).parent / "golden"
SUPPORTED_MINORS = ("1.33", "1.34", "1.35", "1.36")
BOTH = (sovereignty_policy(ENFORCED, "Enforce"), sovereignty_policy(AUDITED, "Audit"))


@pytest.mark.parametrize("policy", BOTH, ids=[ENFORCED, AUDITED])
def test_a_policy_renders_as_committed(policy: Manifest, *, update_golden: bool) -> None:
    path = GOLDEN / f"{policy['metadata']['name']}.yaml"
    text = as_yaml(rendered(policy))
    if update_golden:
        path.write_text(text, encoding="utf-8")

    assert text == path.read_text(encoding="utf-8"), "renders differently: if meant, run with --update-golden"


def test_open_exceptions_render_as_committed(*, update_golden: bool) -> None:
    """Only what they add: without them the rules are the ones above."""
    path = GOLDEN / "excepted.yaml"
    without, rules = rendered(BOTH[0]), rendered(BOTH[0], holes=HOLES)
    text = as_yaml(each for each, before in zip(rules, without, strict=True) if each != before)
    if update_golden:
        path.write_text(text, encoding="utf-8")

    assert text == path.read_text(encoding="utf-8"), "renders differently: if meant, run with --update-golden"


@pytest.mark.parametrize("minor", SUPPORTED_MINORS)
def test_every_object_is_valid_for_every_supported_kubernetes(minor: str) -> None:
    for policy in BOTH:
        for manifest in (*rendered(policy), *rendered(policy, holes=HOLES)):
            kubernetes_validate.validate(manifest, minor, strict=True)


def test_policies_come_before_bindings_and_each_has_one() -> None:
    objects = rendered(BOTH[0])
    kinds = [each["kind"].removeprefix("ValidatingAdmissionPolicy") for each in objects]
    names = [each["metadata"]["name"] for each in objects]
    half = len(objects) // 2

    assert kinds == [""] * half + ["Binding"] * half
    assert names[:half] == names[half:]
    assert len(set(names)) == half
    assert all(each["spec"]["policyName"] == each["metadata"]["name"] for each in objects[half:])


def test_only_where_networkpolicies_are_the_wall_others_must_not_widen_it() -> None:
    names = {
        backend: {each["metadata"]["name"] for each in rendered(BOTH[0], backend=backend)}
        for backend in ("NetworkPolicy", "Cilium")
    }

    assert names["NetworkPolicy"] - names["Cilium"] == {f"bolwerk-{ENFORCED}-widening"}


def test_no_binding_governs_the_system_or_the_operator() -> None:
    everything = sovereignty_policy("all", "Enforce", namespaceSelector={})
    bindings = [each for each in rendered(everything) if each["kind"].endswith("Binding")]
    reach = {each["metadata"]["name"]: each["spec"]["matchResources"]["namespaceSelector"] for each in bindings}
    unbounded = {name for name, selector in reach.items() if not selector}

    assert unbounded == {"bolwerk-all-wall", "bolwerk-all-namespaces"}
    for namespace in ("kube-system", "kube-public", "kube-node-lease", SETTINGS.namespace):
        labels = {"kubernetes.io/metadata.name": namespace}
        assert not [name for name in reach.keys() - unbounded if matches(reach[name], labels)]


@pytest.mark.cluster
@pytest.mark.parametrize("policy", BOTH, ids=[ENFORCED, AUDITED])
@pytest.mark.usefixtures("asker")
def test_what_is_live_is_exactly_what_was_applied(plane: ControlPlane, policy: Manifest) -> None:
    """Else the operator would apply it again for ever."""
    for manifest in rendered(policy):
        name = manifest["metadata"]["name"]
        live = json.loads(plane.kubectl("get", manifest["kind"], name, "--output=json"))
        desired = {**manifest, "metadata": {**manifest["metadata"], "ownerReferences": []}}

        assert difference(desired, live, exact=("spec",)) is None, name


@pytest.mark.cluster
@pytest.mark.usefixtures("asker")
def test_kubernetes_has_nothing_against_the_types(plane: ControlPlane) -> None:
    """Its controller checks each expression against the types of every kind that the policy is about."""

    def unchecked() -> list[str]:
        listed = json.loads(plane.kubectl("get", "validatingadmissionpolicies", "--output=json"))["items"]
        return [each["metadata"]["name"] for each in listed if "typeChecking" not in each.get("status", {})]

    # It checks one after the other, those of other tests too, and leaves little of a busy machine to who asks often.
    process.wait_for(lambda: not unchecked(), what="all policies to be checked", seconds=400, every=2)
    listed = json.loads(plane.kubectl("get", "validatingadmissionpolicies", "--output=json"))["items"]
    warnings = {each["metadata"]["name"]: each["status"]["typeChecking"].get("expressionWarnings") for each in listed}

    assert warnings
    assert not {name: found for name, found in warnings.items() if found}


@pytest.mark.cluster
def test_the_admission_objects_themselves_are_guarded_by_rights_alone(plane: ControlPlane, admin: Asker) -> None:
    """What docs/admission.md warns of: the API server does not submit its own admission objects to admission."""
    name = f"bolwerk-{ENFORCED}-wall"
    policy: Manifest = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
    }

    assert name in plane.kubectl("get", "validatingadmissionpolicies", "--output=name")
    assert admin.delete(policy).allowed
