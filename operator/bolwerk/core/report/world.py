"""The snapshot of a cluster that a report is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bolwerk.core.flows.found import Flows
from bolwerk.core.report.facts import Trail
from bolwerk.core.settings import Settings

__all__ = ["Permissions", "Scope", "World"]

Objects = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """What of it is asked about.

    Attributes
    ----------
    namespaces
        Only these; all when empty.
    since
        Leaves out what was over before; None leaves out nothing.
    """

    namespaces: frozenset[str] = frozenset()
    since: datetime | None = None

    def has(self, namespace: str) -> bool:
        """Whether a namespace is asked about."""
        return not self.namespaces or namespace in self.namespaces


@dataclass(frozen=True, slots=True)
class Permissions:
    """The cluster's RBAC objects."""

    cluster_roles: Objects = ()
    roles: Objects = ()
    cluster_role_bindings: Objects = ()
    role_bindings: Objects = ()


@dataclass(frozen=True, slots=True)
class World:
    """All objects as the API server's JSON.

    Attributes
    ----------
    version, installed
        Of this command, and of the installation as its chart labels it; empty where that is not known.
    pods
        Of the whole cluster.
    deployments
        Bolwerk's own.
    exceptions, approvals, proofs
        None where the API server does not serve the kind; proofs also where they may not be read.
    admission
        ValidatingAdmissionPolicies and their bindings.
    permissions
        None where they may not be read, or were not asked for.
    trail, flows
        What an audit trail and exported flows say, where such were given.
    """

    settings: Settings
    version: str
    installed: str = ""
    models: Objects = ()
    policies: Objects = ()
    namespaces: Objects = ()
    pods: Objects = ()
    deployments: Objects = ()
    claims: Objects = ()
    exceptions: Objects | None = None
    approvals: Objects | None = None
    proofs: Objects | None = None
    proofs_forbidden: bool = False
    admission: Objects = ()
    permissions: Permissions | None = None
    trail: Trail | None = None
    flows: Flows | None = None
    scope: Scope = field(default_factory=Scope)
