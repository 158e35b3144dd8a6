"""A real API server that serves every kind of the API group, those that do not ship yet included."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import needing
from api.asking import Api
from bolwerk.api.crd import crd_yaml
from bolwerk.api.resources import KINDS
from harness.controlplane import ControlPlane


@pytest.fixture(scope="session")
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API, asked by dry runs wherever nothing has to be stored."""
    needing.programs(request, "etcd", "kube-apiserver", "kubectl")
    with ControlPlane(tmp_path_factory.mktemp("api")) as running:
        running.kubectl("apply", "--server-side", "--filename=-", stdin=_all_crds())
        for resource in KINDS:
            running.kubectl("wait", "--for=condition=Established", f"crd/{resource.plural}.bolwerk.dev")
        yield Api(running)


def _all_crds() -> str:
    return "---\n".join(crd_yaml(resource) for resource in KINDS)
