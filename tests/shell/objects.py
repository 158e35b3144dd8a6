"""Objects as the API server hands them out, for the tests of the shell."""

from collections.abc import Mapping
from typing import Any

from bolwerk.core.kinds import LOCAL_MODEL, PERSISTENT_VOLUME_CLAIM, POD, SOVEREIGNTY_POLICY, Kind
from bolwerk.core.plan import Manifest


def make(
    kind: Kind,
    name: str,
    *,
    namespace: str = "team",
    uid: str = "",
    version: int = 1,
    owner: str = "",
    owned_by: Kind = LOCAL_MODEL,
    **fields: Any,
) -> Manifest:
    """Make an object; with an empty namespace it has none, as the API server has it of a cluster-scoped kind."""
    controller = {"apiVersion": owned_by.api_version, "kind": owned_by.name, "name": name, "uid": owner}
    owners = [{**controller, "controller": True}] if owner else []
    return {
        "apiVersion": kind.api_version,
        "kind": kind.name,
        "metadata": {
            **({"namespace": namespace} if namespace else {}),
            "name": name,
            "uid": uid or f"{kind.plural}-{namespace}-{name}",
            "resourceVersion": str(version),
            "ownerReferences": owners,
            "managedFields": [{"manager": "somebody"}],
            "labels": fields.pop("labels", {}),
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{…}", "kept": "yes"},
        },
        **fields,
    }


def make_model(name: str, *, claim: str = "", conditions: Mapping[str, str] | None = None, **fields: Any) -> Manifest:
    source = {"persistentVolumeClaim": {"claimName": claim}} if claim else {"image": {"reference": "r"}}
    status = {"conditions": [{"type": key, "status": value} for key, value in (conditions or {}).items()]}
    return make(LOCAL_MODEL, name, spec={"model": {"source": source}}, status=status, **fields)


def make_pod(name: str, *, model: str, **fields: Any) -> Manifest:
    spec = {"nodeName": "n1", "containers": [{"name": "engine", "env": [{"name": "LARGE", "value": "x" * 1000}]}]}
    return make(POD, name, labels={"bolwerk.dev/model": model}, spec=spec, **fields)


def make_claim(name: str, **fields: Any) -> Manifest:
    return make(PERSISTENT_VOLUME_CLAIM, name, spec={"accessModes": ["ReadOnlyMany"], "selector": {}}, **fields)


def make_policy(
    name: str, *, generation: int = 1, conditions: Mapping[str, str] | None = None, **fields: Any
) -> Manifest:
    status = {"conditions": [{"type": key, "status": value} for key, value in (conditions or {}).items()]}
    policy = make(SOVEREIGNTY_POLICY, name, namespace="", spec={"mode": "Audit"}, status=status, **fields)
    policy["metadata"]["generation"] = generation
    return policy
