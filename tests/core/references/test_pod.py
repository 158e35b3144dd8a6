"""What a pod refers to."""

from typing import Any

import pytest

from bolwerk.core.kinds import CONFIG_MAP, SECRET, Ref
from bolwerk.core.references.pod import Environment, Source, references

CONFIG = Ref(CONFIG_MAP, "team", "config")
KEYS = Ref(SECRET, "team", "keys")


def pod(spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "team", "name": "chat-x7", **metadata}, "spec": spec}


def env(**value_from: Any) -> dict[str, Any]:
    return {"name": "VARIABLE", "valueFrom": value_from}


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        pytest.param({"containers": [{"name": "a"}]}, {}, id="nothing"),
        pytest.param({"containers": [{"env": [{"name": "A", "value": "literal"}]}]}, {}, id="a literal"),
        pytest.param(
            {"containers": [{"env": [env(configMapKeyRef={"name": "config", "key": "url"})]}]},
            {CONFIG: {"url"}},
            id="one key of a ConfigMap",
        ),
        pytest.param(
            {"containers": [{"env": [env(secretKeyRef={"name": "keys", "key": "url", "optional": True})]}]},
            {KEYS: {"url"}},
            id="one key of a Secret",
        ),
        pytest.param(
            {"containers": [{"env": [env(fieldRef={"fieldPath": "metadata.name"})]}]}, {}, id="a field of the pod"
        ),
        pytest.param(
            {"initContainers": [{"envFrom": [{"configMapRef": {"name": "config"}}]}]},
            {CONFIG: None},
            id="all keys, in an init container",
        ),
        pytest.param(
            {"ephemeralContainers": [{"envFrom": [{"prefix": "P_", "secretRef": {"name": "keys"}}]}]},
            {KEYS: None},
            id="all keys, in an ephemeral container",
        ),
        pytest.param({"volumes": [{"configMap": {"name": "config"}}]}, {CONFIG: None}, id="a ConfigMap as a volume"),
        pytest.param(
            {"volumes": [{"secret": {"secretName": "keys", "items": [{"key": "a", "path": "x"}]}}]},
            {KEYS: {"a"}},
            id="items of a Secret as a volume",
        ),
        pytest.param(
            {
                "volumes": [
                    {
                        "projected": {
                            "sources": [
                                {"serviceAccountToken": {"path": "token"}},
                                {"configMap": {"name": "config", "items": [{"key": "a", "path": "x"}]}},
                                {"secret": {"name": "keys"}},
                            ]
                        }
                    }
                ]
            },
            {CONFIG: {"a"}, KEYS: None},
            id="a projected volume",
        ),
        pytest.param(
            {
                "containers": [
                    {"env": [env(configMapKeyRef={"name": "config", "key": "a"})]},
                    {"env": [env(configMapKeyRef={"name": "config", "key": "b"})]},
                ]
            },
            {CONFIG: {"a", "b"}},
            id="keys of several containers together",
        ),
        pytest.param(
            {
                "containers": [{"env": [env(configMapKeyRef={"name": "config", "key": "a"})]}],
                "volumes": [{"configMap": {"name": "config"}}],
            },
            {CONFIG: None},
            id="all keys and one key are all keys",
        ),
        pytest.param(
            {"volumes": [{"projected": {"sources": [{"configMap": {"name": "kube-root-ca.crt"}}]}}]},
            {},
            id="the cluster's own certificate, which every pod has",
        ),
        pytest.param({"containers": [{"envFrom": [{"secretRef": {}}]}]}, {}, id="a name left empty"),
        pytest.param({"volumes": [{"emptyDir": {}}], "containers": None}, {}, id="other volumes"),
    ],
)
def test_references(spec: dict[str, Any], want: dict[Ref, set[str] | None]) -> None:
    assert references(pod(spec)).keys == want


def test_the_environment_of_each_container_that_takes_variables_from_objects() -> None:
    spec = {
        "containers": [
            {"name": "plain", "env": [{"name": "A", "value": "1"}]},
            {
                "name": "mixed",
                "env": [
                    {"name": "BASE", "value": "1"},
                    {"name": "EMPTY"},
                    env(secretKeyRef={"name": "keys", "key": "a"}),
                ],
                "envFrom": [{"prefix": "P_", "secretRef": {"name": "keys"}}, {"configMapRef": {"name": "config"}}],
            },
        ]
    }

    want = Environment(
        names=frozenset({"BASE", "EMPTY", "VARIABLE"}),
        blank=frozenset({"EMPTY"}),
        picked=frozenset({("VARIABLE", KEYS, "a")}),
        sources=(Source(KEYS, "P_"), Source(CONFIG, "")),
    )
    assert references(pod(spec)).environments == {want}


@pytest.mark.parametrize(
    ("owner", "labels", "want"),
    [
        pytest.param(None, {}, "Pod/chat-x7", id="nobody's"),
        pytest.param(("StatefulSet", "chat"), {}, "StatefulSet/chat", id="a StatefulSet's"),
        pytest.param(("ReplicaSet", "chat-7d9"), {"pod-template-hash": "7d9"}, "Deployment/chat", id="a Deployment's"),
        pytest.param(("ReplicaSet", "chat-7d9"), {}, "ReplicaSet/chat-7d9", id="a ReplicaSet's own"),
        pytest.param(("Job", "report-29384756"), {}, "CronJob/report", id="a CronJob's"),
        pytest.param(("Job", "report-1"), {}, "Job/report-1", id="a Job's"),
    ],
)
def test_the_workload_is_what_a_person_wrote(owner: tuple[str, str] | None, labels: dict[str, str], want: str) -> None:
    owners = [{"kind": "Other", "name": "not-the-controller"}]
    if owner:
        owners.append({"kind": owner[0], "name": owner[1], "controller": True})  # type: ignore[dict-item]

    assert references(pod({}, ownerReferences=owners, labels=labels)).used_by == want
