"""A thin client of the API server: plain dicts in, plain dicts out, one `send` that everything goes through.

Used by the controller, the sweep, the elector and the event recorder. It knows HTTP and the API's conventions
(server-side apply, paging, Status errors); it knows nothing about models. Retries are written here and not taken
from aiohttp-retry because that one neither reads Retry-After nor releases the response that it retries.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from bolwerk.core.kinds import Kind, Ref
from bolwerk.core.plan import Manifest
from bolwerk.shell import request as requests
from bolwerk.shell.errors import ApiError, NotFoundError, UnreachableError, api_error
from bolwerk.shell.fence import Fence
from bolwerk.shell.request import Request

__all__ = ["Client", "Page"]

ATTEMPTS = 4
FIRST_BACKOFF_SECONDS = 0.25
REQUEST_TIMEOUT_SECONDS = 30.0
CONNECT_TIMEOUT_SECONDS = 5.0
# A write in flight when leadership ends may land this much later: less than the five seconds that lie between
# the renew deadline and the end of the lease.
WRITE_GRACE_SECONDS = 3.0
# Enough to keep an API server of two cores busy, few enough to leave it room for others.
CONCURRENT_REQUESTS = 32


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, and the resource version at which the whole list was read."""

    items: list[Manifest]
    version: str


class Client:
    """Sends requests, with retries, a concurrency limit and the write fence.

    Parameters
    ----------
    session, server
        The session to send on, and the URL of the API server.
    fence
        Asked before every write and before every retry of one.
    jitter
        A number in [0, 1) for every backoff.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        server: str,
        *,
        fence: Fence,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._session = session
        self._server = server
        self._fence = fence
        self._jitter = jitter
        self._slots = asyncio.Semaphore(CONCURRENT_REQUESTS)

    async def send(
        self, request: Request, *, attempts: int = ATTEMPTS, seconds: float = REQUEST_TIMEOUT_SECONDS
    ) -> Manifest:
        """Send a request and return the object in the answer.

        Parameters
        ----------
        attempts
            How often to try when there is no answer, or a 429 or 5xx.
        seconds
            How long each attempt may take.

        Raises
        ------
        ApiError
            The last answer, by status.
        FenceClosedError
            When a write must not be sent.
        """
        for attempt in itertools.count(1):
            try:
                return await self._attempt(request, seconds)
            except ApiError as error:
                if not error.transient or attempt >= attempts:
                    raise
                backoff = FIRST_BACKOFF_SECONDS * 2.0 ** (attempt - 1) * (1 + self._jitter())
                await asyncio.sleep(max(error.retry_after, backoff))
        raise AssertionError("unreachable")

    async def _attempt(self, request: Request, seconds: float) -> Manifest:
        if request.urgent:
            return await self._exchange(request, seconds)
        async with self._slots:
            if request.writes:
                self._fence.check()
                seconds = min(seconds, self._fence.remaining + WRITE_GRACE_SECONDS)
            return await self._exchange(request, seconds)

    async def _exchange(self, request: Request, seconds: float) -> Manifest:
        try:
            async with self._session.request(
                request.method,
                self._server + request.path,
                params=request.params,
                headers=request.headers,
                data=request.body,
                timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_TIMEOUT_SECONDS),
                trace_request_ctx={"verb": request.verb, "resource": request.resource},
            ) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError) as fault:
            what = str(fault) or type(fault).__name__
            raise UnreachableError(f"{request.verb} {request.path}: {what}") from fault
        if response.status >= 400:  # noqa: PLR2004
            raise api_error(response.status, body, retry_after=response.headers.get("Retry-After"))
        try:
            answer: Any = json.loads(body)
        except ValueError as fault:
            raise UnreachableError(f"{request.verb} {request.path}: the answer is not JSON") from fault
        if not isinstance(answer, dict):
            raise UnreachableError(f"{request.verb} {request.path}: the answer is not an object")
        return answer

    async def get(self, ref: Ref, *, metadata_only: bool = False) -> Manifest:
        """Read one object, or no more than its metadata."""
        return await self.send(requests.get(ref, metadata_only=metadata_only))

    async def serves(self, kind: Kind) -> bool:
        """Tell whether the API server serves a kind; a request that fails tells nothing and raises."""
        try:
            answer = await self.send(requests.discover(kind))
        except NotFoundError:
            return False
        return any(resource["name"] == kind.plural for resource in answer.get("resources") or ())

    async def pages(
        self,
        kind: Kind,
        *,
        namespace: str = "",
        selector: str = "",
        fields: str = "",
        metadata_only: bool = False,
        limit: int = requests.PAGE_SIZE,
    ) -> AsyncIterator[Page]:
        """List all objects of a kind, in one namespace or in the cluster, page by page.

        Raises
        ------
        GoneError
            When the pages took longer than the server keeps the snapshot: list from the beginning.
        """
        token = ""
        while True:
            page = requests.list_page(
                kind,
                namespace=namespace,
                selector=selector,
                fields=fields,
                metadata_only=metadata_only,
                token=token,
                limit=limit,
            )
            answer = await self.send(page)
            metadata = answer.get("metadata") or {}
            token = metadata.get("continue") or ""
            yield Page(answer.get("items") or [], metadata.get("resourceVersion", ""))
            if not token:
                return

    async def apply(self, kind: Kind, manifest: Manifest) -> Manifest:
        """Apply an object on the server's side and return what it became."""
        return await self.send(requests.apply(kind, manifest))

    async def apply_status(self, kind: Kind, manifest: Manifest) -> Manifest:
        """Apply the status of an object on the server's side and return what it became."""
        return await self.send(requests.apply(kind, manifest, subresource="status"))

    async def delete(self, ref: Ref, uid: str) -> Manifest:
        """Delete one object if it still has this uid; returns the object, or a Status once it is gone."""
        return await self.send(requests.delete(ref, uid))

    async def create_event(self, manifest: Manifest) -> Manifest:
        """Create an Event."""
        return await self.send(requests.create_event(manifest))
