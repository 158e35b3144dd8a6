"""Who stands before the API server in these tests, and by which roles; tests/chart holds the chart to these."""

from __future__ import annotations

from typing import Any

Manifest = dict[str, Any]

HERE, ELSEWHERE = "transcripts", "elsewhere"
"""Namespaces."""

REQUESTER, APPROVER, MIGHTY = "jan", "eva", "mallory"
"""One who asks, one who approves, and one who has every right on Bolwerk's kinds."""
TWIN = "Mallory"
"""The same as the last, to an identity provider that takes names in any case."""
CROWDED = "piet"
"""A requester in more groups than are kept."""
OPERATOR = "system:serviceaccount:bolwerk-system:bolwerk"
PIPELINE, STRANGER = "system:serviceaccount:argocd:controller", "system:serviceaccount:flux-system:flux"
"""ServiceAccounts with every right on Bolwerk's kinds, of which the chart names the first."""
CLERK = "koos"
"""One who may make approvals, but may not approve."""
UNTRUSTED = "system:serviceaccount:argocd:clerk"
"""The same, by a ServiceAccount that the chart names."""

GROUPS: dict[str, tuple[str, ...]] = {
    REQUESTER: ("developers", "transcripts-team"),
    APPROVER: ("privacy-officers",),
    MIGHTY: ("developers",),
    TWIN: (),
    CROWDED: tuple(f"group-{number:03}" for number in range(1500)),
    OPERATOR: (),
    PIPELINE: ("system:serviceaccounts",),
    STRANGER: ("system:serviceaccounts",),
    CLERK: (),
    UNTRUSTED: ("system:serviceaccounts",),
}

EXCEPTIONS, APPROVALS = "egressexceptions", "egressapprovals"


def _rule(verbs: list[str], *resources: str) -> Manifest:
    return {"apiGroups": ["bolwerk.dev"], "resources": list(resources), "verbs": verbs}


READ = ["get", "list", "watch"]
ROLES: dict[str, list[Manifest]] = {
    "exception-requester": [_rule(["create", "delete", *READ], EXCEPTIONS), _rule(READ, APPROVALS)],
    "exception-approver": [
        _rule(["approve", *READ], EXCEPTIONS),
        _rule(["create", "delete", *READ], APPROVALS),
    ],
    "exception-attester": [
        _rule(["attest", "create", "delete", "patch", *READ], EXCEPTIONS),
        _rule(["create", "delete", "patch", *READ], APPROVALS),
    ],
}
EVERYTHING, WRITING = "everything", "writing"
OTHER_ROLES = {
    EVERYTHING: [_rule(["*"], "*")],
    WRITING: [_rule(["create", *READ], APPROVALS), _rule(READ, EXCEPTIONS)],
}

BOUND: dict[str, dict[str, tuple[str, ...]]] = {
    HERE: {
        "exception-requester": (REQUESTER, CROWDED),
        "exception-approver": (APPROVER,),
        EVERYTHING: (MIGHTY, TWIN, OPERATOR, PIPELINE, STRANGER),
        WRITING: (CLERK, UNTRUSTED),
    },
    ELSEWHERE: {WRITING: (APPROVER,)},
}
"""Who has which role, by namespace."""


def roles() -> list[Manifest]:
    return [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": name},
            "rules": rules,
        }
        for name, rules in {**ROLES, **OTHER_ROLES}.items()
    ]


def bindings(bound: dict[str, dict[str, tuple[str, ...]]]) -> list[Manifest]:
    return [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": role, "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user} for user in users],
        }
        for namespace, roles_ in bound.items()
        for role, users in roles_.items()
    ]
