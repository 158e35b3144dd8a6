"""Kubernetes Events for people: posted for the transitions that a plan contains, and for nothing else."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bolwerk.core.kinds import EVENT
from bolwerk.core.plan import Event, Manifest
from bolwerk.shell.client import Client
from bolwerk.shell.errors import ApiError, ConflictError

__all__ = ["Recorder"]

logger = logging.getLogger(__name__)

CONTROLLER = "bolwerk.dev/operator"
LONGEST_NOTE = 1024  # events.k8s.io/v1 refuses longer ones
LONGEST_NAME = 200


class Recorder:
    """Posts Events; one that cannot be posted is logged, since the status says the same."""

    def __init__(self, client: Client, *, instance: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._instance = instance[:128]
        self._now = now

    async def post(self, resource: Mapping[str, Any], event: Event) -> None:
        """Post one Event on a reconciled object."""
        try:
            await self._client.create_event(self._manifest(resource, event))
        except ConflictError:
            return  # the first attempt got through although its answer was lost
        except ApiError as error:
            logger.warning("the event was not posted", extra={"reason": event.reason, "error": error.message})

    def _manifest(self, resource: Mapping[str, Any], event: Event) -> Manifest:
        metadata = resource["metadata"]
        scope = {"namespace": metadata["namespace"]} if "namespace" in metadata else {}
        return {
            "apiVersion": EVENT.api_version,
            "kind": EVENT.name,
            "metadata": {
                # The name is chosen here and not by the server, so that a retry cannot post twice.
                "name": f"{metadata['name'][:LONGEST_NAME]}.{uuid.uuid4().hex[:16]}",
                # About what has no namespace, the API server takes them here.
                "namespace": scope.get("namespace", "default"),
            },
            "eventTime": self._now().isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance,
            "type": event.type,
            "reason": event.reason,
            "action": event.action,
            "note": event.message[:LONGEST_NOTE],
            "regarding": {
                "apiVersion": resource["apiVersion"],
                "kind": resource["kind"],
                **scope,
                "name": metadata["name"],
                "uid": metadata["uid"],
            },
        }
