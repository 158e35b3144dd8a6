"""Where the head of the audit trail's chain is kept: a ConfigMap of the operator's own, under an optimistic lock.

Used by the trail alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bolwerk.core.audit.entry import SCHEMA, Head
from bolwerk.core.kinds import CONFIG_MAP, Ref
from bolwerk.core.plan import Manifest
from bolwerk.shell import request as requests
from bolwerk.shell.client import Client
from bolwerk.shell.errors import NotFoundError

__all__ = ["Store", "Stored"]

_HASH = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Stored:
    """The head as the cluster has it, who wrote it, and the version to replace."""

    head: Head
    writer: str
    version: str


class Store:
    """Reads and replaces the head.

    Parameters
    ----------
    ref
        The ConfigMap.
    """

    def __init__(self, client: Client, ref: Ref) -> None:
        self._client = client
        self.ref = ref

    async def read(self) -> Stored | None:
        """Return what is stored, or None.

        Raises
        ------
        ApiError
            When that cannot be read.
        """
        try:
            return _stored(await self._client.get(self.ref))
        except NotFoundError:
            return None

    async def replace(self, former: Stored | None, head: Head, *, writer: str) -> Stored:
        """Store a head where the former one still stands, or none.

        Raises
        ------
        ConflictError, NotFoundError
            When something else stands there.
        ApiError
            When it cannot be written; that it was not is certain only where there was an answer.
        """
        metadata: Manifest = {
            "namespace": self.ref.namespace,
            "name": self.ref.name,
            "labels": {"app.kubernetes.io/managed-by": "bolwerk", "app.kubernetes.io/component": "audit"},
        }
        data = {"schema": str(SCHEMA), "sequence": str(head.sequence), "hash": head.hash, "writer": writer}
        manifest = {"apiVersion": CONFIG_MAP.api_version, "kind": CONFIG_MAP.name, "metadata": metadata, "data": data}
        if former is None:
            request = requests.create_config_map(manifest)
        else:
            metadata["resourceVersion"] = former.version
            request = requests.update_config_map(manifest)
        # Tried again by the trail, which by then may have a later head.
        return _stored(await self._client.send(request, attempts=1))


def _stored(manifest: Manifest) -> Stored:
    data = manifest.get("data") or {}
    sequence, hash_ = str(data.get("sequence", "")), str(data.get("hash", ""))
    # Whatever else stands there was not written by a trail: then a chain begins.
    head = Head(int(sequence), hash_) if sequence.isdecimal() and _HASH.fullmatch(hash_) else Head()
    return Stored(head, str(data.get("writer", "")), str(manifest["metadata"]["resourceVersion"]))
