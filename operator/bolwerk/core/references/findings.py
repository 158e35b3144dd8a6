"""What a scan found, by name: kept beside the policies, told in their status, counted in the metrics.

No field of these has room for a value: kinds, namespaces, names, keys, groups.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bolwerk.core.catalogue import Decision

__all__ = ["LISTED", "Finding", "Findings", "Leak"]

LISTED = 50
"""As many findings as a status lists."""
USERS_NAMED = 2

Leak = Literal["Endpoint", "Address", "ProviderKey", "WayOut"]
"""A value names an external endpoint; a variable for an endpoint holds an address that is not inside; a key comes
without the variable that would lead its client elsewhere; a value leads to a forward proxy or a private endpoint."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One key of one ConfigMap or Secret that leads outside.

    Attributes
    ----------
    group, decision
        The group of the catalogue and what the policy says about it; no group where an address tells.
    instead
        Of a `ProviderKey`, the variables that would lead its client elsewhere.
    used_by
        The workloads that refer to it, such as `Deployment/chat`, in order.
    """

    namespace: str
    kind: Literal["ConfigMap", "Secret"]
    name: str
    key: str
    leak: Leak
    group: str
    decision: Decision
    used_by: tuple[str, ...]
    instead: tuple[str, ...] = ()

    @property
    def object(self) -> str:
        """Where it is, as in `ConfigMap team/settings`."""
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def message(self) -> str:
        """What it is and what to do instead."""
        return f"{self.object}, key {self.key}, used by {self._users}: {self._what} {self._instead}"

    @property
    def _users(self) -> str:
        more = len(self.used_by) - USERS_NAMED
        named = ", ".join(self.used_by[:USERS_NAMED])
        return f"{named} and {more} more" if more > 0 else named

    @property
    def _what(self) -> str:
        match self.leak:
            case "Endpoint":
                refused = "refused" if self.decision == "Refuse" else "to be looked at"
                return f"names an endpoint of the group {self.group}, which is {refused}."
            case "Address":
                return "holds an address outside the declared internal networks."
            case "ProviderKey":
                return f"is a key of the group {self.group} without a base URL, so that its client calls the provider."
            case "WayOut":
                return "leads to a declared forward proxy or private endpoint, which is outside."

    @property
    def _instead(self) -> str:
        url = "the in-cluster URL of a LocalModel (kubectl get localmodels -A -o wide)"
        match self.leak:
            case "Endpoint":
                return f"Write {url}, or have an EgressException approved."
            case "Address":
                return f"Write {url}, or declare the network in spec.internal.networks."
            case "ProviderKey" if self.instead:
                return f"Set {' or '.join(self.instead)} to {url}, or remove the key."
            case "ProviderKey":
                return "No variable leads that client elsewhere: remove the key, or have an EgressException approved."
            case "WayOut":
                return "Address internal services without it, or have an EgressException approved."


@dataclass(frozen=True, slots=True)
class Findings:
    """What one scan found in the namespaces of one SovereigntyPolicy.

    Attributes
    ----------
    looked_at
        How many ConfigMaps and Secrets were read.
    findings
        The first of what was found, in order of namespace, kind, name and key.
    more
        How many further findings there are.
    not_looked_at
        What was left out, a sentence each with the mend.
    """

    looked_at: int = 0
    findings: tuple[Finding, ...] = ()
    more: int = 0
    not_looked_at: tuple[str, ...] = ()

    @classmethod
    def of(cls, found: Iterable[Finding], *, looked_at: int, not_looked_at: Iterable[str]) -> Findings:
        """Bring findings into their order and keep as many as a status lists."""
        ordered = sorted(found)
        return cls(looked_at, tuple(ordered[:LISTED]), max(0, len(ordered) - LISTED), tuple(not_looked_at))
