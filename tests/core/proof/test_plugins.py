"""Which DaemonSets may be what enforces network policies."""

from __future__ import annotations

from typing import Any

import pytest

from bolwerk.core.proof.plugins import plugin_images


def daemon_set(image: str, *, on_host: bool = True, **context: Any) -> dict[str, Any]:
    spec = {"hostNetwork": on_host, "containers": [{"name": "a", "image": image, "securityContext": context}]}
    return {"spec": {"template": {"spec": spec}}}


@pytest.mark.parametrize(
    ("found", "want"),
    [
        pytest.param(daemon_set("cni:1", privileged=True), ("cni:1",), id="privileged"),
        pytest.param(daemon_set("cni:1", capabilities={"add": ["NET_ADMIN"]}), ("cni:1",), id="may filter"),
        pytest.param(daemon_set("exporter:1", capabilities={"add": ["SYS_TIME"]}), (), id="may do something else"),
        pytest.param(daemon_set("gpu:1", on_host=False, privileged=True), (), id="on a network of its own"),
        pytest.param({}, (), id="nothing in it"),
    ],
)
def test_who_could_change_a_nodes_packet_filter(found: dict[str, Any], want: tuple[str, ...]) -> None:
    assert plugin_images([found]) == want


def test_each_image_once_and_in_order() -> None:
    found = [daemon_set(image, privileged=True) for image in ("b", "a", "b")]

    assert plugin_images(found) == ("a", "b")
