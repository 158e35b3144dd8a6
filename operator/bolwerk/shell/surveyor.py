"""What no watch tells about nodes: which network plugins run, which pods no policy governs, whose node is gone.

Looked up every ten minutes while leading. Watching all DaemonSets and all pods for this would cost more than it tells.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from bolwerk.core.kinds import DAEMON_SET, ISOLATION_PROOF, NODE, POD
from bolwerk.core.proof.history import of_gone_nodes
from bolwerk.core.proof.plugins import plugin_images
from bolwerk.shell.cache import Cache
from bolwerk.shell.client import Client
from bolwerk.shell.controller import Enqueue
from bolwerk.shell.errors import ApiError
from bolwerk.shell.nodes import Nodes
from bolwerk.shell.trim import unpack

__all__ = ["Surveyor"]

logger = logging.getLogger(__name__)

SURVEY_SECONDS = 600.0
ON_HOST = "spec.hostNetwork=true"


class Surveyor:
    """Tells the index of nodes what runs there, and clears away the proofs of nodes that are gone for long."""

    def __init__(
        self, *, nodes: Nodes, client: Client, cache: Cache, enqueue: Enqueue, now: Callable[[], datetime]
    ) -> None:
        self._nodes = nodes
        self._client = client
        self._cache = cache
        self._enqueue = enqueue
        self._now = now

    async def run(self) -> None:
        """Survey every ten minutes, for ever."""
        while True:
            await asyncio.sleep(SURVEY_SECONDS)
            await self.survey()
            try:
                await self.clear()
            except ApiError as error:
                logger.warning("proofs of former nodes were not deleted yet", extra={"error": error.message})

    async def survey(self) -> None:
        """Look once; what cannot be read is said in every proof."""
        remarks = []
        images: tuple[str, ...] | None = None
        counts: Counter[str] = Counter()
        try:
            images = plugin_images([each async for page in self._client.pages(DAEMON_SET) for each in page.items])
        except ApiError as error:
            remarks.append(f"which network plugin enforces is not known: {error.message}")
        try:
            async for page in self._client.pages(POD, fields=ON_HOST):
                counts.update(str(pod["spec"].get("nodeName", "")) for pod in page.items)
        except ApiError as error:
            remarks.append(f"pods on the node's own network are not counted: {error.message}")
        self._enqueue(self._nodes.put_inventory(images=images, on_host=counts, remarks=tuple(remarks)))

    async def clear(self) -> None:
        """Delete the proofs of nodes that have been gone for long.

        Raises
        ------
        ApiError
            When the API server cannot be asked.
        """
        proofs = [unpack(entry.packed) for entry in self._cache.entries(ISOLATION_PROOF).values()]
        nodes = {name for _, name in self._cache.entries(NODE)}
        for delete in of_gone_nodes(proofs, nodes, self._now()):
            await self._client.delete(delete.ref, delete.uid)
            logger.info("deleted", extra={"object": delete.ref, "because": delete.because})
