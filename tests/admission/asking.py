"""Asking a real API server, as one of several people, whether it would take an object; it keeps nothing."""

from __future__ import annotations

import http.client
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from cluster.api import Connected
from harness.controlplane import ControlPlane

Manifest = dict[str, Any]

PLURALS = {
    "Endpoints": "endpoints",
    "NetworkPolicy": "networkpolicies",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
}
WARNING = re.compile(r'299 - "((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Answer:
    """What somebody learns who sends an object."""

    status: int
    message: str
    warnings: tuple[str, ...] = field(default=())

    @property
    def allowed(self) -> bool:
        return self.status < http.client.BAD_REQUEST

    @property
    def refused(self) -> bool:
        """Whether admission refused it, and not something else that is wrong with it."""
        return self.status == http.client.FORBIDDEN and "ValidatingAdmissionPolicy" in self.message

    def __str__(self) -> str:
        return f"{self.status} {self.message} {list(self.warnings)}"


class Asker(Connected):
    """One person (or controller) in front of the API server."""

    def __init__(self, plane: ControlPlane, user: str) -> None:
        super().__init__(plane, plane.kubeconfig_of(user), seconds=60)

    def create(self, manifest: Manifest, *, keep: bool = False) -> Answer:
        return self._ask("POST", collection(manifest), manifest, keep=keep)

    def patch(self, manifest: Manifest, change: Manifest, *, subresource: str = "", keep: bool = False) -> Answer:
        return self._ask("PATCH", path(manifest) + subresource, change, keep=keep)

    def put(self, manifest: Manifest, subresource: str) -> Answer:
        return self._ask("PUT", path(manifest) + subresource, manifest, keep=False)

    def post(self, manifest: Manifest, subresource: str, body: Manifest) -> Answer:
        return self._ask("POST", path(manifest) + subresource, body, keep=False)

    def delete(self, manifest: Manifest, *, keep: bool = False) -> Answer:
        return self._ask("DELETE", path(manifest), None, keep=keep)

    def get(self, manifest: Manifest) -> Manifest:
        self._connection.request("GET", path(manifest), headers=self._headers)
        answer = self._connection.getresponse()
        content: Manifest = json.loads(answer.read())
        assert answer.status == http.client.OK, content
        return content

    def _ask(self, method: str, where: str, body: Manifest | None, *, keep: bool) -> Answer:
        content = "application/merge-patch+json" if method == "PATCH" else "application/json"
        params = urlencode({"fieldValidation": "Strict"} | ({} if keep else {"dryRun": "All"}))
        sent = json.dumps(body).encode() if body is not None else None
        try:
            answer = self._exchange(method, f"{where}?{params}", sent, {**self._headers, "Content-Type": content})
            told = json.loads(answer.read())
        except (OSError, http.client.HTTPException):
            self._connection.close()  # else whoever asks next gets the rest of this
            raise
        warnings = tuple(
            text.replace('\\"', '"')
            for header in answer.headers.get_all("Warning") or ()
            for text in WARNING.findall(header)
            if "ValidatingAdmissionPolicy" in text
        )
        return Answer(
            answer.status, told.get("message", "") if answer.status >= http.client.BAD_REQUEST else "", warnings
        )

    def _exchange(
        self, method: str, where: str, sent: bytes | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        try:
            self._connection.request(method, where, sent, headers)
        except OSError:  # nothing was sent: the server has closed what was kept open between two tests
            self._connection.close()
            self._connection.request(method, where, sent, headers)
        return self._connection.getresponse()


def collection(manifest: Manifest) -> str:
    version, namespace = manifest["apiVersion"], manifest["metadata"].get("namespace")
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    plural = PLURALS.get(manifest["kind"], f"{manifest['kind'].lower()}s")
    return f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"


def path(manifest: Manifest) -> str:
    return f"{collection(manifest)}/{manifest['metadata']['name']}"
