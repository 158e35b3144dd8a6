"""What a pod refers to: keys of ConfigMaps and Secrets, and the environment that each container gets from them.

Called for every pod of a governed namespace. It reads the pod's spec and labels only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bolwerk.core.kinds import CONFIG_MAP, SECRET, Kind, Ref

__all__ = ["Environment", "References", "Source", "references"]

CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
# Kubernetes and OpenShift put these into every pod and keep anybody from changing them.
GIVEN = frozenset({"kube-root-ca.crt", "openshift-service-ca.crt"})
_JOB_OF_A_CRONJOB = re.compile(r"-\d{8,}$")


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """An `envFrom` entry: every key of this object becomes a variable, with this prefix."""

    ref: Ref
    prefix: str


@dataclass(frozen=True, slots=True)
class Environment:
    """The variables of one container, as far as its pod shows them: names, and where values come from.

    Attributes
    ----------
    names, blank
        Those that `env` lists, and those of them that it sets to nothing.
    picked
        The variables that `env` takes from one key of an object.
    sources
        Where the others come from; of two with the same name the later is had, and what `env` lists comes before both.
    """

    names: frozenset[str]
    blank: frozenset[str]
    picked: frozenset[tuple[str, Ref, str]]
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class References:
    """What one pod refers to.

    Attributes
    ----------
    used_by
        What made the pod, such as `Deployment/chat`: the same for all pods of one workload.
    keys
        By object, the keys that the pod names, or None where it takes all of them.
    environments
        Those of its containers that take variables from an object.
    """

    used_by: str
    keys: Mapping[Ref, frozenset[str] | None]
    environments: frozenset[Environment]


def references(pod: Mapping[str, Any]) -> References:
    """Return what a pod refers to."""
    namespace, spec = pod["metadata"]["namespace"], pod["spec"]
    keys: dict[Ref, frozenset[str] | None] = {}
    for ref, named in _all(spec, namespace):
        known = keys.get(ref, frozenset())
        keys[ref] = None if known is None or named is None else known | named
    environments = (_environment(container, namespace) for container in _containers(spec))
    return References(
        used_by=_workload(pod["metadata"]),
        keys=keys,
        environments=frozenset(found for found in environments if found.sources or found.picked),
    )


def _all(spec: Mapping[str, Any], namespace: str) -> Iterator[tuple[Ref, frozenset[str] | None]]:
    for container in _containers(spec):
        for _, ref, key in _picked(container, namespace):
            yield ref, frozenset({key})
        for source in _sources(container, namespace):
            yield source.ref, None
    for volume in spec.get("volumes") or ():
        yield from _mounted(volume, namespace, secret="secretName")  # noqa: S106 - the name of a field
        for projected in (volume.get("projected") or {}).get("sources") or ():
            yield from _mounted(projected, namespace, secret="name")  # noqa: S106 - the name of a field


def _mounted(source: Mapping[str, Any], namespace: str, *, secret: str) -> Iterator[tuple[Ref, frozenset[str] | None]]:
    for kind, field, name in ((CONFIG_MAP, "configMap", "name"), (SECRET, "secret", secret)):
        origin = source.get(field) or {}
        ref = _ref(kind, namespace, origin.get(name))
        if ref:
            items = origin.get("items")
            yield ref, frozenset(item["key"] for item in items) if items else None


def _ref(kind: Kind, namespace: str, name: str | None) -> Ref | None:
    # An empty name is allowed by the API, for history's sake, and refers to nothing.
    return Ref(kind, namespace, name) if name and not (kind == CONFIG_MAP and name in GIVEN) else None


def _containers(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for field in CONTAINERS:
        yield from spec.get(field) or ()


def _environment(container: Mapping[str, Any], namespace: str) -> Environment:
    variables = container.get("env") or ()
    return Environment(
        names=frozenset(each["name"] for each in variables),
        blank=frozenset(each["name"] for each in variables if not (each.get("value") or each.get("valueFrom"))),
        picked=frozenset(_picked(container, namespace)),
        sources=tuple(_sources(container, namespace)),
    )


def _picked(container: Mapping[str, Any], namespace: str) -> Iterator[tuple[str, Ref, str]]:
    for variable in container.get("env") or ():
        for kind, field in ((CONFIG_MAP, "configMapKeyRef"), (SECRET, "secretKeyRef")):
            origin = (variable.get("valueFrom") or {}).get(field) or {}
            ref = _ref(kind, namespace, origin.get("name"))
            if ref:
                yield variable["name"], ref, origin["key"]


def _sources(container: Mapping[str, Any], namespace: str) -> Iterator[Source]:
    for entry in container.get("envFrom") or ():
        for kind, field in ((CONFIG_MAP, "configMapRef"), (SECRET, "secretRef")):
            ref = _ref(kind, namespace, (entry.get(field) or {}).get("name"))
            if ref:
                yield Source(ref, entry.get("prefix") or "")


def _workload(metadata: Mapping[str, Any]) -> str:
    """Name what a person wrote, as far as the pod alone tells: a name made up for one pod says nothing."""
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("controller"):
            kind, name = str(owner["kind"]), str(owner["name"])
            template = (metadata.get("labels") or {}).get("pod-template-hash")
            if kind == "ReplicaSet" and template and name.endswith(f"-{template}"):
                return f"Deployment/{name.removesuffix(f'-{template}')}"
            if kind == "Job" and _JOB_OF_A_CRONJOB.search(name):
                return f"CronJob/{_JOB_OF_A_CRONJOB.sub('', name)}"
            return f"{kind}/{name}"
    return f"Pod/{metadata['name']}"
