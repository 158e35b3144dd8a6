"""Who may change the rules: subjects of RBAC that may edit policies, exceptions, or what holds a wall."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bolwerk.core.report.facts import RightFacts, Rights
from bolwerk.core.report.reading import at, key, name_of, namespace_of
from bolwerk.core.report.world import Permissions, World

__all__ = ["RIGHTS", "rights"]

NOT_READ = (
    "Not read: who may change the rules is known to those who may list roles and their bindings (the chart's "
    "ClusterRole <release>-report)."
)
REMARK = (
    "By RBAC alone. Who is in a group, the identity provider knows; the group system:masters and other authorizers ask "
    "nobody."
)
WRITING = frozenset({"create", "update", "patch", "delete", "deletecollection"})

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Right:
    """What somebody may do: one of the verbs on one of the resources of a group."""

    told: str
    group: str
    resources: frozenset[str]
    verbs: frozenset[str]


def _right(told: str, group: str, *resources: str, verbs: Iterable[str] = WRITING) -> Right:
    return Right(told, group, frozenset(resources), frozenset(verbs))


RIGHTS: tuple[Right, ...] = (
    _right("change SovereigntyPolicies", "bolwerk.dev", "sovereigntypolicies"),
    _right("pass the rules against tampering", "bolwerk.dev", "sovereigntypolicies", verbs=["override"]),
    _right("ask for exceptions", "bolwerk.dev", "egressexceptions", verbs=["create"]),
    _right("approve exceptions", "bolwerk.dev", "egressexceptions", verbs=["approve"]),
    _right("attest approvals of Git", "bolwerk.dev", "egressexceptions", verbs=["attest"]),
    _right("delete exceptions", "bolwerk.dev", "egressexceptions", verbs=["delete", "deletecollection"]),
    _right("delete approvals", "bolwerk.dev", "egressapprovals", verbs=["delete", "deletecollection"]),
    _right(
        "change rules of admission",
        "admissionregistration.k8s.io",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings",
    ),
    _right("change NetworkPolicies", "networking.k8s.io", "networkpolicies"),
    _right(
        "change network policies of the cluster",
        "policy.networking.k8s.io",
        "clusternetworkpolicies",
        "adminnetworkpolicies",
    ),
    _right("change Cilium's policies", "cilium.io", "ciliumclusterwidenetworkpolicies", "ciliumnetworkpolicies"),
    _right(
        "change Calico's policies",
        "projectcalico.org",
        "tiers",
        "globalnetworkpolicies",
        "stagedglobalnetworkpolicies",
    ),
    _right("change labels of namespaces", "", "namespaces", verbs=["update", "patch"]),
    _right("hand out rights", "rbac.authorization.k8s.io", "clusterroles", "roles", verbs=["bind", "escalate"]),
    _right("act as others", "", "users", "groups", "serviceaccounts", verbs=["impersonate"]),
)


def rights(world: World) -> Rights:
    """Return who may do what of that, and by which binding."""
    if world.permissions is None:
        return Rights(read=False, remark=NOT_READ)
    found = {each for each in _found(world.permissions) if not each.where or world.scope.has(each.where)}
    order = {right.told: number for number, right in enumerate(RIGHTS)}
    items = sorted(found, key=lambda each: (order[each.right], each.subject, each.where, each.by))
    return Rights(read=True, remark=REMARK, items=tuple(items))


def _found(permissions: Permissions) -> Iterator[RightFacts]:
    cluster_roles = {name_of(each): each for each in permissions.cluster_roles}
    roles = {key(each): each for each in permissions.roles}
    for binding in (*permissions.cluster_role_bindings, *permissions.role_bindings):
        where, name = namespace_of(binding), str(at(binding, "roleRef", "name") or "")
        of_cluster = at(binding, "roleRef", "kind") == "ClusterRole"
        role = cluster_roles.get(name) if of_cluster else roles.get((where, name))
        rules = at(role or {}, "rules") or ()
        by = f"{'ClusterRole' if of_cluster else 'Role'} {name}"
        for right in RIGHTS:
            only = _narrowest(right, rules)
            if only is not None:
                told = f"{by}, only of {', '.join(only)}" if only else by
                for subject in binding.get("subjects") or ():
                    yield RightFacts(right.told, _subject(subject), where, told)


def _narrowest(right: Right, rules: Iterable[Object]) -> tuple[str, ...] | None:
    """Return which names a right is bound to: none at all is all of them, and None is no right."""
    names: set[str] = set()
    given = False
    for rule in rules:
        if _gives(rule, right):
            if not rule.get("resourceNames"):
                return ()
            given = True
            names.update(map(str, rule["resourceNames"]))
    return tuple(sorted(names)) if given else None


def _gives(rule: Object, right: Right) -> bool:
    groups, resources, verbs = (set(rule.get(field) or ()) for field in ("apiGroups", "resources", "verbs"))
    return bool(
        groups & {right.group, "*"} and resources & {*right.resources, "*"} and verbs & {*right.verbs, "*"}
    )  # fmt: skip


def _subject(subject: Object) -> str:
    kind, name, namespace = (str(subject.get(field) or "") for field in ("kind", "name", "namespace"))
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"
