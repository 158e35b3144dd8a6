"""The pods of a run in front of a real API server that holds its namespaces to the strictest pod security."""

from __future__ import annotations

import json

import pytest

from api.asking import Api
from core.proof.cluster import MODEL, started

pytestmark = pytest.mark.cluster


def test_pod_security_takes_them_and_what_it_adds_does_not_matter(api: Api) -> None:
    cluster = started(models=({**MODEL, "status": {"readyReplicas": 1}},))
    for name in sorted({each["metadata"]["namespace"] for each in cluster.pods()}):
        labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        api.plane.kubectl("apply", "--filename=-", stdin=json.dumps(space))
    for pod in cluster.pods():
        account = {"name": pod["spec"].get("serviceAccountName", "default"), "namespace": pod["metadata"]["namespace"]}
        made = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account}
        api.plane.kubectl("apply", "--filename=-", stdin=json.dumps(made))
    for pod in cluster.pods():
        metadata = pod["metadata"]
        asked = {**pod, "metadata": {key: metadata[key] for key in metadata.keys() - {"uid", "creationTimestamp"}}}
        assert api.refusal(asked) == ""
        stored = api.stored(asked)
        pod["spec"] = stored["spec"]
        pod["metadata"]["labels"] = stored["metadata"]["labels"]
        pod["metadata"]["ownerReferences"] = stored["metadata"]["ownerReferences"]

    assert cluster.measure()["verdict"] == "Proven"
