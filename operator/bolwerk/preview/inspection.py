"""Reads a cluster for a report, with the client that `plan` reads with; nothing can be written.

Of every object only what a report is made of is kept: a cluster has many pods.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from kubernetes.client import Configuration

from bolwerk import __version__
from bolwerk.core import kinds
from bolwerk.core.flows.found import Flows
from bolwerk.core.kinds import Kind
from bolwerk.core.line import Line
from bolwerk.core.report.facts import Trail
from bolwerk.core.report.flows import flows
from bolwerk.core.report.trail import trail
from bolwerk.core.report.world import Permissions, Scope, World
from bolwerk.core.settings import Settings
from bolwerk.preview.cluster import FORBIDDEN, Tell, answered, reading, settings_map, settings_of, telling
from bolwerk.preview.logfiles import UnreadableLogError, lines
from bolwerk.preview.refused import RefusedError
from bolwerk.shell.client import Client
from bolwerk.shell.connection import load_configuration
from bolwerk.shell.discovery import served_of
from bolwerk.shell.errors import ApiError, GoneError
from bolwerk.shell.sweep import LIST_ATTEMPTS, selector_of

__all__ = ["Inspection", "inspect"]

RBAC = ("rbac.authorization.k8s.io", "v1")
CLUSTER_ROLE = Kind(*RBAC, "ClusterRole", "clusterroles")
ROLE = Kind(*RBAC, "Role", "roles")
CLUSTER_ROLE_BINDING = Kind(*RBAC, "ClusterRoleBinding", "clusterrolebindings")
ROLE_BINDING = Kind(*RBAC, "RoleBinding", "rolebindings")

OPTIONAL = (kinds.EGRESS_EXCEPTION, kinds.EGRESS_APPROVAL, kinds.ISOLATION_PROOF)
WHOLE = (kinds.POD, kinds.VALIDATING_ADMISSION_POLICY, kinds.VALIDATING_ADMISSION_POLICY_BINDING)
VERSION_LABEL = "app.kubernetes.io/version"

Object = Mapping[str, Any]
Objects = tuple[Object, ...]
T = TypeVar("T")
Keep = Callable[[Object], Object]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is asked of a cluster.

    Attributes
    ----------
    namespace
        The operator's own.
    settings
        Those of the operator; found in its namespace when None.
    audit_logs, flows
        Logs with the audit trail, and with flows that Cilium's Hubble has exported; `-` is standard input.
    """

    namespace: str
    scope: Scope = field(default_factory=Scope)
    settings: Settings | None = None
    audit_logs: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()


async def inspect(asked: Inspection, *, tell: Tell, load: Callable[[], Configuration] = load_configuration) -> World:
    """Read everything that a report is made of.

    Raises
    ------
    RefusedError
        When the cluster or the file cannot be read, or may not be.
    SettingsError, NoConfigurationError
        When the operator's settings cannot be used, or there is no way to a cluster.
    """
    found = _trail(asked, tell) if asked.audit_logs else None
    async with reading(load) as client, answered():
        installed, settings = "", asked.settings
        if settings is None:
            config_map = await settings_map(client, asked.namespace)
            settings = settings_of(config_map)
            installed = str((config_map["metadata"].get("labels") or {}).get(VERSION_LABEL, ""))
        world = World(
            settings=replace(settings, namespace=asked.namespace),
            version=__version__,
            installed=installed,
            trail=found,
            scope=asked.scope,
        )
        world = await _filled(world, client, tell)
    return replace(world, flows=_flows(world, asked.flows, tell)) if asked.flows else world


async def _filled(world: World, client: Client, tell: Tell) -> World:
    served = await served_of(client, OPTIONAL)
    listed = 0

    async def objects(kind: Kind, keep: Keep = _whole) -> Objects:
        nonlocal listed
        found = await _listed(client, kind, keep)
        listed += len(found)
        return found

    async def optional(kind: Kind) -> Objects | None:
        return await objects(kind) if kind in served else None

    async def everything() -> World:
        proofs = await _unless_forbidden(optional(kinds.ISOLATION_PROOF))
        # One kind after the other: a report is no reason to keep an API server busy.
        return replace(
            world,
            models=await objects(kinds.LOCAL_MODEL),
            policies=await objects(kinds.SOVEREIGNTY_POLICY),
            namespaces=await objects(kinds.NAMESPACE, _namespace),
            pods=await objects(kinds.POD, _pod),
            deployments=await objects(kinds.DEPLOYMENT, _deployment),
            claims=await objects(kinds.PERSISTENT_VOLUME_CLAIM, _claim),
            exceptions=await optional(kinds.EGRESS_EXCEPTION),
            approvals=await optional(kinds.EGRESS_APPROVAL),
            proofs=proofs,
            proofs_forbidden=proofs is None and kinds.ISOLATION_PROOF in served,
            admission=(
                *await objects(kinds.VALIDATING_ADMISSION_POLICY, _admission(kinds.VALIDATING_ADMISSION_POLICY)),
                *await objects(
                    kinds.VALIDATING_ADMISSION_POLICY_BINDING, _admission(kinds.VALIDATING_ADMISSION_POLICY_BINDING)
                ),
            ),
            permissions=await _permissions(client),
        )

    return await telling(everything(), tell, lambda: f"listing: {listed} objects so far")


async def _permissions(client: Client) -> Permissions | None:
    async def read() -> Permissions:
        kinds_read = (CLUSTER_ROLE, ROLE, CLUSTER_ROLE_BINDING, ROLE_BINDING)
        return Permissions(*[await _listed(client, each, _whole) for each in kinds_read])

    return await _unless_forbidden(read())


async def _unless_forbidden(reading: Awaitable[T]) -> T | None:
    """Return what is read, or None where it may not be: the report says so then."""
    try:
        return await reading
    except ApiError as error:
        if error.status in FORBIDDEN:
            return None
        raise


async def _listed(client: Client, kind: Kind, keep: Keep) -> Objects:
    # Others' pods may be on a node's own network, and the rules about approvals are the chart's.
    selector = "" if kind in WHOLE else selector_of(kind)
    for attempt in range(1, LIST_ATTEMPTS + 1):
        found: list[Object] = []
        try:
            async for page in client.pages(kind, selector=selector):
                found += map(keep, page.items)
        except GoneError:  # the snapshot expired between two pages
            if attempt == LIST_ATTEMPTS:
                raise
        else:
            break
    return tuple(found)


def _trail(asked: Inspection, tell: Tell) -> Trail:
    logs = asked.audit_logs
    try:
        return trail(", ".join(logs), [lines(each, tell) for each in logs], since=asked.scope.since)
    except UnreadableLogError as error:
        raise RefusedError(str(error)) from error


def _flows(world: World, logs: tuple[str, ...], tell: Tell) -> Flows:
    def whole(log: str) -> Iterator[Line]:
        """Yield what can be read of a log: of one that was cut off, the rest counts as one line that was refused."""
        try:
            yield from lines(log, tell)
        except UnreadableLogError as error:
            yield error.line

    return flows(world, ", ".join(logs), map(whole, logs))


def _whole(item: Object) -> Object:
    return item


def _namespace(item: Object) -> Object:
    return {"metadata": _only(item["metadata"], "name", "labels")}


def _pod(item: Object) -> Object:
    statuses = [
        _only(each, "name", "imageID", "volumeMounts")
        for each in (item.get("status") or {}).get("containerStatuses") or ()
    ]
    return {
        "metadata": _only(item["metadata"], "name", "namespace", "labels"),
        "spec": _only(item.get("spec") or {}, "nodeName", "hostNetwork"),
        "status": {**_only(item.get("status") or {}, "phase"), "containerStatuses": statuses},
    }


def _deployment(item: Object) -> Object:
    containers = ((item["spec"].get("template") or {}).get("spec") or {}).get("containers") or ()
    images = [_only(each, "name", "image") for each in containers]
    return {
        "metadata": _only(item["metadata"], "name", "namespace"),
        "spec": {"template": {"spec": {"containers": images}}},
    }


def _claim(item: Object) -> Object:
    return {
        "metadata": _only(item["metadata"], "name", "namespace"),
        "spec": _only(item.get("spec") or {}, "volumeName"),
    }


def _admission(kind: Kind) -> Keep:
    def keep(item: Object) -> Object:
        # A list does not say the kind of its items.
        spec = _only(item.get("spec") or {}, "policyName", "validationActions", "matchConstraints")
        return {"kind": kind.name, "metadata": _only(item["metadata"], "name"), "spec": spec}

    return keep


def _only(fields: Object, *names: str) -> dict[str, Any]:
    return {name: fields[name] for name in names if name in fields}
