"""The isolation gate: an init container that ends once it has seen, from inside the pod, that nothing gets out.

A network policy holds in the pod's own network namespace, and so does what this container sees. The canary that it must
not reach is told by a ConfigMap, so that a canary with another address makes no new pod template.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bolwerk.core.difference import difference
from bolwerk.core.kinds import CONFIG_MAP
from bolwerk.core.model.subject import Subject
from bolwerk.core.own import own_container
from bolwerk.core.plan import Manifest

__all__ = ["GATE", "canary_map", "first", "gate", "is_gated", "names_gate"]

GATE = "isolation-gate"
"""Name of the init container, and what the name of its ConfigMap ends with."""

KEY = "canaries"

OF_NO_CONCERN = frozenset({"image", "resources"})
"""What another version of the operator may build differently: the gate's work is the same."""

DEFAULTED = frozenset({"imagePullPolicy", "terminationMessagePath"})
"""What the API server adds to a container."""


def gate(subject: Subject, image: str) -> Manifest:
    """Return the init container."""
    return own_container(
        GATE,
        image,
        "gate",
        (
            {"name": "POD_IPS", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIPs"}}},
            {
                "name": "BOLWERK_CANARIES",
                "valueFrom": {"configMapKeyRef": {"name": _map_name(subject), "key": KEY, "optional": False}},
            },
        ),
    )


def first(spec: Mapping[str, Any], container: Manifest | None) -> Manifest:
    """Return a pod's spec with the gate before all other init containers, or without any gate."""
    found = spec.get("initContainers")
    others = [each for each in found if _name(each) != GATE] if isinstance(found, list | tuple) else []
    init = [*([container] if container else []), *others]
    return {**spec, "initContainers": init} if init or "initContainers" in spec else {**spec}


def is_gated(spec: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a live pod spec begins with the gate that the wanted one begins with, of whichever version."""
    live: Mapping[str, Any] = next(iter(spec.get("initContainers") or ()), {})
    container: Mapping[str, Any] = next(iter(wanted.get("initContainers") or ()), {})
    if _name(container) != GATE:
        return True
    same = {field: value for field, value in container.items() if field not in OF_NO_CONCERN}
    return (
        difference(same, live) is None
        and live.keys() <= container.keys() | DEFAULTED
        and len(live["env"]) == len(container["env"])
    )


def names_gate(deployment: Mapping[str, Any]) -> bool:
    """Whether the pods of a live Deployment have a gate, which reads the ConfigMap."""
    init = deployment["spec"]["template"]["spec"].get("initContainers") or ()
    return any(_name(container) == GATE for container in init)


def canary_map(subject: Subject, canaries: tuple[str, ...]) -> Manifest:
    """Return the ConfigMap that tells the gate what it must not reach."""
    return {
        "apiVersion": CONFIG_MAP.api_version,
        "kind": CONFIG_MAP.name,
        "metadata": {**subject.metadata(), "name": _map_name(subject)},
        "data": {KEY: ",".join(canaries)},
    }


def _map_name(subject: Subject) -> str:
    return f"{subject.name}-{GATE}"


def _name(container: Any) -> Any:
    return container.get("name") if isinstance(container, Mapping) else None
