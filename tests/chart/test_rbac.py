"""Least privilege: the roles of the chart are exactly what the operator's own requests ask for.

The requests are built by the code that the operator sends them with, so a new kind or a new verb fails here before it
is a Forbidden in somebody's cluster; and a right that nothing needs any more fails here too.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pytest

from bolwerk.core.kinds import (
    CONFIG_MAP,
    DAEMON_SET,
    EGRESS_EXCEPTION,
    EVENT,
    ISOLATION_PROOF,
    LEASE,
    LOCAL_MODEL,
    POD,
    SECRET,
    SOVEREIGNTY_POLICY,
    Kind,
    Ref,
)
from bolwerk.core.model.observed import CHILD_KINDS
from bolwerk.core.policy.observed import EXCEPTION_KINDS, OPTIONAL_KINDS, OVERLAY_NAME, OWNED_KINDS
from bolwerk.core.settings import Settings
from bolwerk.shell import request as requests
from bolwerk.shell.cache import Cache
from bolwerk.shell.exceptions import EgressExceptions
from bolwerk.shell.models import LocalModels
from bolwerk.shell.nodes import Nodes
from bolwerk.shell.policies import SovereigntyPolicies
from bolwerk.shell.request import Request
from chart.rendering import Manifest, Render, only

Right = tuple[str, str, str]
"""API group, resource, verb."""

METHODS = {"POST": {"create"}, "PUT": {"update"}, "DELETE": {"delete"}}
OBJECT: Manifest = {"metadata": {"namespace": "n", "name": "a", "resourceVersion": "1"}}


def listed() -> tuple[Kind, ...]:
    """Every kind that is listed and watched where the API server serves it."""
    cache = Cache()
    LocalModels(cache, settings=Settings())
    served = frozenset((*OPTIONAL_KINDS, *EXCEPTION_KINDS))
    SovereigntyPolicies(cache, served=served, settings=Settings())
    Nodes(cache, served=served, settings=Settings(), now=lambda: datetime.now(UTC))
    EgressExceptions(cache)
    return tuple(kind for kind in cache.kinds if kind != CONFIG_MAP)


def sent() -> Iterator[tuple[Kind, Request]]:
    """Every request that the operator can send, by the kind that it is about; discovery is everybody's right."""
    for kind in listed():
        yield kind, requests.get(Ref(kind, "n", "a"))
        yield kind, requests.list_page(kind)
    yield DAEMON_SET, requests.list_page(DAEMON_SET)
    for kind in {*CHILD_KINDS, *OWNED_KINDS, POD, ISOLATION_PROOF}:
        yield kind, requests.get(Ref(kind, "n", "a"))
        yield kind, requests.apply(kind, OBJECT)
        yield kind, requests.delete(Ref(kind, "n", "a"), "uid")
    for kind in (LOCAL_MODEL, SOVEREIGNTY_POLICY, EGRESS_EXCEPTION):
        yield kind, requests.apply(kind, OBJECT, subresource="status")
    yield EVENT, requests.create_event(OBJECT)
    yield LEASE, requests.get_lease("n", "a")
    yield LEASE, requests.create_lease(OBJECT)
    yield LEASE, requests.update_lease(OBJECT)


def verbs(request: Request) -> set[str]:
    if request.method == "GET":
        # Who lists a kind watches it from there on, through kopf.
        return (
            ({"list"} if request.resource == DAEMON_SET.plural else {"list", "watch"})
            if request.verb == "list"
            else {"get"}
        )
    if request.method == "PATCH":
        # Server-side apply makes what is absent, and is asked for that right too; a status is never absent.
        return {"patch"} if "/" in request.resource else {"patch", "create"}
    return METHODS[request.method]


def needed(*kinds: Kind) -> set[Right]:
    """Return what is needed for these kinds, or for all that the operator has to do with in the whole cluster."""
    return {
        (kind.group, request.resource, verb)
        for kind, request in sent()
        if (kind in kinds if kinds else kind not in (LEASE, CONFIG_MAP))
        for verb in verbs(request)
    }


def granted(objects: Iterable[Manifest], kind: str, name: str) -> set[Right]:
    (role,) = (item for item in objects if item["kind"] == kind and item["metadata"]["name"] == name)
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_the_cluster_role_is_what_the_code_needs(render: Render) -> None:
    # Calico's API server asks for a second right beside the one for the resource.
    group, tiered = "projectcalico.org", ("globalnetworkpolicies", "stagedglobalnetworkpolicies")
    also = {(group, f"tier.{name}", verb) for group_, name, verb in needed() if group_ == group and name in tiered}

    assert granted(render(), "ClusterRole", "bolwerk") == needed() | also


def test_the_role_in_its_own_namespace_is_what_the_elector_needs(render: Render) -> None:
    assert granted(render(), "Role", "bolwerk-leader") == needed(LEASE)


@pytest.mark.parametrize(
    ("values", "want"), [({}, "bolwerk-system"), ({"dns": {"namespace": "kube-system"}}, "kube-system")]
)
def test_config_maps_are_written_only_where_core_dns_looks(render: Render, values: Manifest, want: str) -> None:
    objects = render(**values)

    assert granted(objects, "Role", "bolwerk-dns") == needed(CONFIG_MAP)
    for kind in ("Role", "RoleBinding"):
        (item,) = (item for item in objects if item["kind"] == kind and item["metadata"]["name"] == "bolwerk-dns")
        assert item["metadata"]["namespace"] == want


def test_the_config_maps_of_gates_are_neither_listed_nor_watched(render: Render) -> None:
    assert granted(render(), "ClusterRole", "bolwerk-gates") == needed(CONFIG_MAP)


def test_the_head_of_the_audit_trail_is_all_that_the_trail_may_write(render: Render) -> None:
    objects = render(fullnameOverride="guard")
    (role,) = (item for item in objects if item["kind"] == "Role" and item["metadata"]["name"] == "guard-audit")
    asked = [
        requests.get(Ref(CONFIG_MAP, "n", "a")),
        requests.create_config_map(OBJECT),
        requests.update_config_map(OBJECT),
    ]

    needs = {("", request.resource, verb) for request in asked for verb in verbs(request)}
    assert granted(objects, "Role", "guard-audit") == needs
    assert role["metadata"]["namespace"] == "bolwerk-system"
    named = [rule["resourceNames"] for rule in role["rules"] if "create" not in rule["verbs"]]
    assert named == [["guard-audit"]], "the Lease's name and -audit, as the operator forms it"


def test_of_its_own_config_maps_the_operator_reads_the_overlay(render: Render) -> None:
    (role,) = (item for item in render() if item["metadata"]["name"] == "bolwerk-catalogue" and item["kind"] == "Role")

    assert role["metadata"]["namespace"] == "bolwerk-system"
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [OVERLAY_NAME], "verbs": ["get"]}
    ]


@pytest.mark.parametrize(
    ("references", "want"),
    [
        ({}, {CONFIG_MAP}),
        ({"secrets": True}, {CONFIG_MAP, SECRET}),
        ({"configMaps": False}, set()),
    ],
)
def test_what_pods_refer_to_is_got_and_never_listed(render: Render, references: Manifest, want: set[Kind]) -> None:
    objects = render(references=references)

    if want:
        rights = {(kind.group, kind.plural, verb) for kind in want for verb in verbs(requests.get(Ref(kind, "n", "a")))}
        assert granted(objects, "ClusterRole", "bolwerk-references") == rights
    else:
        assert "bolwerk-references" not in {item["metadata"]["name"] for item in objects}


def test_the_lease_is_the_one_that_the_operator_is_told_to_take(render: Render) -> None:
    objects = render(fullnameOverride="guard")
    (role,) = (item for item in objects if item["kind"] == "Role" and item["metadata"]["name"] == "guard-leader")
    deployment = only(objects, "Deployment")

    named = [rule["resourceNames"] for rule in role["rules"] if "create" not in rule["verbs"]]
    assert named == [["guard"]]
    assert "--lease-name=guard" in deployment["spec"]["template"]["spec"]["containers"][0]["args"]


def test_no_builder_of_requests_is_forgotten_here() -> None:
    builders = {
        name
        for name, function in inspect.getmembers(requests, inspect.isfunction)
        if function.__module__ == requests.__name__ and not name.startswith("_")
    }

    assert builders == {
        "get",
        "list_page",
        "apply",
        "delete",
        "discover",
        "create_event",
        "get_lease",
        "create_lease",
        "update_lease",
        "create_config_map",
        "update_config_map",
    }


@pytest.mark.parametrize(
    "forbidden", ["secrets", "configmaps", "*", "roles", "clusterroles", "pods/exec", "pods/log", "nodes/proxy"]
)
def test_the_operator_may_not_touch(render: Render, forbidden: str) -> None:
    rights = granted(render(), "ClusterRole", "bolwerk") | granted(render(), "Role", "bolwerk-leader")

    assert forbidden not in {resource for _, resource, _ in rights}
    assert "*" not in {verb for *_, verb in rights}
