"""Services and endpoints that lead out of the cluster."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from admission.asking import Asker, Manifest
from admission.conftest import DEVELOPER, ENDPOINT_SLICES, ENFORCED, FREE
from admission.judging import assert_let_through, assert_refused, cases
from admission.objects import endpoint_slice, endpoints, service

pytestmark = pytest.mark.cluster

OF_A_POD: Manifest = {"targetRef": {"kind": "Pod", "name": "web", "namespace": ENFORCED}}


def named(name: str) -> Manifest:
    return service(ENFORCED, type="ExternalName", externalName=name)


REFUSED = [
    ("a name of the catalogue", named("api.chat.example"), "services", "ExternalName api.chat.example leads out"),
    ("any other name outside", named("db.agency.example"), "services", "make it a Service with a selector"),
    ("a name that looks like a Service's", named("llama.models.svc.evil.example"), "services", "llama.models.svc.evil"),
    ("an external address", service(ENFORCED, externalIPs=["10.20.1.1", "198.51.100.7"]), "services",
     "externalIPs: 198.51.100.7 is outside the declared internal networks"),
    ("an external address of a private endpoint", service(ENFORCED, externalIPs=["10.20.8.4"]), "services", "10.20.8."),
    ("an endpoint outside", endpoint_slice(ENFORCED, "192.0.2.1", "198.51.100.7"), "endpoints",
     "198.51.100.7 is outside the declared internal networks; give the Service a selector"),
    ("an endpoint outside over IPv6", endpoint_slice(ENFORCED, "2a00::7", family="IPv6"), "endpoints", "2a00::7"),
    ("a forward proxy as an endpoint", endpoint_slice(ENFORCED, "10.20.9.1"), "endpoints", "10.20.9.1"),
    ("an endpoint that is said to be a pod", endpoint_slice(ENFORCED, "198.51.100.7", **OF_A_POD), "endpoints", "198."),
    ("an endpoint by a name", endpoint_slice(ENFORCED, "api.chat.example", family="FQDN"), "endpoints", "api.chat"),
    ("Endpoints outside", endpoints(ENFORCED, "198.51.100.7"), "endpoints", "198.51.100.7 is outside"),
    ("Endpoints outside that are not ready", endpoints(ENFORCED, "198.51.100.7", field="notReadyAddresses"),
     "endpoints", "198.51.100.7 is outside"),
]  # fmt: skip

ALLOWED = [
    ("an ordinary Service", service(ENFORCED, selector={"app": "web"})),
    ("a Service without a selector", service(ENFORCED)),
    ("another Service's name", named("llama.models.svc.cluster.local")),
    ("another Service's name with a dot at its end", named("llama.models.svc.cluster.local.")),
    ("an internal external address", service(ENFORCED, externalIPs=["10.20.1.1", "2001:db8:1::1"])),
    ("an endpoint inside", endpoint_slice(ENFORCED, "192.0.2.1", "10.20.1.1")),
    ("Endpoints inside", endpoints(ENFORCED, "192.0.2.1")),
    ("Endpoints of nobody", {**endpoints(ENFORCED), "subsets": []}),
]  # fmt: skip


@pytest.mark.parametrize(("manifest", "rule", "want"), cases(REFUSED))
def test_refused_where_it_is_enforced_and_warned_of_in_an_audit(
    developer: Asker, manifest: Manifest, rule: str, want: str
) -> None:
    assert_refused(developer, manifest, rule, want)


@pytest.mark.parametrize("manifest", cases(ALLOWED))
def test_let_through_without_a_word(developer: Asker, manifest: Manifest) -> None:
    assert_let_through(developer, manifest)


def test_the_controllers_of_the_cluster_write_any_address(asker: Callable[[str], Asker]) -> None:
    """They write the addresses of pods, which nobody declares."""
    controller = asker(ENDPOINT_SLICES)

    assert controller.create(endpoint_slice(ENFORCED, "10.244.3.7")).allowed
    assert asker(DEVELOPER).create(endpoint_slice(ENFORCED, "10.244.3.7")).refused


def test_a_service_that_was_there_before_can_still_be_labelled(developer: Asker, admin: Asker) -> None:
    """As can anything else: what does not change what is judged is not judged."""
    old = service(FREE, type="ExternalName", externalName="api.chat.example")
    admin.create(old, keep=True)

    assert developer.patch(old, {"metadata": {"labels": {"a": "b"}}}).allowed
