"""A small synchronous client for the tests: sends what the operator would send, and whatever else somebody might."""

from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from bolwerk.core.kinds import POD, Kind, Ref
from bolwerk.shell import request as requests
from harness.controlplane import ControlPlane

Manifest = dict[str, Any]


class RefusedError(Exception):
    """The API server said no; the message is its own."""


class Connected:
    """Somebody in front of the API server, over one connection; `seconds` is how long an answer may take."""

    def __init__(self, plane: ControlPlane, kubeconfig: Path, *, seconds: int) -> None:
        user = json.loads(kubeconfig.read_text(encoding="utf-8"))["users"][0]["user"]
        context = ssl.create_default_context(cafile=str(plane.certificate))
        self._connection = http.client.HTTPSConnection(plane.address, plane.port, context=context, timeout=seconds)
        self._headers = {"Authorization": f"Bearer {user['token']}"}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()


class Api(Connected):
    """The API server, as the cluster's admin."""

    def __init__(self, plane: ControlPlane) -> None:
        super().__init__(plane, plane.kubeconfig, seconds=30)

    def apply(
        self, kind: Kind, manifest: Manifest, *, subresource: str | None = None, dry_run: bool = False
    ) -> Manifest:
        """Apply an object as the operator does, but refuse every field that the API server does not know."""
        request = requests.apply(kind, manifest, subresource=subresource)
        extra = {"fieldValidation": "Strict", **({"dryRun": "All"} if dry_run else {})}
        return self._send(request.method, request.path, {**request.params, **extra}, request.headers, request.body)

    def overwrite(self, kind: Kind, manifest: Manifest) -> Manifest:
        """Replace an object as `kubectl edit` does, with a field manager of its own."""
        path = requests.get(_ref(kind, manifest)).path
        return self._send("PUT", path, {"fieldManager": "kubectl-edit"}, JSON, json.dumps(manifest).encode())

    def would_create_pod(self, namespace: str, template: Manifest) -> Manifest:
        """Create a pod from a template, as the controllers would, without keeping it."""
        metadata = {**template["metadata"], "generateName": "pod-"}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        path = f"{POD.root}/namespaces/{namespace}/{POD.plural}"
        params = {"dryRun": "All", "fieldValidation": "Strict"}
        return self._send("POST", path, params, JSON, json.dumps(pod).encode())

    def _send(self, method: str, path: str, params: Any, headers: Any, body: bytes | None) -> Manifest:
        self._connection.request(method, f"{path}?{urlencode(params)}", body, {**self._headers, **headers})
        answer = self._connection.getresponse()
        content: Manifest = json.loads(answer.read())
        if answer.status >= http.client.BAD_REQUEST:
            raise RefusedError(content["message"])
        return content


JSON = {"Content-Type": "application/json"}


def _ref(kind: Kind, manifest: Manifest) -> Ref:
    metadata = manifest["metadata"]
    return Ref(kind, metadata["namespace"], metadata["name"])
