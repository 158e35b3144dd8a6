"""Pure builders of requests to the API server: what to ask, without asking it.

Used by the client, which sends them. No network, no state.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bolwerk.core.kinds import CONFIG_MAP, EVENT, LEASE, Kind, Ref
from bolwerk.core.plan import Manifest

__all__ = ["FIELD_MANAGER", "Request"]

FIELD_MANAGER = "bolwerk"
PAGE_SIZE = 500
UNLIKE_YAML = re.compile("[\x7f-\uffff]")
_AS_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_AS_METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to be sent.

    Attributes
    ----------
    verb
        The API's verb, for the metric and for whether it writes.
    urgent
        Passes the write fence and the concurrency limit: only for the Lease, which keeps the fence open.
    """

    verb: str
    method: str
    path: str
    resource: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    urgent: bool = False

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return self.method != "GET"


def _path(kind: Kind, namespace: str, name: str | None = None, subresource: str | None = None) -> str:
    scope = f"/namespaces/{namespace}" if namespace else ""
    tail = "".join(f"/{part}" for part in (name, subresource) if part is not None)
    return f"{kind.root}{scope}/{kind.plural}{tail}"


def _json(body: Any) -> bytes:
    # An apply is read as YAML, which knows no pairs of surrogates and no control characters as they are: JSON's own
    # escapes for an emoji are refused there, so that what lies beyond 16 bits stays and what YAML dislikes is escaped.
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return UNLIKE_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def get(ref: Ref, *, metadata_only: bool = False) -> Request:
    """Read one object, or no more than its metadata."""
    headers = {"Accept": _AS_METADATA} if metadata_only else {}
    path = _path(ref.kind, ref.namespace, ref.name)
    return Request("get", "GET", path, ref.kind.plural, headers=headers)


def discover(kind: Kind) -> Request:
    """Read which kinds are served in the API group and version of this one."""
    return Request("discover", "GET", kind.root, "")


def list_page(
    kind: Kind,
    *,
    namespace: str = "",
    selector: str = "",
    fields: str = "",
    metadata_only: bool = False,
    token: str = "",
    limit: int = PAGE_SIZE,
) -> Request:
    """Read one page of all objects of a kind, in one namespace or in the cluster."""
    params = {"limit": str(limit), "labelSelector": selector, "fieldSelector": fields, "continue": token}
    return Request(
        "list",
        "GET",
        _path(kind, namespace),
        kind.plural,
        params={name: value for name, value in params.items() if value},
        headers={"Accept": _AS_METADATA_LIST} if metadata_only else {},
    )


def apply(kind: Kind, manifest: Manifest, *, subresource: str | None = None) -> Request:
    """Apply an object, or its status, on the server's side as the field manager `bolwerk`."""
    metadata = manifest["metadata"]
    return Request(
        "apply",
        "PATCH",
        _path(kind, metadata.get("namespace", ""), metadata["name"], subresource),
        f"{kind.plural}/{subresource}" if subresource else kind.plural,
        # force: a field that Bolwerk owns is Bolwerk's; drift is healed, not negotiated.
        params={"fieldManager": FIELD_MANAGER, "force": "true"},
        headers={"Content-Type": "application/apply-patch+yaml"},
        body=_json(manifest),
    )


def delete(ref: Ref, uid: str) -> Request:
    """Delete one object, if it still is the one with this uid."""
    options = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": uid},
        "propagationPolicy": "Background",
    }
    path = _path(ref.kind, ref.namespace, ref.name)
    return Request(
        "delete",
        "DELETE",
        path,
        ref.kind.plural,
        headers={"Content-Type": "application/json"},
        body=_json(options),
    )


def create_event(manifest: Manifest) -> Request:
    """Create an Event."""
    return _post(EVENT, manifest, urgent=False)


def get_lease(namespace: str, name: str) -> Request:
    """Read a Lease."""
    return Request("get", "GET", _path(LEASE, namespace, name), LEASE.plural, urgent=True)


def create_lease(manifest: Manifest) -> Request:
    """Create a Lease."""
    return _post(LEASE, manifest, urgent=True)


def update_lease(manifest: Manifest) -> Request:
    """Replace a Lease, if it still has the resourceVersion that the manifest carries."""
    return _put(LEASE, manifest, urgent=True)


def create_config_map(manifest: Manifest) -> Request:
    """Create a ConfigMap."""
    return _post(CONFIG_MAP, manifest, urgent=False)


def update_config_map(manifest: Manifest) -> Request:
    """Replace a ConfigMap, if it still has the resourceVersion that the manifest carries."""
    return _put(CONFIG_MAP, manifest, urgent=False)


def _put(kind: Kind, manifest: Manifest, *, urgent: bool) -> Request:
    metadata = manifest["metadata"]
    return Request(
        "update",
        "PUT",
        _path(kind, metadata["namespace"], metadata["name"]),
        kind.plural,
        params={"fieldManager": FIELD_MANAGER},
        headers={"Content-Type": "application/json"},
        body=_json(manifest),
        urgent=urgent,
    )


def _post(kind: Kind, manifest: Manifest, *, urgent: bool) -> Request:
    return Request(
        "create",
        "POST",
        _path(kind, manifest["metadata"]["namespace"]),
        kind.plural,
        params={"fieldManager": FIELD_MANAGER},
        headers={"Content-Type": "application/json"},
        body=_json(manifest),
        urgent=urgent,
    )
