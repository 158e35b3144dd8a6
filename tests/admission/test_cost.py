"""The API server refuses what costs too much to judge, so that an ordinary pod must never come near that.

Its limit is 1,000,000 units for one expression. With the shipped catalogue, and with as much as a policy may have.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from admission.asking import Asker, Manifest
from admission.conftest import DEVELOPER, add_namespace, install, wait_until_in_force
from admission.objects import container, endpoint_slice, from_secret, pod, variable
from admission.policies import sovereignty_policy
from bolwerk.core.catalogue import parse
from bolwerk.data import catalogue_text
from harness.controlplane import ControlPlane

pytestmark = pytest.mark.cluster

SHIPPED, CROWDED = "shipped", "crowded"
MOST_OF_OWN = {
    "entries": [
        {
            "name": f"own-{number}",
            "suffixes": [f"{'x' * 40}.{'y' * 40}.n{number}-{index}.example" for index in range(64)],
            "hosts": [f"{'z' * 60}.h{number}-{index}.example" for index in range(64)],
        }
        for number in range(32)
    ]
}
MOST_NETWORKS = [f"10.{second}.{third}.0/24" for second in range(2) for third in range(32)]
ALL_PROXIES = [f"10.0.{third}.128/25" for third in range(32)]


@pytest.fixture(scope="module")
def ask(plane: ControlPlane, asker: Callable[[str], Asker]) -> Asker:
    """Somebody in front of two more policies."""
    crowded = sovereignty_policy(
        CROWDED,
        "Enforce",
        catalogue=MOST_OF_OWN,
        internal={"networks": MOST_NETWORKS, "forwardProxies": ALL_PROXIES, "privateEndpoints": ALL_PROXIES},
    )
    shipped = sovereignty_policy(SHIPPED, "Enforce", catalogue={})
    for policy in (shipped, crowded):
        name = policy["metadata"]["name"]
        add_namespace(plane, name, governed_by=name)
        install(plane, policy, of=parse(catalogue_text()))
        wait_until_in_force(asker(DEVELOPER), name)
    return asker(DEVELOPER)


def many(namespace: str, *, count: int = 300, length: int = 50) -> Manifest:
    """Return a pod with many variables that look like what is judged: URLs, keys, endpoints and proxies."""
    ordinary = [
        variable(
            f"SETTING_{number}",
            f"http://service-{number}.some-namespace.svc.cluster.local:8080/path".ljust(length, "x"),
        )
        for number in range(count)
    ]
    judged = [
        variable("OPENAI_BASE_URL", "http://llama.models.svc:8000/v1"),
        from_secret("OPENAI_API_KEY"),
        variable("AI_URL", "http://10.96.0.12:8000"),
        variable("HTTPS_PROXY", "http://cache.tools.svc:3128"),
    ]
    return pod(namespace, containers=[container(*ordinary, *judged)])


@pytest.mark.parametrize("namespace", [SHIPPED, CROWDED])
@pytest.mark.parametrize(
    ("count", "length"),
    [
        pytest.param(300, 70, id="300 variables"),
        pytest.param(1000, 70, id="1000 variables"),
        pytest.param(4, 100_000, id="four of 100 kB"),
    ],
)
def test_an_ordinary_pod_is_never_refused_for_cost(ask: Asker, namespace: str, count: int, length: int) -> None:
    answer = ask.create(many(namespace, count=count, length=length))

    assert answer.allowed, answer
    assert not answer.warnings


@pytest.mark.parametrize("namespace", [SHIPPED, CROWDED])
def test_what_costs_too_much_is_refused_and_not_let_through(ask: Asker, namespace: str) -> None:
    """Else whoever adds enough variables would pass every rule."""
    bloated = many(namespace, count=12_000, length=70)
    answer = ask.create(bloated)

    assert answer.status >= 400
    assert "cost" in answer.message or "budget" in answer.message, answer


def test_a_policy_with_all_the_names_it_may_have_refuses_each(ask: Asker) -> None:
    for host in ("a.n31-63.example", "h31-63.example"):
        assert ask.create(pod(CROWDED, containers=[container(variable("X", host))])).allowed
    for host in (MOST_OF_OWN["entries"][31]["suffixes"][63], MOST_OF_OWN["entries"][0]["hosts"][0]):
        assert ask.create(pod(CROWDED, containers=[container(variable("X", f"https://{host}/"))])).refused


def test_a_slice_of_as_many_endpoints_as_kubernetes_makes_is_judged(ask: Asker) -> None:
    """Controllers put 100 endpoints into one slice; the API server takes 1000."""
    addresses = [f"10.1.31.{number}" for number in range(100)]

    assert ask.create(endpoint_slice(CROWDED, *addresses)).allowed
    assert ask.create(endpoint_slice(CROWDED, *addresses, "198.51.100.7")).refused
