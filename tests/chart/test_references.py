"""The switches for what governed pods refer to: the right to read it, and the setting that has it read."""

from __future__ import annotations

import pytest

from bolwerk.core.kinds import Ref
from bolwerk.core.references.gaps import kinds_to_read
from bolwerk.core.settings import Settings
from bolwerk.shell import request as requests
from chart.rendering import Render
from chart.test_promises import settings
from chart.test_rbac import Right, granted, verbs

ROLE = "bolwerk-references"


def needed(switched: Settings) -> set[Right]:
    """What the scanner asks for: to read one object, by name."""
    return {
        (kind.group, kind.plural, verb)
        for kind in kinds_to_read(switched)
        for verb in verbs(requests.get(Ref(kind, "n", "a")))
    }


@pytest.mark.parametrize("config_maps", [True, False])
@pytest.mark.parametrize("secrets", [True, False])
def test_the_right_and_the_setting_have_one_switch(render: Render, config_maps: bool, secrets: bool) -> None:
    objects = render(references={"configMaps": config_maps, "secrets": secrets})

    want = needed(Settings(references_config_maps=config_maps, references_secrets=secrets))
    roles = [item for item in objects if item["kind"] == "ClusterRole" and item["metadata"]["name"] == ROLE]
    bound = [item for item in objects if item["kind"] == "ClusterRoleBinding" and item["roleRef"]["name"] == ROLE]
    assert len(roles) == len(bound) == bool(want)
    assert not want or granted(objects, "ClusterRole", ROLE) == want
    assert settings(objects)["references"] == {"configMaps": config_maps, "secrets": secrets}


def test_by_default_no_secret_may_be_read(render: Render) -> None:
    objects = render()

    for role in (item for item in objects if item["kind"] in ("ClusterRole", "Role")):
        rights = {resource for rule in role["rules"] for resource in rule["resources"]}
        assert not {"secrets", "*"} & rights, role["metadata"]["name"]
    assert settings(objects)["references"]["secrets"] is False
    assert needed(Settings()) == {("", "configmaps", "get")}
