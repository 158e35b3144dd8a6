"""What the API server was asked to do, read from its audit log.

The tests and the benchmark count requests here, at the server, because a client's own count proves nothing.
"""

import collections
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})

POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [
        # The cluster's own components read without end, and no test asks about that.
        {"level": "None", "users": ["system:apiserver"]},
        {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"], "verbs": ["get", "list", "watch"]},
        {
            "level": "None",
            "users": ["system:kube-scheduler", "system:kube-controller-manager"],
            "verbs": ["get", "list", "watch"],
        },
        {"level": "None", "nonResourceURLs": ["/*"]},
        {"level": "Metadata"},
    ],
}


@dataclasses.dataclass(frozen=True)
class AuditLog:
    """The audit log of one API server; it goes on over restarts."""

    path: Path

    def mark(self) -> int:
        """Return a place in the log: what is asked from now on comes after it."""
        return self.path.stat().st_size if self.path.exists() else 0

    def events(self, since: int = 0) -> Iterator[dict[str, Any]]:
        """Yield the audit events after a mark, oldest first.

        A watch is logged when it ends. The server logs a request at the moment it answers it, so a line can follow
        the answer by some milliseconds: wait for a count rather than read it once.
        """
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(since)
            for line in file:
                if line.endswith(b"\n"):  # the last line may still be in the writing
                    yield json.loads(line)

    def requests(
        self, since: int = 0, *, user: str | None = None, agent: str | None = None, namespace: str | None = None
    ) -> collections.Counter[tuple[str, str]]:
        """Count the requests after a mark by (verb, resource).

        Parameters
        ----------
        since
            A place that `mark` returned.
        user
            Only this user, as in `system:serviceaccount:bolwerk-system:bolwerk`.
        agent
            Only clients whose User-Agent begins with this.
        namespace
            Only objects in this namespace.
        """
        count: collections.Counter[tuple[str, str]] = collections.Counter()
        for event in self.events(since):
            reference = event.get("objectRef", {})
            if (
                (user is None or event["user"].get("username") == user)
                and (agent is None or event.get("userAgent", "").startswith(agent))
                and (namespace is None or reference.get("namespace") == namespace)
            ):
                parts = (reference.get("resource", ""), reference.get("subresource"))
                count[event["verb"], "/".join(filter(None, parts))] += 1
        return count

    def writes(
        self, since: int = 0, *, user: str | None = None, agent: str | None = None, namespace: str | None = None
    ) -> collections.Counter[tuple[str, str]]:
        """Count only what changes something, or tries to; parameters as for `requests`."""
        counted = self.requests(since, user=user, agent=agent, namespace=namespace)
        return collections.Counter({key: number for key, number in counted.items() if key[0] in WRITES})
