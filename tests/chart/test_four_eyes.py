"""What the chart installs for exceptions: what tests/approvals shows on an API server, with this release's own names.

The chart is copied here with the file that `make crds` writes once the CRDs ship, so that this holds before and after.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from approvals.people import ROLES
from bolwerk.api.resources import KINDS
from bolwerk.core.approvals import Installation, refusals, stamping
from bolwerk.generate import FOUR_EYES, four_eyes
from chart.rendering import CHART, NAMESPACE, NEWEST, OLDEST, SUPPORTED_MINORS, Manifest, RefusedError, run_helm

Rendered = Callable[..., list[Manifest]]

ADMISSION = "admissionregistration.k8s.io/v1"
OF_OTHERS = ("-proof", "-probe", "-own-configmaps", "-own-pods")
"""What the names of the rules end with that are not about exceptions."""
ATTESTER = "exceptions.gitAttesters[0]"


@pytest.fixture(scope="module")
def render(helm: Path, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    chart = tmp_path_factory.mktemp("charts") / "bolwerk"
    shutil.copytree(CHART, chart)
    (chart / "files" / Path(FOUR_EYES).name).write_text(four_eyes(KINDS)[FOUR_EYES], encoding="utf-8")

    def rendered(*values: str, minor: str = NEWEST) -> list[Manifest]:
        flags = [f"--namespace={NAMESPACE}", f"--kube-version={minor}", *(f"--set={value}" for value in values)]
        return [item for item in yaml.safe_load_all(run_helm(helm, "template", "bolwerk", str(chart), *flags)) if item]

    return rendered


def admission(objects: list[Manifest]) -> list[Manifest]:
    """Return the admission objects as the core builds them: without the labels of the release."""
    found = [item for item in objects if is_rule(item)]
    return [{**item, "metadata": {"name": item["metadata"]["name"]}} for item in found]


def is_rule(item: Manifest) -> bool:
    return bool(item["apiVersion"] == ADMISSION and not item["metadata"]["name"].endswith(OF_OTHERS))


def by_kind_and_name(objects: list[Manifest]) -> list[Manifest]:
    return sorted(objects, key=lambda item: (item["kind"], item["metadata"]["name"]))


@pytest.mark.parametrize("minor", SUPPORTED_MINORS)
def test_stamps_are_installed_where_the_server_has_them_and_refusals_everywhere(render: Rendered, minor: str) -> None:
    installation = Installation("bolwerk", "'system:serviceaccount:bolwerk-system:bolwerk'", "[]")
    stamps = stamping(installation) if minor == NEWEST else ()

    objects = admission(render(minor=minor))

    assert by_kind_and_name(objects) == by_kind_and_name([*refusals(installation), *stamps])


def test_the_names_are_the_release_s_own(render: Rendered) -> None:
    values = ("fullnameOverride=guard", "serviceAccount.name=guardian", f"{ATTESTER}.namespace=argocd",
              f"{ATTESTER}.name=ctl")  # fmt: skip
    installation = Installation(
        "guard", "'system:serviceaccount:bolwerk-system:guardian'", "['system:serviceaccount:argocd:ctl']"
    )

    objects = admission(render(*values))

    assert by_kind_and_name(objects) == by_kind_and_name([*refusals(installation), *stamping(installation)])
    assert "@" not in yaml.safe_dump(objects)


@pytest.mark.parametrize("value", ["namespace=a'b", "namespace=", "name=a]"])
def test_no_name_gets_out_of_its_quotes(render: Rendered, value: str) -> None:
    good = {"namespace": "argocd", "name": "ctl"}
    key, _, bad = value.partition("=")

    with pytest.raises(RefusedError, match="exceptions"):
        render(*(f"{ATTESTER}.{field}={content}" for field, content in (good | {key: bad}).items()))


def test_the_roles_are_those_with_which_it_was_shown(render: Rendered) -> None:
    roles = {item["metadata"]["name"]: item for item in render() if item["kind"] == "ClusterRole"}

    for name, rules in ROLES.items():
        assert rights(roles[f"bolwerk-{name}"]["rules"]) == rights(rules)


def test_nobody_asks_or_approves_by_default(render: Rendered) -> None:
    """Neither role is bound, part of another, or held by the operator; and no role of a person has both."""
    objects = render()
    held = {f"bolwerk-{name}" for name in ROLES}

    assert not held & {item["roleRef"]["name"] for item in objects if item["kind"].endswith("RoleBinding")}
    for role in (item for item in objects if item["kind"] == "ClusterRole"):
        verbs = {(resource, verb) for _, resource, verb in rights(role["rules"])}
        if role["metadata"]["name"] in held:
            assert not any("aggregate" in label for label in role["metadata"]["labels"])
        else:
            assert not verbs & {("egressexceptions", verb) for verb in ("create", "approve", "attest", "*")}
            assert ("egressapprovals", "create") not in verbs
        assert not {("egressexceptions", "create"), ("egressexceptions", "approve")} <= verbs


def test_everybody_who_views_sees_them(render: Rendered) -> None:
    (role,) = (item for item in render() if item["metadata"]["name"] == "bolwerk-exception-view")

    assert role["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-view"] == "true"
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"get", "list", "watch"}


def test_without_the_crds_there_is_none_of_it(helm: Path, tmp_path: Path) -> None:
    chart = tmp_path / "bolwerk"
    shutil.copytree(CHART, chart)
    (chart / "files" / Path(FOUR_EYES).name).unlink(missing_ok=True)

    text = run_helm(helm, "template", "bolwerk", str(chart), f"--namespace={NAMESPACE}", f"--kube-version={OLDEST}")

    assert not any(is_rule(item) for item in yaml.safe_load_all(text) if item)
    assert "exception-" not in text


def rights(rules: list[Manifest]) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
