"""As much of an API server as the shell's own decisions need; what the real one does is tested against the real one."""

import itertools
import json
from collections import Counter
from typing import Any

from aiohttp import web

from bolwerk.core.kinds import Kind, Ref
from bolwerk.core.plan import Manifest
from bolwerk.shell import request as requests


class MemoryApi:
    """Keeps what is applied, lists it, and refuses what it is told to refuse.

    Attributes
    ----------
    objects
        By path of the object.
    refusals
        By the last part but one of the path (the plural): the status and the message to answer a write with.
    served
        The kinds that discovery tells of.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Manifest] = {}
        self.refusals: dict[str, tuple[int, str]] = {}
        self.writes: Counter[tuple[str, str]] = Counter()
        self.overrule: dict[str, Any] = {}
        self.served: set[Kind] = set()
        self._versions = itertools.count(100)

    def keep(self, kind: Kind, *manifests: Manifest) -> None:
        """Have objects, as if somebody else had made them."""
        for manifest in manifests:
            metadata = manifest["metadata"]
            self.objects[requests.get(Ref(kind, metadata.get("namespace", ""), metadata["name"])).path] = manifest

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removesuffix("/status")
        if request.method == "GET":
            return self._read(path)
        body = await request.json()
        if request.method == "PATCH":
            return self._apply(path, body, status=request.path != path)
        if request.method == "DELETE":
            return self._delete(path, body["preconditions"]["uid"])
        if request.method == "PUT":
            return self._update(path, body)
        return self._create(path, body)

    def _create(self, path: str, body: Manifest) -> web.StreamResponse:
        plural = path.rsplit("/", maxsplit=1)[-1]
        self.writes["create", plural] += 1
        if plural in self.refusals:
            return _failure(*self.refusals[plural])
        where = f"{path}/{body['metadata']['name']}"
        if where in self.objects:
            return _failure(409, "already exists")
        self.objects[where] = self._versioned(body)
        return web.json_response(self.objects[where], status=201)

    def _update(self, path: str, body: Manifest) -> web.StreamResponse:
        plural = path.split("/")[-2]
        self.writes["update", plural] += 1
        if plural in self.refusals:
            return _failure(*self.refusals[plural])
        live = self.objects.get(path)
        if live is None or live["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            return _failure(409 if live else 404, "another version")
        self.objects[path] = self._versioned(body)
        return web.json_response(self.objects[path])

    def _versioned(self, body: Manifest) -> Manifest:
        return {**body, "metadata": {**body["metadata"], "resourceVersion": str(next(self._versions))}}

    def _delete(self, path: str, uid: str) -> web.StreamResponse:
        self.writes["delete", path.split("/")[-2]] += 1
        live = self.objects.get(path)
        if live is None or live["metadata"]["uid"] != uid:
            return _failure(409 if live else 404, "not the one that was meant")
        del self.objects[path]
        return web.json_response({"kind": "Status", "status": "Success"})

    def _read(self, path: str) -> web.StreamResponse:
        if path in self.objects:
            return web.json_response(self.objects[path])
        _, where, *parts = path.split("/")
        match parts[1:] if where == "api" else parts[2:]:
            case []:
                return self._discover(path)
            case [plural]:
                items = [found for where, found in self.objects.items() if where.split("/")[-2] == plural]
                return web.json_response({"items": items, "metadata": {"resourceVersion": str(next(self._versions))}})
            case _:
                return _failure(404, "not found")

    def _discover(self, root: str) -> web.StreamResponse:
        resources = [{"name": kind.plural} for kind in self.served if kind.root == root]
        return web.json_response({"resources": resources}) if resources else _failure(404, "not found")

    def _apply(self, path: str, body: Manifest, *, status: bool) -> web.StreamResponse:
        plural = path.split("/")[-2]
        self.writes["apply", f"{plural}/status" if status else plural] += 1
        if plural in self.refusals:
            return _failure(*self.refusals[plural])
        live = self.objects.get(path)
        uid = body["metadata"].get("uid")
        if uid and (live is None or live["metadata"]["uid"] != uid):
            return _failure(409, "uid mismatch")
        metadata = {"uid": f"uid-of-{path}", **(live or {}).get("metadata", {}), **body["metadata"]}
        metadata["resourceVersion"] = str(next(self._versions))
        self.objects[path] = {**(live or {}), **body, **self.overrule, "metadata": metadata}
        return web.json_response(self.objects[path])


def _failure(status: int, message: str) -> web.StreamResponse:
    return web.Response(
        status=status, body=json.dumps({"message": message, "reason": "Because"}), content_type="application/json"
    )
