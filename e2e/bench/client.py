"""A bare async client of the test control plane: paths and bytes in, bytes out, no retries and no models.

It is the floor that the operator is measured against, and the hand that creates, edits and damages things. It never
goes through Bolwerk's own client: what is measured must not be its own yardstick.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import aiohttp

from bolwerk.core.kinds import Kind

Manifest = dict[str, Any]
T = TypeVar("T")

PAGE = 500
_BIG_LINE = 8 * 2**20  # bytes; an object of a watch is one line


class RefusedError(RuntimeError):
    """The API server said no; the message is its answer."""


class Api:
    """One session with one user's rights.

    Parameters
    ----------
    kubeconfig
        As the harness writes them: JSON, with a token and the server's certificate.
    agent
        The User-Agent, by which the audit log tells clients apart.
    """

    def __init__(self, kubeconfig: Path, *, agent: str) -> None:
        config = json.loads(kubeconfig.read_text(encoding="utf-8"))
        cluster = config["clusters"][0]["cluster"]
        self._server: str = cluster["server"]
        self._context = ssl.create_default_context(cafile=cluster["certificate-authority"])
        self._headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}", "User-Agent": agent}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=0, ssl=self._context)
        self._session = aiohttp.ClientSession(connector=connector, headers=self._headers)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._opened.close()

    @property
    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("use the client in an `async with` block")
        return self._session

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        content: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> bytes:
        """Send one request and return the answer.

        Raises
        ------
        RefusedError
            On any status from 400 up.
        """
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        async with self._opened.request(
            method, self._server + path, data=data, params=query, headers={"Content-Type": content}
        ) as response:
            answer = await response.read()
        if response.status >= 400:
            raise RefusedError(f"{method} {path}: {response.status} {answer[:500].decode(errors='replace')}")
        return answer

    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        """Create an object and return it."""
        path = path_of(kind, manifest["metadata"]["namespace"])
        created: Manifest = json.loads(await self.call("POST", path, body=manifest))
        return created

    async def apply(self, kind: Kind, manifest: Manifest, *, subresource: str = "") -> None:
        """Apply an object on the server's side, as the operator would."""
        metadata = manifest["metadata"]
        await self.call(
            "PATCH",
            path_of(kind, metadata["namespace"], metadata["name"], subresource),
            body=manifest,
            content="application/apply-patch+yaml",
            query={"fieldManager": "bolwerk", "force": "true"},
        )

    async def patch(self, kind: Kind, namespace: str, name: str, patch: Manifest, *, subresource: str = "") -> None:
        """Change an object by a merge patch, as a person would."""
        path = path_of(kind, namespace, name, subresource)
        await self.call("PATCH", path, body=patch, content="application/merge-patch+json")

    async def list(self, kind: Kind, namespace: str) -> list[Manifest]:
        """Return all objects of a kind in a namespace."""
        found: list[Manifest] = []
        query = {"limit": str(PAGE)}
        while True:
            page = json.loads(await self.call("GET", path_of(kind, namespace), query=query))
            found.extend(page["items"])
            if not page["metadata"].get("continue"):
                return found
            query = {"limit": str(PAGE), "continue": page["metadata"]["continue"]}

    async def watch(self, kind: Kind, namespace: str) -> AsyncIterator[Manifest]:
        """Yield what happens to a kind from now on; the first thing yielded says that the watch is open."""
        listed = json.loads(await self.call("GET", path_of(kind, namespace), query={"limit": "1"}))
        query = {"watch": "true", "resourceVersion": listed["metadata"]["resourceVersion"], "timeoutSeconds": "3600"}
        async with self._opened.get(
            self._server + path_of(kind, namespace),
            params=query,
            timeout=aiohttp.ClientTimeout(total=None),
            read_bufsize=_BIG_LINE,
        ) as response:
            response.raise_for_status()
            yield {"type": "OPEN"}
            async for line in response.content:
                yield json.loads(line)


def path_of(kind: Kind, namespace: str, name: str = "", subresource: str = "") -> str:
    """Return the path of a collection, an object or a subresource."""
    return "/".join(part for part in (kind.root, "namespaces", namespace, kind.plural, name, subresource) if part)


async def each(items: Iterable[T], work: Callable[[T], Awaitable[None]], *, at_once: int) -> None:
    """Do the work for every item, so many at once."""
    waiting = iter(items)

    async def take() -> None:
        for item in waiting:
            await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(take())
