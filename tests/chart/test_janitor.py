"""The safety net of the chart: rights of its own, which are what its code asks for, and a pod that can do little else.

The chart is copied here with the CRDs of exceptions, so that this holds before and after they ship.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from bolwerk.api.crd import crd_yaml
from bolwerk.api.resources import EGRESS_APPROVAL, EGRESS_EXCEPTION
from bolwerk.commands.janitor import janitor
from bolwerk.core.admission.callers import OVERRIDE
from bolwerk.core.exceptions.closing import CARVED_KINDS, HOLE_KINDS
from bolwerk.core.kinds import CONFIG_MAP, SOVEREIGNTY_POLICY, Ref
from bolwerk.core.policy.observed import EXCEPTION_KINDS, OPTIONAL_KINDS, OVERLAY_NAME
from bolwerk.core.settings import Settings
from bolwerk.shell import request as requests
from bolwerk.shell.cache import Cache
from bolwerk.shell.janitor import read_kinds
from bolwerk.shell.policies import SovereigntyPolicies
from chart.rendering import CHART, NAMESPACE, Manifest, RefusedError, only, run_helm
from chart.test_rbac import OBJECT, Right, granted

Rendered = Callable[..., list[Manifest]]
TIERED = ("globalnetworkpolicies", "stagedglobalnetworkpolicies")


@pytest.fixture(scope="module")
def render(helm: Path, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    chart = tmp_path_factory.mktemp("charts") / "bolwerk"
    shutil.copytree(CHART, chart)
    for resource in (EGRESS_EXCEPTION, EGRESS_APPROVAL):
        (chart / "files/crds" / f"{resource.plural}.yaml").write_text(crd_yaml(resource), encoding="utf-8")

    def rendered(*values: str) -> list[Manifest]:
        flags = [f"--namespace={NAMESPACE}", *(f"--set={value}" for value in values)]
        return [item for item in yaml.safe_load_all(run_helm(helm, "template", "bolwerk", str(chart), *flags)) if item]

    return rendered


def pod(objects: list[Manifest]) -> Manifest:
    template: Manifest = only(objects, "CronJob", component="janitor")["spec"]["jobTemplate"]["spec"]["template"]
    return template


def test_it_may_do_what_its_code_asks_for_and_no_more(render: Rendered) -> None:
    cache = Cache()
    SovereigntyPolicies(cache, served=frozenset((*OPTIONAL_KINDS, *EXCEPTION_KINDS)), settings=Settings())
    asked = [
        *((kind, requests.list_page(kind)) for kind in read_kinds(cache)),
        *((kind, requests.delete(Ref(kind, "n", "a"), "uid")) for kind in HOLE_KINDS),
        # What is applied is there already, so no right to create.
        *((kind, requests.apply(kind, OBJECT)) for kind in CARVED_KINDS),
    ]
    verbs = {"GET": "list", "DELETE": "delete", "PATCH": "patch"}
    needs: set[Right] = {(kind.group, request.resource, verbs[request.method]) for kind, request in asked}
    # Calico's API server asks for more rights, beside those for the resource.
    needs |= {(group, f"tier.{name}", verb) for group, name, verb in needs if name in TIERED}
    needs |= {("projectcalico.org", "tiers", "get"), (SOVEREIGNTY_POLICY.group, SOVEREIGNTY_POLICY.plural, OVERRIDE)}

    objects = render()

    assert granted(objects, "ClusterRole", "bolwerk-janitor") == needs
    assert "create" not in {verb for *_, verb in needs}
    [role] = [item for item in objects if item["kind"] == "Role" and item["metadata"]["name"] == "bolwerk-janitor"]
    wanted = {"apiGroups": [""], "resources": [CONFIG_MAP.plural], "resourceNames": [OVERLAY_NAME], "verbs": ["get"]}
    assert role["rules"] == [wanted]


def test_its_account_is_its_own(render: Rendered) -> None:
    objects = render()
    account = pod(objects)["spec"]["serviceAccountName"]
    operator = only(objects, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"]

    bound = {
        item["roleRef"]["name"]: [subject["name"] for subject in item["subjects"]]
        for item in objects
        if item["kind"] in ("ClusterRoleBinding", "RoleBinding")
    }
    assert account != operator
    assert {role for role, subjects in bound.items() if account in subjects} == {"bolwerk-janitor"}
    assert bound["bolwerk-janitor"] == [account]
    assert account in {item["metadata"]["name"] for item in objects if item["kind"] == "ServiceAccount"}


def test_it_runs_every_minute_one_at_a_time_and_leaves_little_behind(render: Rendered) -> None:
    spec = only(render(), "CronJob", component="janitor")["spec"]

    assert spec["schedule"] == "* * * * *"
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["startingDeadlineSeconds"] >= 10, "the controller looks every ten seconds"
    assert spec["successfulJobsHistoryLimit"] + spec["failedJobsHistoryLimit"] <= 4
    assert spec["jobTemplate"]["spec"]["backoffLimit"] == 0
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] > 60


def test_its_pod_keeps_to_the_restricted_standard_and_to_the_operators_network(render: Rendered) -> None:
    objects = render()
    spec, labels = pod(objects)["spec"], pod(objects)["metadata"]["labels"]
    [container] = spec["containers"]

    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["restartPolicy"] == "Never"
    selector = only(objects, "NetworkPolicy")["spec"]["podSelector"]
    assert selector["matchLabels"].items() <= labels.items()
    [expression] = selector["matchExpressions"]
    assert labels[expression["key"]] in expression["values"]
    deployment = only(objects, "Deployment")["spec"]
    assert deployment["template"]["metadata"]["labels"][expression["key"]] in expression["values"]
    assert not deployment["selector"]["matchLabels"].items() <= labels.items(), "it is no replica of the operator"


def test_its_command_is_one_of_the_image(render: Rendered) -> None:
    [container] = pod(render())["spec"]["containers"]
    [operator] = only(render(), "Deployment")["spec"]["template"]["spec"]["containers"]
    command, *options = container["args"]

    assert container["image"] == operator["image"]
    assert command == janitor.name
    known = CliRunner().invoke(janitor, ["--help"]).output
    assert options
    assert all(option.partition("=")[0] in known for option in options)


def test_it_can_be_switched_off_and_its_schedule_chosen(render: Rendered) -> None:
    assert not [item for item in render("janitor.enabled=false") if "janitor" in item["metadata"]["name"]]
    assert (
        only(render("janitor.schedule=*/5 * * * *"), "CronJob", component="janitor")["spec"]["schedule"]
        == "*/5 * * * *"
    )
    with pytest.raises(RefusedError, match="schedule"):
        render("janitor.schedule=often")
