"""Least privilege: the roles of the chart are exactly what the operator's own requests ask for.

The requests are built by the code that the operator sends them with, so a new kind or a new verb fails here before it
is a Forbidden in somebody's cluster; and a right that nothing needs any more fails here too.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator

import pytest

from bolwerk.core.kinds import EVENT, LEASE, LOCAL_MODEL, Kind, Ref
from bolwerk.core.model.observed import CHILD_KINDS
from bolwerk.shell import request as requests
from bolwerk.shell.cache import WATCHED_KINDS
from bolwerk.shell.request import Request
from chart.rendering import Manifest, Render

Right = tuple[str, str, str]
"""API group, resource, verb."""

METHODS = {"POST": {"create"}, "PUT": {"update"}, "DELETE": {"delete"}}
OBJECT: Manifest = {"metadata": {"namespace": "n", "name": "a", "resourceVersion": "1"}}


def sent() -> Iterator[tuple[Kind, Request]]:
    """Every request that the operator can send, by the kind that it is about."""
    for kind in WATCHED_KINDS:
        yield kind, requests.get(Ref(kind, "n", "a"))
        yield kind, requests.list_page(kind)
    for kind in CHILD_KINDS:
        yield kind, requests.apply(kind, OBJECT)
        yield kind, requests.delete(Ref(kind, "n", "a"), "uid")
    yield LOCAL_MODEL, requests.apply(LOCAL_MODEL, OBJECT, subresource="status")
    yield EVENT, requests.create_event(OBJECT)
    yield LEASE, requests.get_lease("n", "a")
    yield LEASE, requests.create_lease(OBJECT)
    yield LEASE, requests.update_lease(OBJECT)


def verbs(request: Request) -> set[str]:
    if request.method == "GET":
        # Who lists a kind watches it from there on, through kopf.
        return {"list", "watch"} if request.verb == "list" else {"get"}
    if request.method == "PATCH":
        # Server-side apply makes what is absent, and is asked for that right too; a status is never absent.
        return {"patch"} if "/" in request.resource else {"patch", "create"}
    return METHODS[request.method]


def needed(*, namespaced: bool) -> set[Right]:
    return {
        (kind.group, request.resource, verb)
        for kind, request in sent()
        if (kind == LEASE) is namespaced
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
    assert granted(render(), "ClusterRole", "bolwerk") == needed(namespaced=False)


def test_the_role_in_its_own_namespace_is_what_the_elector_needs(render: Render) -> None:
    assert granted(render(), "Role", "bolwerk-leader") == needed(namespaced=True)


def test_the_lease_is_the_one_that_the_operator_is_told_to_take(render: Render) -> None:
    objects = render(fullnameOverride="guard")
    (role,) = (item for item in objects if item["kind"] == "Role")
    (deployment,) = (item for item in objects if item["kind"] == "Deployment")

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
        "create_event",
        "get_lease",
        "create_lease",
        "update_lease",
    }


@pytest.mark.parametrize("forbidden", ["secrets", "configmaps", "*", "roles", "clusterroles", "pods/exec", "nodes"])
def test_the_operator_may_not_touch(render: Render, forbidden: str) -> None:
    rights = granted(render(), "ClusterRole", "bolwerk") | granted(render(), "Role", "bolwerk-leader")

    assert forbidden not in {resource for _, resource, _ in rights}
    assert "*" not in {verb for *_, verb in rights}
