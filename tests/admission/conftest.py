"""A real control plane with its controllers, two SovereigntyPolicies in it, and the people and controllers who ask."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import needing
from admission.asking import Asker, Manifest
from admission.objects import network_policy
from admission.policies import MODE_LABEL, rendered, sovereignty_policy
from bolwerk.api.crd import crd_yaml
from bolwerk.api.resources import KINDS
from bolwerk.core.catalogue import Catalogue
from bolwerk.core.egress.hole import Hole
from harness import process
from harness.controlplane import ADMIN, ControlPlane

ENFORCED, AUDITED, FREE = "enforced", "audited", "free"
"""Namespaces, and the policies that govern the first two."""

DEVELOPER = "developer"
OVERRIDER = "security-officer"
OPERATOR = "system:serviceaccount:bolwerk-system:bolwerk"
REPLICASETS = "system:serviceaccount:kube-system:replicaset-controller"
ENDPOINT_SLICES = "system:serviceaccount:kube-system:endpointslice-controller"
COLLECTOR = "system:serviceaccount:kube-system:generic-garbage-collector"

RIGHTS = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "everything-but-bolwerk"},
    "rules": [
        {
            "apiGroups": ["", "apps", "batch", "networking.k8s.io", "discovery.k8s.io", "cilium.io"],
            "resources": ["*"],
            "verbs": ["*"],
        },
        # Kubernetes asks for this of those who write endpoints by hand.
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices/restricted"], "verbs": ["create"]},
    ],
}
OVERRIDE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "override-enforced"},
    "rules": [
        {
            "apiGroups": ["bolwerk.dev"],
            "resources": ["sovereigntypolicies"],
            "resourceNames": [ENFORCED],
            "verbs": ["override"],
        }
    ],
}


@contextlib.contextmanager
def started(directory: Path, *, controllers: bool) -> Iterator[ControlPlane]:
    """A control plane with Bolwerk's CRDs in it, and with everybody who asks."""
    users: dict[str, tuple[str, ...]] = dict.fromkeys(
        (DEVELOPER, OVERRIDER, OPERATOR, REPLICASETS, ENDPOINT_SLICES, COLLECTOR), ()
    )
    with ControlPlane(directory, controllers=controllers, users=users) as running:
        running.kubectl("apply", "--server-side", "--filename=-", stdin="---\n".join(crd_yaml(each) for each in KINDS))
        running.kubectl("wait", "--for=condition=Established", *(f"crd/{each.plural}.bolwerk.dev" for each in KINDS))
        apply(running, RIGHTS, OVERRIDE, *(_bound("everything-but-bolwerk", user) for user in users))
        apply(running, _bound("override-enforced", OVERRIDER))
        yield running


@pytest.fixture(scope="session")
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane with its controllers, in which both policies are."""
    needing.programs(request, "etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
    with started(tmp_path_factory.mktemp("plane"), controllers=True) as running:
        for name, policy in ((ENFORCED, ENFORCED), (AUDITED, AUDITED), (FREE, None)):
            add_namespace(running, name, governed_by=policy)
        install(running, sovereignty_policy(ENFORCED, "Enforce"))
        install(running, sovereignty_policy(AUDITED, "Audit"))
        yield running


def add_namespace(plane: ControlPlane, name: str, *, governed_by: str | None) -> None:
    """Make a namespace with the label that a policy looks for, or without, in which pods can be made."""
    labels = {MODE_LABEL: governed_by} if governed_by else {}
    apply(plane, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    # Its controller would make it too, if there is one, and a little later.
    account = {"name": "default", "namespace": name}
    apply(plane, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})


def install(
    plane: ControlPlane, policy: Manifest, *, of: Catalogue | None = None, holes: tuple[Hole, ...] = ()
) -> None:
    """Store a policy and what admission makes of it, by a catalogue that is not the tests' own, if one is named."""
    apply(plane, policy)
    stored = json.loads(plane.kubectl("get", "sovereigntypolicy", policy["metadata"]["name"], "--output=json"))
    identity = {"name": stored["metadata"]["name"], "uid": stored["metadata"]["uid"]}
    apply(plane, *rendered({**policy, "metadata": identity}, of=of, holes=holes))


def wait_until_in_force(asker: Asker, namespace: str) -> None:
    """Wait for the last rule: bindings come into force in the order in which they were made."""
    noticed = functools.partial(_notices, asker, network_policy(namespace, {}))
    process.wait_for(noticed, what=f"the rules in {namespace}", seconds=60)


def apply(plane: ControlPlane, *manifests: Manifest) -> None:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})
    plane.kubectl("apply", "--server-side", "--filename=-", stdin=text)


@pytest.fixture(scope="session")
def asker(plane: ControlPlane) -> Iterator[Callable[[str], Asker]]:
    """Everybody who may ask, by user name; each rule is in force when this returns."""
    with contextlib.ExitStack() as stack:
        known: dict[str, Asker] = {}

        def by(user: str) -> Asker:
            if user not in known:
                known[user] = stack.enter_context(Asker(plane, user))
            return known[user]

        for namespace in (ENFORCED, AUDITED):
            wait_until_in_force(by(DEVELOPER), namespace)
        yield by


@pytest.fixture
def developer(asker: Callable[[str], Asker]) -> Asker:
    return asker(DEVELOPER)


@pytest.fixture
def admin(asker: Callable[[str], Asker]) -> Asker:
    return asker(ADMIN)


def _bound(role: str, user: str) -> Manifest:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"{role}-{user}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}],
    }


def _notices(asker: Asker, bad: Manifest) -> bool:
    answer = asker.create(bad)
    return answer.refused or bool(answer.warnings)
