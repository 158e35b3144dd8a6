"""Where the audit trail goes: to standard output, or to a file for each pod on a volume."""

from __future__ import annotations

import pytest

from chart.rendering import RefusedError, Render, only


def test_without_a_volume_it_goes_to_standard_output(render: Render) -> None:
    pod = only(render(), "Deployment")["spec"]["template"]["spec"]

    assert not [argument for argument in pod["containers"][0]["args"] if "audit" in argument]
    assert [volume["name"] for volume in pod["volumes"]] == ["settings"]


def test_with_a_volume_each_pod_has_a_file_there(render: Render) -> None:
    claim = {"persistentVolumeClaim": {"claimName": "bolwerk-audit"}}

    pod = only(render(audit={"volume": claim}), "Deployment")["spec"]["template"]["spec"]

    [container] = pod["containers"]
    assert "--audit-log=/var/log/bolwerk/$(POD_NAME).log" in container["args"]
    assert {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}} in container["env"]
    assert {"name": "audit", "mountPath": "/var/log/bolwerk"} in container["volumeMounts"]
    assert {"name": "audit", **claim} in pod["volumes"]
    assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsGroup"]


def test_two_volumes_are_refused(render: Render) -> None:
    with pytest.raises(RefusedError, match="audit"):
        render(audit={"volume": {"emptyDir": {}, "hostPath": {"path": "/var/log"}}})
