"""Who can hold the wall: the backends in the order in which `Auto` takes them, and the choice among them.

The choice looks only at what the API server serves. That an API is served proves that nobody has forgotten to install
it, not that somebody enforces it: only a probe proves that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bolwerk.core.egress.backends import adminnetworkpolicy, calico, cilium, clusternetworkpolicy, networkpolicy
from bolwerk.core.egress.intent import Intent, Scene, Wall
from bolwerk.core.kinds import (
    ADMIN_NETWORK_POLICY,
    CALICO_TIER,
    CILIUM_CLUSTERWIDE_NETWORK_POLICY,
    CLUSTER_NETWORK_POLICY,
    GLOBAL_NETWORK_POLICY,
    NETWORK_POLICY,
    STAGED_GLOBAL_NETWORK_POLICY,
    Kind,
)

__all__ = ["BACKENDS", "Backend", "Choice", "Unserved", "choose"]


@dataclass(frozen=True, slots=True)
class Backend:
    """One way in which a cluster can enforce a wall.

    Attributes
    ----------
    name
        As `spec.enforcement.backend` spells it.
    kinds
        What it writes: the API server has to serve all of them.
    render
        The wall of an intent. Raises InvalidSpecError where the intent does not fit into this backend.
    reason
        Why `Auto` takes it, as the end of a sentence.
    mend
        What to install where it is named but not served.
    """

    name: str
    kinds: tuple[Kind, ...]
    render: Callable[[Intent, Scene], Wall]
    reason: str
    mend: str


BACKENDS: tuple[Backend, ...] = (
    Backend(
        "Cilium",
        (CILIUM_CLUSTERWIDE_NETWORK_POLICY,),
        cilium.render,
        "CiliumClusterwideNetworkPolicy is served, and its denials cannot be overridden",
        "install Cilium",
    ),
    Backend(
        "Calico",
        (CALICO_TIER, GLOBAL_NETWORK_POLICY, STAGED_GLOBAL_NETWORK_POLICY),
        calico.render,
        "Calico's tiers and GlobalNetworkPolicy (projectcalico.org/v3) are served, and neither Cilium",
        "install Calico 3.30 or newer with its API server, which serves projectcalico.org/v3",
    ),
    Backend(
        "AdminNetworkPolicy",
        (ADMIN_NETWORK_POLICY,),
        adminnetworkpolicy.render,
        "AdminNetworkPolicy v1alpha1 is served, and neither Cilium nor Calico",
        "install a network plugin that enforces AdminNetworkPolicy v1alpha1, such as OVN-Kubernetes",
    ),
    Backend(
        "ClusterNetworkPolicy",
        (CLUSTER_NETWORK_POLICY,),
        clusternetworkpolicy.render,
        "ClusterNetworkPolicy v1alpha2 is served, and no plugin's own API",
        "install a network plugin that enforces ClusterNetworkPolicy v1alpha2, and its CRD",
    ),
    Backend(
        "NetworkPolicy",
        (NETWORK_POLICY,),
        networkpolicy.render,
        "no API for rules of the whole cluster is served",
        "",  # every API server serves it
    ),
)
"""In the order of `Auto`: a plugin's own API is served only where the plugin is; a CRD alone proves little."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The backend that holds the wall, and a sentence that says why this one."""

    backend: Backend
    why: str


@dataclass(frozen=True, slots=True)
class Unserved:
    """The backend that was asked for is not there; `message` says what to do."""

    asked: str
    message: str


def choose(asked: str, served: frozenset[Kind], *, held: str = "") -> Choice | Unserved:
    """Choose a backend: the named one, or for `Auto` the first whose kinds are all served.

    `Auto` stays with the backend that holds a wall already, as long as it is served: whoever installs a CRD that nobody
    enforces must not move the wall there.

    Parameters
    ----------
    asked
        `spec.enforcement.backend`.
    served
        Which of `OPTIONAL_KINDS` the API server serves; NetworkPolicy goes without saying.
    held
        The backend whose wall stands, or an empty string.
    """
    served |= {NETWORK_POLICY}
    standing = [backend for backend in BACKENDS if served.issuperset(backend.kinds)]
    if asked == "Auto":
        holder = next((backend for backend in standing if backend.name == held), standing[0])
        if holder is not standing[0]:
            return Choice(
                holder,
                f"Auto stays with {held}, which holds the wall; {standing[0].name} is served too: set "
                f"spec.enforcement.backend to {standing[0].name} to move there, once its plugin enforces it.",
            )
        return Choice(standing[0], f"Auto chose {standing[0].name}: {standing[0].reason}.")
    named = next((backend for backend in BACKENDS if backend.name == asked), None)
    if named is None:
        names = ", ".join(backend.name for backend in BACKENDS)
        return Unserved(asked, f"There is no backend {asked}; set spec.enforcement.backend to Auto or one of {names}.")
    if named in standing:
        return Choice(named, f"spec.enforcement.backend names {asked}.")
    missing = ", ".join(f"{kind.name} ({kind.api_version})" for kind in named.kinds if kind not in served)
    return Unserved(
        asked,
        f"spec.enforcement.backend names {asked}, but the API server does not serve {missing}; {named.mend}, or set "
        f"spec.enforcement.backend to Auto, which would choose {standing[0].name}.",
    )
