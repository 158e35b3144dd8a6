"""The scan of what governed pods refer to: what it asks for, when, what it tells, and that it tells no value."""

import asyncio
import base64
import logging
from typing import Any

import pytest

from bolwerk.core.catalogue import Catalogue
from bolwerk.core.policy.observed import Observed
from bolwerk.core.references.findings import Findings
from bolwerk.shell import references as scanning
from bolwerk.shell.client import Client
from bolwerk.shell.errors import ApiError
from bolwerk.shell.metrics import Metrics
from bolwerk.shell.references import Scanner
from bolwerk.shell.referred import READERS

from .conftest import ScriptedServer
from .governed import CANARY, FINE, LEAK, Cluster, Told, make, namespace, policy, until


@pytest.fixture
def cluster(server: ScriptedServer) -> Cluster:
    made = Cluster()
    server.script = [made]
    return made


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def scanner(client: Client, told: Told, metrics: Metrics) -> Scanner:
    return make(client, told, metrics)


async def test_what_leads_outside_is_told_by_name(
    scanner: Scanner, cluster: Cluster, told: Told, metrics: Metrics
) -> None:
    cluster.config_map("config", URL=LEAK, OTHER=FINE)
    cluster.secret("keys", TOKEN=LEAK)
    cluster.pod("chat", config=["config"], secrets=["keys"])

    await scanner.scan()

    found = told.findings["state"]
    assert [(each.object, each.key, each.group, each.decision) for each in found.findings] == [
        ("ConfigMap team/config", "URL", "acme", "Refuse"),
        ("Secret team/keys", "TOKEN", "acme", "Refuse"),
    ]
    assert (found.looked_at, found.more, found.not_looked_at) == (2, 0, ())
    labels = {"policy": "state", "leak": "Endpoint", "decision": "Refuse"}
    assert metrics.registry.get_sample_value("bolwerk_leaks", labels) == 2
    assert metrics.registry.get_sample_value("bolwerk_references_scanned_timestamp_seconds") > 1e9  # type: ignore[operator]


async def test_an_object_is_read_once_however_many_pods_refer_to_it(scanner: Scanner, cluster: Cluster) -> None:
    path = cluster.config_map("config", URL=LEAK)
    for number in range(250):
        cluster.pod(f"chat-{number}", config=["config"])

    await scanner.scan()

    assert cluster.asked == {"/api/v1/namespaces/team/pods": 3, path: 1}


async def test_ungoverned_namespaces_are_not_looked_at(scanner: Scanner, cluster: Cluster, told: Told) -> None:
    told.observed = [
        Observed(
            policy(namespaceSelector={"matchLabels": {"governed": "yes"}}),
            namespaces=(namespace("team", governed="yes"), namespace("free"), namespace("kube-system", governed="yes")),
        )
    ]

    await scanner.scan()

    assert set(cluster.asked) == {"/api/v1/namespaces/team/pods"}


async def test_each_namespace_counts_for_the_policy_that_governs_it(
    scanner: Scanner, cluster: Cluster, told: Told
) -> None:
    first, second = policy("first", enforcement={"priority": 1}), policy("second")
    spaces = (namespace("team"), namespace("other"))
    only_team = {"matchLabels": {"kubernetes.io/metadata.name": "team"}}
    first["spec"]["namespaceSelector"] = only_team
    told.observed = [Observed(first, (second,), spaces), Observed(second, (first,), spaces)]
    for space in ("team", "other"):
        cluster.config_map("config", namespace=space, URL=LEAK)
        cluster.pod("chat", namespace=space, config=["config"])

    await scanner.scan()

    assert [each.object for each in told.findings["first"].findings] == ["ConfigMap team/config"]
    assert [each.object for each in told.findings["second"].findings] == ["ConfigMap other/config"]


async def test_secrets_are_not_asked_for_while_that_is_off_and_it_is_said(
    client: Client, cluster: Cluster, told: Told, metrics: Metrics
) -> None:
    cluster.secret("keys", TOKEN=LEAK)
    cluster.pod("chat", secrets=["keys"])

    await make(client, told, metrics, references_secrets=False).scan()

    assert not any("secrets" in path for path in cluster.asked)
    assert told.findings["state"].findings == ()
    [sentence] = told.findings["state"].not_looked_at
    assert "set references.secrets to true" in sentence


async def test_a_missing_right_is_said_once_and_not_asked_for_again(
    scanner: Scanner, cluster: Cluster, told: Told
) -> None:
    names = [f"keys-{number:02}" for number in range(40)]
    cluster.denied.add("/secrets/")
    cluster.config_map("config", URL=LEAK)
    cluster.pod("chat", config=["config"], secrets=names)

    await scanner.scan()

    assert sum(number for path, number in cluster.asked.items() if "/secrets/" in path) <= READERS
    [sentence] = told.findings["state"].not_looked_at
    assert sentence.startswith("Secrets in team are not looked at: the operator lacks the right to get secrets there.")
    assert len(told.findings["state"].findings) == 1, "the rest is looked at"


async def test_where_pods_may_not_be_listed_is_said_and_the_rest_is_looked_at(
    scanner: Scanner, cluster: Cluster, told: Told
) -> None:
    told.observed = [Observed(policy(), namespaces=(namespace("team"), namespace("walled")))]
    cluster.denied.add("walled")
    cluster.config_map("config", URL=LEAK)
    cluster.pod("chat", config=["config"])

    await scanner.scan()

    [sentence] = told.findings["state"].not_looked_at
    assert sentence.startswith("What pods in walled refer to is not looked at")
    assert len(told.findings["state"].findings) == 1


async def test_what_is_not_there_is_no_fault(scanner: Scanner, cluster: Cluster, told: Told) -> None:
    cluster.pod("chat", config=["absent"])

    await scanner.scan()

    assert told.findings["state"] == Findings()


async def test_pages_that_expire_are_read_from_the_beginning(scanner: Scanner, cluster: Cluster, told: Told) -> None:
    cluster.config_map("config", URL=LEAK)
    for number in range(150):
        cluster.pod(f"chat-{number}", config=["config"])
    cluster.expires_once = True

    await scanner.scan()

    assert len(told.findings["state"].findings) == 1


async def test_a_policy_that_means_nothing_keeps_what_was_found_before(
    scanner: Scanner, cluster: Cluster, told: Told
) -> None:
    told.observed = [Observed(policy(catalogue={"refuse": ["no-such-group"]}), namespaces=(namespace("team"),))]

    await scanner.scan()

    assert told.findings == {}
    assert not cluster.asked


async def test_a_scan_that_fails_halfway_tells_nothing_and_is_repeated(
    scanner: Scanner, cluster: Cluster, told: Told, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(scanning, "RETRY_SECONDS", 0.01)
    path = cluster.config_map("config", URL=LEAK)
    cluster.pod("chat", config=["config"])
    cluster.broken["configmaps"] = 500
    with pytest.RaisesGroup(ApiError):
        await scanner.scan()
    assert told.findings == {}

    running = asyncio.create_task(scanner.run())
    await until(lambda: "a scan of references failed" in caplog.text)
    cluster.broken.clear()
    await told.times(1)

    running.cancel()
    assert len(told.findings["state"].findings) == 1
    assert cluster.asked[path] > 1


@pytest.mark.parametrize(
    ("change", "again"),
    [
        pytest.param(lambda told: told.observed.append(Observed(policy("second"))), True, id="a new policy"),
        pytest.param(
            lambda told: told.observed.__setitem__(0, Observed(policy(generation=2))), True, id="a changed policy"
        ),
        pytest.param(
            lambda told: told.observed.__setitem__(
                0, Observed(policy(), namespaces=(namespace("team"), namespace("kube-system"), namespace("new")))
            ),
            True,
            id="a new namespace",
        ),
        pytest.param(
            lambda told: told.observed.__setitem__(
                0, Observed({**policy(), "status": {"x": 1}}, namespaces=told.observed[0].namespaces)
            ),
            False,
            id="a status, such as the scan itself brings about",
        ),
    ],
)
async def test_a_change_has_it_scan_soon(  # noqa: PLR0917 - fixtures
    scanner: Scanner, cluster: Cluster, told: Told, monkeypatch: pytest.MonkeyPatch, change: Any, again: bool
) -> None:
    monkeypatch.setattr(scanning, "SETTLE_SECONDS", 0.0)
    cluster.pod("chat")
    running = asyncio.create_task(scanner.run())
    await told.times(1)

    change(told)
    scanner.request()
    if again:
        await told.times(2)
    else:
        await until(lambda: not scanner._wake.is_set())
        assert told.number == 1

    running.cancel()


async def test_it_scans_every_ten_minutes(
    scanner: Scanner, cluster: Cluster, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "SCAN_SECONDS", 0.01)
    cluster.pod("chat")
    running = asyncio.create_task(scanner.run())

    await told.times(3)

    running.cancel()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"K": base64.b64encode(LEAK.encode()).decode()}, id="a Secret as it should be"),
        pytest.param({"K": LEAK}, id="not base64"),
        pytest.param({"K": base64.b64encode(LEAK.encode()).decode()[:-3]}, id="cut off"),
        pytest.param({"K": base64.b64encode(b"\xff\xfe" + LEAK.encode()).decode()}, id="not UTF-8"),
        pytest.param({"K": base64.b64encode(b"\0" + LEAK.encode()).decode()}, id="binary"),
        pytest.param({"K": base64.b64encode(LEAK.encode() * 40_000).decode()}, id="longer than any may be"),
        pytest.param({"K": {"nested": LEAK}}, id="not a string"),
        pytest.param({"K": LEAK + "\u00e9"}, id="not ASCII"),
    ],
)
async def test_no_value_is_told_to_anybody(  # noqa: PLR0917 - fixtures
    scanner: Scanner, cluster: Cluster, told: Told, metrics: Metrics, data: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    path = cluster.secret("keys")
    cluster.objects[path]["data"] = data
    cluster.pod("chat", secrets=["keys"])

    await scanner.scan()

    found = told.findings["state"]
    samples = [sample for metric in metrics.registry.collect() for sample in metric.samples]
    said = [repr(found), *(each.message for each in found.findings), *found.not_looked_at, caplog.text, repr(samples)]
    encoded = base64.b64encode(LEAK.encode()).decode()[:24]
    assert found.looked_at == 1
    assert not any(CANARY in each or encoded in each for each in said)


async def test_an_empty_catalogue_still_finds_declared_proxies(
    client: Client, cluster: Cluster, told: Told, metrics: Metrics
) -> None:
    declared = policy(internal={"networks": ["10.20.0.0/16"], "forwardProxies": ["10.20.9.9/32"]}, catalogue={})
    told.observed = [Observed(declared, namespaces=(namespace("team"),))]
    cluster.config_map("proxy", HTTPS_PROXY="http://10.20.9.9:3128", NO_PROXY="10.20.9.9,.svc")
    cluster.pod("chat", config=["proxy"])

    await make(client, told, metrics, catalogue=Catalogue.empty()).scan()

    [finding] = told.findings["state"].findings
    assert (finding.key, finding.leak) == ("HTTPS_PROXY", "WayOut")
