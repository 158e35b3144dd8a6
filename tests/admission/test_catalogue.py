"""Admission with the shipped catalogue, and with as much as a policy may have: right about every name, and cheap.

The API server refuses what costs too much to judge, 1,000,000 units for one expression, so that an ordinary pod must
never come near that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

import needing
from admission.asking import Asker, Manifest
from admission.conftest import DEVELOPER, add_namespace, install, started, wait_until_in_force
from admission.objects import container, endpoint_slice, from_secret, pod, variable
from admission.policies import left_out_of, rendered, sovereignty_policy
from admission.test_excepted import hole
from bolwerk.api.sovereigntypolicy import Catalogue as Choice
from bolwerk.core import admission as core
from bolwerk.core.catalogue import decisions, parse
from bolwerk.core.exceptions.holes import LARGEST_HOLES
from bolwerk.core.invalid import InvalidSpecError
from bolwerk.data import catalogue_text

pytestmark = pytest.mark.cluster

SHIPPED, CROWDED, OPENED = "shipped", "crowded", "opened"
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
EXCEPTED = [MOST_OF_OWN["entries"][number % 32]["hosts"][number // 32] for number in range(LARGEST_HOLES)]
HOLES = tuple(
    replace(
        hole(1, {"domain": name}, namespace=OPENED, podSelector={"matchLabels": {"app": f"a{number}"}}),
        uid=f"{number:08x}-0000-4000-8000-000000000000",
    )
    for number, name in enumerate(EXCEPTED)
)
"""As many as may be open."""


@pytest.fixture(scope="module")
def ask(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    """Somebody in front of an API server with these policies; without controllers, which would read them too."""
    needing.programs(request, "etcd", "kube-apiserver", "kubectl")
    crowded = sovereignty_policy(
        CROWDED,
        "Enforce",
        catalogue=MOST_OF_OWN,
        internal={"networks": MOST_NETWORKS, "forwardProxies": ALL_PROXIES, "privateEndpoints": ALL_PROXIES},
    )
    shipped = sovereignty_policy(SHIPPED, "Enforce", catalogue={})
    opened = sovereignty_policy(OPENED, "Enforce", catalogue=MOST_OF_OWN)
    with started(tmp_path_factory.mktemp("cost"), controllers=False) as plane, Asker(plane, DEVELOPER) as asker:
        for policy, holes in ((shipped, ()), (crowded, ()), (opened, HOLES)):
            name = policy["metadata"]["name"]
            add_namespace(plane, name, governed_by=name)
            install(plane, policy, of=parse(catalogue_text()), holes=holes)
            wait_until_in_force(asker, name)
        yield asker


def many(namespace: str, *, count: int = 300, length: int = 70) -> Manifest:
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
        pytest.param(2, 30_000, id="two of 30 kB"),
    ],
)
def test_an_ordinary_pod_is_never_refused_for_cost(ask: Asker, namespace: str, count: int, length: int) -> None:
    answer = ask.create(many(namespace, count=count, length=length))

    assert answer.allowed, answer
    assert not answer.warnings


TOO_MUCH = [
    pytest.param(many(SHIPPED, count=12_000), id="too many variables"),
    pytest.param(many(SHIPPED, count=2, length=100_000), id="too long variables"),
    pytest.param(pod(SHIPPED, containers=[container(variable("X", "a.b " * 300_000))]), id="very many words"),
]


@pytest.mark.parametrize("manifest", TOO_MUCH)
def test_more_than_can_be_judged_is_refused_with_a_sentence(ask: Asker, manifest: Manifest) -> None:
    """Else whoever writes enough would pass every rule, or keep the API server busy."""
    answer = ask.create(manifest)

    assert answer.refused
    assert "too many to judge; put them into a ConfigMap" in answer.message


def test_the_worst_that_is_judged_stays_under_the_limit(ask: Asker) -> None:
    answer = ask.create(pod(SHIPPED, containers=[container(variable("X", "a.b " * 32_000))]))

    assert answer.allowed, answer


def test_a_policy_with_all_the_names_it_may_have_refuses_each(ask: Asker) -> None:
    for host in ("a.n31-63.example", "h31-63.example"):
        assert ask.create(pod(CROWDED, containers=[container(variable("X", host))])).allowed
    for host in (MOST_OF_OWN["entries"][31]["suffixes"][63], MOST_OF_OWN["entries"][0]["hosts"][0]):
        assert ask.create(pod(CROWDED, containers=[container(variable("X", f"https://{host}/"))])).refused


def test_a_thousand_open_exceptions_are_let_through_each_its_own(ask: Asker) -> None:
    """Beside as many names as a policy may have."""

    def named(number: int, app: int) -> Manifest:
        env = variable("X", f"https://{EXCEPTED[number]}")
        return pod(OPENED, labels={"app": f"a{app}"}, containers=[container(env)])

    assert left_out_of(sovereignty_policy(OPENED, "Enforce", catalogue=MOST_OF_OWN), HOLES) == ()
    for number in (0, 500, LARGEST_HOLES - 1):
        assert ask.create(named(number, number)).allowed
        assert ask.create(named(number, number - 1)).refused
    assert ask.create(many(OPENED)).allowed


def test_a_slice_of_as_many_endpoints_as_kubernetes_makes_is_judged(ask: Asker) -> None:
    """Controllers put 100 endpoints into one slice; the API server takes 1000."""
    addresses = [f"10.1.31.{number}" for number in range(100)]

    assert ask.create(endpoint_slice(CROWDED, *addresses)).allowed
    assert ask.create(endpoint_slice(CROWDED, *addresses, "198.51.100.7")).refused


def test_the_shipped_catalogue_decides_in_the_cluster_as_it_does_here(ask: Asker) -> None:
    """Every example of every group, and names that only look like one."""
    decided = decisions(parse(catalogue_text()), Choice())
    listed = [group.examples for group in decided.catalogue.groups.values() if group.examples]
    examples = [name for each in listed for name in (*each.refused, *each.not_refused)]
    hosts = sorted({*examples, *(f"not{name}" for name in examples), *(f"{name}.example.org" for name in examples)})
    by_decision: dict[str, list[str]] = {"Refuse": [], "Alert": [], "": []}
    for host in hosts:
        ruling = decided.find(host)
        by_decision[ruling.decision if ruling else ""].append(host)

    assert all(by_decision.values())
    for host in by_decision["Refuse"]:
        answer = ask.create(pod(SHIPPED, containers=[container(variable("X", f"https://{host}/v1"))]))
        assert answer.refused, host
        assert f"X names {host}," in answer.message
    for host in by_decision["Alert"]:
        answer = ask.create(pod(SHIPPED, containers=[container(variable("X", f"https://{host}/v1"))]))
        assert answer.allowed, answer
        assert [warning for warning in answer.warnings if f"X names {host}," in warning], host
    others = [variable(f"X{number}", f"https://{host}/v1") for number, host in enumerate(by_decision[""])]
    answer = ask.create(pod(SHIPPED, containers=[container(*others)]))
    assert answer.allowed, answer
    assert not answer.warnings


def test_more_names_than_an_object_can_hold_are_refused_before_they_are_applied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No policy alone comes to the true limit; an overlay can."""
    monkeypatch.setattr(core, "LARGEST", 50_000)

    with pytest.raises(InvalidSpecError, match="the catalogue has too many names for admission"):
        rendered(sovereignty_policy("p", "Enforce", catalogue=MOST_OF_OWN))
