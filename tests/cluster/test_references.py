"""Leaks by reference on a real API server: found by name, with the rights of the chart, and never a value told."""

from __future__ import annotations

import base64
import http.client
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

import needing
from harness import operator, process
from harness.controlplane import ControlPlane
from harness.operator import NAMESPACE, RELEASE, Operator

pytestmark = pytest.mark.cluster

CANARY = "canary-7c41e9d2"
LEAK = f"https://{CANARY}:{CANARY}@api.openai.com/v1/{CANARY}"
FINE = f"http://chat.team.svc:8000/v1?key={CANARY}"
POLICY = {
    "apiVersion": "bolwerk.dev/v1alpha1",
    "kind": "SovereigntyPolicy",
    "metadata": {"name": "state"},
    "spec": {
        "namespaceSelector": {"matchLabels": {"governed": "yes"}},
        "mode": "Audit",
        "internal": {"networks": ["10.20.0.0/16"], "forwardProxies": ["10.20.9.9/32"]},
        "enforcement": {"backend": "NetworkPolicy"},
    },
}
SECRETS: dict[str, dict[str, bytes]] = {
    "url": {"LLM_URL": LEAK.encode(), "FINE": FINE.encode()},
    "key": {"OPENAI_API_KEY": CANARY.encode()},
    "latin1": {"x": b"\xe9" + LEAK.encode()},
    "binary": {"x": b"\x00\xff" + LEAK.encode()},
    "not-base64-inside": {"x": f"{CANARY}===%%%".encode()},
    "huge": {"x": (LEAK + " ").encode() * 9000},
    "unreferenced": {"x": LEAK.encode()},
}
CONFIG_MAPS = {
    "settings": {"app.yaml": f"llm:\n  key: {CANARY}\n  base: '{LEAK}'\n", "model": "llama"},
    "proxy": {"HTTPS_PROXY": f"http://{CANARY}@10.20.9.9:3128"},
}


@pytest.fixture(scope="module")
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane with the chart that lets Secrets be read, and a governed and a free namespace full of leaks."""
    needing.programs(request, "etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "helm")
    with ControlPlane(tmp_path_factory.mktemp("references"), controllers=True) as running:
        operator.install(running, "references.secrets=true")
        for name, labels in (("team", {"governed": "yes"}), ("free", {})):
            create(running, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
            for secret, data in SECRETS.items():
                create(running, keep("Secret", name, secret, data={k: b64(v) for k, v in data.items()}))
            for config_map, texts in CONFIG_MAPS.items():
                create(running, keep("ConfigMap", name, config_map, data=texts))
            process.wait_for(
                lambda name=name: running.kubectl("get", "serviceaccount", "default", "-n", name, "--ignore-not-found"),  # type: ignore[misc]
                what=f"pods to be allowed in {name}",
                seconds=30,
            )
            create(running, pod(name))
        create(running, POLICY)
        yield running


@pytest.fixture(scope="module")
def running(plane: ControlPlane) -> Iterator[Operator]:
    with Operator(plane, arguments=["--log-level=debug"]) as started:
        yield started


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def keep(kind: str, namespace: str, name: str, **content: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"namespace": namespace, "name": name}, **content}


def pod(namespace: str) -> dict[str, Any]:
    volumes = [
        {"name": name, "secret": {"secretName": name}} for name in ("latin1", "binary", "not-base64-inside", "huge")
    ]
    mounted = {"name": "app", "configMap": {"name": "settings", "items": [{"key": "app.yaml", "path": "app.yaml"}]}}
    container = {
        "name": "app",
        "image": "registry.example/app:1",
        "env": [{"name": "URL", "valueFrom": {"secretKeyRef": {"name": "url", "key": "LLM_URL"}}}],
        "envFrom": [
            {"secretRef": {"name": "key"}},
            {"configMapRef": {"name": "proxy"}},
            {"configMapRef": {"name": "absent", "optional": True}},
        ],
    }
    return keep("Pod", namespace, "chat", spec={"containers": [container], "volumes": [*volumes, mounted]})


def create(plane: ControlPlane, manifest: dict[str, Any]) -> None:
    plane.kubectl("create", "--filename=-", stdin=json.dumps(manifest))


def status(plane: ControlPlane) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(plane.kubectl("get", "sovereigntypolicy", "state", "-o", "json"))
    return found.get("status", {})  # type: ignore[no-any-return]


def leaks(plane: ControlPlane) -> list[str]:
    return [each["message"] for each in status(plane).get("findings", ()) if each["type"] == "Leak"]


def metrics(running: Operator) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", running.metrics_port, timeout=5)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def scanned(running: Operator) -> bool:
    found = re.search(r"^bolwerk_references_scanned_timestamp_seconds (\S+)", metrics(running), re.MULTILINE)
    return found is not None and float(found[1]) > 0


@pytest.fixture(scope="module")
def told(plane: ControlPlane, running: Operator) -> list[str]:
    """The leaks in the status, once the first scan is told of."""
    process.wait_for(lambda: leaks(plane), what="leaks to be found", seconds=60, children=[])
    running.check()
    return leaks(plane)


def test_leaks_are_told_by_object_key_and_workload(told: list[str]) -> None:
    pointed = [message.split(" ")[0:7] for message in told]
    assert [" ".join(words) for words in pointed] == [
        "ConfigMap team/proxy, key HTTPS_PROXY, used by Pod/chat:",
        "ConfigMap team/settings, key app.yaml, used by Pod/chat:",
        "Secret team/huge, key x, used by Pod/chat:",
        "Secret team/key, key OPENAI_API_KEY, used by Pod/chat:",
        "Secret team/url, key LLM_URL, used by Pod/chat:",
    ]
    assert "leads to a declared forward proxy" in told[0]
    assert "is a key of the group openai without a base URL" in told[3]
    assert all("names an endpoint of the group openai, which is refused" in told[number] for number in (1, 2, 4))


@pytest.mark.usefixtures("told")
def test_only_what_governed_pods_name_is_read_and_nothing_is_listed(plane: ControlPlane, running: Operator) -> None:
    read = {
        (event["objectRef"]["namespace"], event["objectRef"]["resource"], event["objectRef"].get("name"), event["verb"])
        for event in plane.audit.events()
        if event["user"]["username"] == running.user
        and event["objectRef"]["resource"] in ("secrets", "configmaps")
        and event["objectRef"].get("namespace") != NAMESPACE
    }

    assert {verb for *_, verb in read} == {"get"}
    assert {namespace for namespace, *_ in read} == {"team"}
    assert {name for _, resource, name, _ in read if resource == "secrets"} == SECRETS.keys() - {"unreferenced"}
    assert {name for _, resource, name, _ in read if resource == "configmaps"} == {*CONFIG_MAPS, "absent"}


@pytest.mark.usefixtures("told")
def test_a_restart_finds_the_same_and_writes_nothing(plane: ControlPlane, running: Operator) -> None:
    running.stop()
    before, mark = status(plane), plane.audit.mark()

    running.start()

    process.wait_for(lambda: scanned(running), what="the first scan", seconds=60)
    process.wait_for(lambda: "bolwerk_queue_depth 0.0" in metrics(running), what="an empty queue", seconds=60)
    written = plane.audit.writes(mark, user=running.user)
    del written["update", "leases"]
    assert not written
    assert status(plane) == before


@pytest.mark.usefixtures("told")
def test_no_value_is_told_anywhere_even_when_the_api_server_goes(plane: ControlPlane, running: Operator) -> None:
    counted = metrics(running)
    before = status(plane)
    told_so_far = len(log(running))
    plane.stop_apiserver()
    # Away until it is noticed: by a renewal that fails, or by a watch, which ends the operator.
    process.wait_for(
        lambda: any(level in log(running)[told_so_far:] for level in ("level=warning", "level=error")),
        what="the operator to notice",
        seconds=60,
    )
    plane.start_apiserver()

    said = {
        "the log": log(running),
        "the metrics": counted + metrics_if_any(running),
        "the status": json.dumps([before, status(plane)]),
        "the events": plane.kubectl("get", "events", "--all-namespaces", "-o", "json"),
        "what it owns": plane.kubectl(
            "get", "networkpolicies,configmaps,leases", "-A", "-l", "app.kubernetes.io/managed-by", "-o", "json"
        ),
        "the audit log": plane.audit.path.read_text(encoding="utf-8"),
    }

    # As text, and as base64 has it, wherever in a value it begins.
    marks = {CANARY, *(b64(b"-" * shift + CANARY.encode())[4:-4] for shift in range(3))}
    assert any(mark in b64(LEAK.encode()) for mark in marks)
    assert "level=debug" in said["the log"]
    assert 'bolwerk_leaks{decision="Refuse",leak="Endpoint",policy="state"} 3.0' in counted
    for where, text in said.items():
        assert not any(mark in text for mark in marks), where


def log(running: Operator) -> str:
    return running.log.read_text(encoding="utf-8")


def metrics_if_any(running: Operator) -> str:
    try:
        return metrics(running)
    except OSError:  # it may have ended while the API server was away: then there is nothing to read
        return ""


def test_without_the_right_or_the_switch_it_says_what_is_not_looked_at(plane: ControlPlane, running: Operator) -> None:
    # The gates of LocalModels, of which there are none here, need the right to get ConfigMaps too.
    plane.kubectl("delete", "clusterrolebinding", f"{RELEASE}-references", f"{RELEASE}-gates")
    running.kill()
    running.start()

    def left_out() -> str:
        return " ".join(status(plane).get("references", {}).get("notLookedAt", ()))

    process.wait_for(
        lambda: "Secrets in team are not looked at: the operator lacks the right to get secrets" in left_out(),
        what="the missing right to be told",
        seconds=90,
    )
    assert "ConfigMaps in team are not looked at" in left_out()
    assert leaks(plane) == []
