"""A cluster with governed pods and what they refer to, and a scanner that looks at it."""

import asyncio
import base64
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web

from bolwerk.core.policy.observed import Observed
from bolwerk.core.references.findings import Findings
from bolwerk.core.settings import Settings
from bolwerk.shell.client import Client
from bolwerk.shell.metrics import Metrics
from bolwerk.shell.references import Scanner
from core.references.cataloguing import catalogue

CANARY = "canary-9f2c"
LEAK = f"https://{CANARY}@api.acme.ai/{CANARY}"
FINE = "http://chat.team.svc:8000/v1"


class Cluster:
    """Pods, ConfigMaps and Secrets, and what may be read of them."""

    def __init__(self) -> None:
        self.pods: dict[str, list[dict[str, Any]]] = {}
        self.objects: dict[str, dict[str, Any]] = {}
        self.denied: set[str] = set()
        self.broken: dict[str, int] = {}
        self.asked: Counter[str] = Counter()
        self.expires_once = False

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        assert request.method == "GET", "a scan writes nothing"
        self.asked[request.path] += 1
        *_, namespace, plural = request.path.split("/")
        if plural == "pods" and namespace not in self.denied:
            return self._page(namespace, request)
        if (found := next((status for part, status in self.broken.items() if part in request.path), None)) is not None:
            return web.json_response({"message": "broken"}, status=found)
        if any(part in request.path for part in self.denied):
            return web.json_response({"message": "is forbidden", "reason": "Forbidden"}, status=403)
        if request.path in self.objects:
            return web.json_response(self.objects[request.path])
        return web.json_response({"message": "not found", "reason": "NotFound"}, status=404)

    def _page(self, namespace: str, request: web.Request) -> web.StreamResponse:
        start, limit = int(request.query.get("continue", 0)), int(request.query["limit"])
        if start and self.expires_once:
            self.expires_once = False
            return web.json_response({"message": "expired", "reason": "Expired"}, status=410)
        pods = self.pods.get(namespace, [])
        token = str(start + limit) if start + limit < len(pods) else ""
        return web.json_response({"items": pods[start : start + limit], "metadata": {"continue": token}})

    def config_map(self, name: str, *, namespace: str = "team", **data: str) -> str:
        path = f"/api/v1/namespaces/{namespace}/configmaps/{name}"
        self.objects[path] = {"kind": "ConfigMap", "metadata": {"name": name}, "data": data}
        return path

    def secret(self, name: str, *, namespace: str = "team", **data: str) -> str:
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        self.objects[path] = {"kind": "Secret", "metadata": {"name": name}, "data": encoded}
        return path

    def pod(
        self, name: str, *, namespace: str = "team", config: Iterable[str] = (), secrets: Iterable[str] = ()
    ) -> None:
        sources = [{"configMapRef": {"name": each}} for each in config] + [{"secretRef": {"name": e}} for e in secrets]
        spec = {"containers": [{"name": "app", "envFrom": sources}]}
        self.pods.setdefault(namespace, []).append({"metadata": {"name": name, "namespace": namespace}, "spec": spec})


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name, **labels}}}


def policy(name: str = "state", *, generation: int = 1, **spec: Any) -> dict[str, Any]:
    base = {"namespaceSelector": {}, "mode": "Audit", "internal": {"networks": ["10.20.0.0/16"]}}
    metadata = {"name": name, "uid": f"u-{name}", "generation": generation}
    return {"metadata": metadata, "spec": {**base, "catalogue": {"allow": ["fine"]}, **spec}}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.001)


class Told:
    """What the scanner sees and what it tells."""

    def __init__(self) -> None:
        self.observed = [Observed(policy(), namespaces=(namespace("team"), namespace("kube-system")))]
        self.findings: dict[str, Findings] = {}
        self.number = 0

    def publish(self, name: str, found: Findings) -> None:
        self.findings[name] = found
        self.number += 1

    async def times(self, number: int) -> None:
        await until(lambda: self.number >= number)


def make(client: Client, told: Told, metrics: Metrics, **settings: Any) -> Scanner:
    return Scanner(
        client=client,
        settings=Settings(**{"catalogue": catalogue(), "references_secrets": True, **settings}),
        observe=lambda: told.observed,
        publish=told.publish,
        metrics=metrics,
        jitter=lambda: 0.0,
    )
