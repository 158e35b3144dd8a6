"""The golden walls, taken by a real API server under the CRDs of the plugins that enforce them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

import needing
from api.asking import GONE, Api, changed
from api.plugins import ESTABLISHED, definitions
from bolwerk.core.difference import difference
from bolwerk.core.egress.backend import BACKENDS, Backend
from bolwerk.core.policy.reconcile import EXACT
from core.egress import goldens

pytestmark = pytest.mark.cluster

FOLDERS = ("cilium-policy-crds", "clusternetworkpolicy-api-crds", "adminnetworkpolicy-crds", "calico-crds")


@pytest.fixture(scope="module")
def plugins(api: Api, request: pytest.FixtureRequest) -> Api:
    """The API server with every plugin's API, and the governed namespaces."""
    crds = definitions(*needing.folders(request, *FOLDERS))
    api.plane.kubectl("apply", "--server-side", "--filename=-", stdin=yaml.safe_dump_all(crds))
    for name in ESTABLISHED:
        api.plane.kubectl("wait", "--for=condition=Established", f"crd/{name}")
    namespaces = {
        each["metadata"]["name"]: each
        for case in goldens.CASES
        for each in goldens.inputs(case)
        if each["kind"] == "Namespace"
    }
    for namespace in namespaces.values():
        api.plane.kubectl("apply", "--server-side", "--filename=-", stdin=json.dumps(namespace))
    return api


@pytest.mark.parametrize(
    ("case", "backend"), [pytest.param(case, backend, id=f"{case}-{backend.name}") for case, backend in goldens.PAIRS]
)
def test_taken_as_it_is(plugins: Api, case: str, backend: Backend) -> None:
    for manifest in goldens.expected(case, backend):
        assert plugins.refusal(manifest) == ""


def kept(stored: Any, asked: Any) -> Any:
    """Return of what was stored only what was asked for: defaults are the API server's own."""
    if isinstance(asked, dict) and isinstance(stored, dict):
        return {key: kept(stored[key], value) for key, value in asked.items() if key in stored}
    if isinstance(asked, list) and isinstance(stored, list) and len(asked) == len(stored):
        return [kept(one, other) for one, other in zip(stored, asked, strict=True)]
    return stored


@pytest.mark.parametrize("case", ["proxies", "holes"])
@pytest.mark.parametrize("backend", BACKENDS, ids=lambda each: each.name)
def test_nothing_of_it_is_dropped_when_it_is_stored(plugins: Api, backend: Backend, case: str) -> None:
    for manifest in goldens.expected(case, backend):
        asked = {key: value for key, value in manifest["spec"].items() if value != []}

        stored = plugins.stored(manifest)
        assert kept(stored["spec"], asked) == asked
        assert kept(stored.get("specs"), manifest.get("specs")) == manifest.get("specs")


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda each: each.name)
def test_what_is_stored_is_not_written_again(plugins: Api, backend: Backend) -> None:
    kinds = {(kind.api_version, kind.name): kind for kind in backend.kinds}
    for manifest in goldens.expected("holes", backend):
        kind = kinds[manifest["apiVersion"], manifest["kind"]]

        assert difference(manifest, plugins.stored(manifest), exact=EXACT[kind]) is None


def wall(case: str, backend: str) -> Any:
    """Return the last object of a golden wall: the one with the rules."""
    (found,) = (each for each in BACKENDS if each.name == backend)
    return goldens.expected(case, found)[-1]


@pytest.mark.parametrize(
    ("manifest", "want"),
    [
        pytest.param(
            changed(wall("plain", "ClusterNetworkPolicy"), {"spec.tier": "Highest"}),
            "supported values",
            id="a tier that is none",
        ),
        pytest.param(
            changed(wall("plain", "Cilium"), {"spec.egressDeny": [{"toCIDRSets": []}]}), "unknown field", id="a slip"
        ),
        pytest.param(
            changed(wall("plain", "AdminNetworkPolicy"), {"spec.subject": GONE}), "Required value", id="no subject"
        ),
        pytest.param(
            changed(wall("plain", "Calico"), {"spec.egress": [{"action": "Deny", "destination": {"net": "::/0"}}]}),
            "unknown field",
            id="a rule's slip",
        ),
    ],
)
def test_the_server_would_have_refused_what_is_wrong(plugins: Api, manifest: Any, want: str) -> None:
    assert want in plugins.refusal(manifest)
