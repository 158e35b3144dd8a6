"""What a SovereigntyPolicy wants of the network, before anybody asks who can enforce it.

In the order in which a packet of a governed pod meets it: pods of this cluster are reached; proxies and private
endpoints are not, although their addresses look internal; declared internal networks are; nothing else is. No rule
ever opens what a namespace's own policies have closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from bolwerk.api.network import PRIVATE_AS_A_WHOLE
from bolwerk.core.egress.addresses import Addresses
from bolwerk.core.egress.hole import EXCEPTION_LABEL, Hole, Unopened
from bolwerk.core.egress.networks import Network, contains, overlap, parsed
from bolwerk.core.invalid import InvalidSpecError
from bolwerk.core.policy.subject import Subject, metadata

__all__ = ["Intent", "Network", "Scene", "Wall"]

WHOLE_SPACES = parsed(PRIVATE_AS_A_WHOLE, "private address space")
"""Too much to be one's own. CEL refuses each by itself; here also what two halves add up to."""


@dataclass(frozen=True, slots=True)
class Intent:
    """The wall that one SovereigntyPolicy asks for.

    Attributes
    ----------
    policy, uid
        Name and uid of the SovereigntyPolicy: it owns every object of its wall.
    enforced
        Whether packets are dropped (`Enforce`) or only told of (`Audit`).
    selector
        The label selector of the governed namespaces, in Kubernetes' words, those that are exempt left out.
    internal
        The declared networks, both families, none inside another.
    outward
        Forward proxies and private endpoints: refused even where `internal` contains them.
    priority
        0 to 1000, lower comes first.
    holes
        What approved exceptions open in governed namespaces, at this moment.
    envoy
        Whether the platform says that Cilium has a working Envoy on every node.
    """

    policy: str
    uid: str
    enforced: bool
    selector: Mapping[str, Any]
    internal: tuple[Network, ...]
    outward: tuple[Network, ...]
    priority: int
    holes: tuple[Hole, ...] = ()
    envoy: bool = False

    @property
    def name(self) -> str:
        """The name of the wall's objects."""
        return f"bolwerk-{self.policy}"

    @classmethod
    def of(cls, subject: Subject) -> Self:
        """Read the intent out of a SovereigntyPolicy.

        Raises
        ------
        InvalidSpecError
            If it asks for what no wall can be: the message says what to write instead.
        """
        spec = subject.spec
        internal = parsed(spec.internal.networks, "spec.internal.networks")
        outward = (
            *parsed(spec.internal.forward_proxies, "spec.internal.forwardProxies"),
            *parsed(spec.internal.private_endpoints, "spec.internal.privateEndpoints"),
        )
        _check(internal, outward)
        return cls(
            policy=subject.name,
            uid=subject.uid,
            enforced=subject.enforced,
            selector=subject.selector,
            internal=internal,
            outward=tuple(dict.fromkeys(outward)),  # a network may be in both lists; the plugins' APIs take it once
            priority=spec.enforcement.priority,
            envoy=spec.exceptions.cilium_envoy,
        )

    def metadata(self, *, namespace: str | None = None, suffix: str = "") -> dict[str, Any]:
        """Return the metadata of an object of the wall: named and labelled after the policy, owned by it."""
        name = f"{self.name}{suffix}"
        return metadata(name, policy=self.policy, uid=self.uid, component="wall", namespace=namespace)

    def hole_metadata(self, hole: Hole, *, namespace: str | None = None, joint: str = "-") -> dict[str, Any]:
        """Return the metadata of an object that is a hole and nothing else: it goes the moment the hole does."""
        name = f"{self.name}{joint}{hole.suffix}"
        made = metadata(name, policy=self.policy, uid=self.uid, component="hole", namespace=namespace)
        made["labels"][EXCEPTION_LABEL] = hole.uid
        return made


@dataclass(frozen=True, slots=True)
class Scene:
    """What a renderer for single namespaces has to know of them; renderers for the whole cluster do not look.

    Attributes
    ----------
    namespaces
        The names of the namespaces that this policy governs, those that a policy before it governs left out.
    policies
        By namespace, the NetworkPolicies that are not Bolwerk's own.
    cilium
        The CiliumNetworkPolicies and CiliumClusterwideNetworkPolicies that are not Bolwerk's own.
    """

    namespaces: tuple[str, ...] = ()
    policies: Mapping[str, tuple[Mapping[str, Any], ...]] | None = None
    cilium: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Wall:
    """What a backend makes of an intent.

    Attributes
    ----------
    objects
        The manifests to apply, in order, each complete: owner, labels, spec.
    limits
        What of the intent this backend cannot express, a sentence each, for the status.
    opened
        The holes in it, each as it is: less than was asked for, where this backend cannot express all of it.
    unopened
        What stays closed although it was asked for, and why.
    """

    objects: tuple[dict[str, Any], ...] = ()
    limits: tuple[str, ...] = ()
    opened: tuple[Hole, ...] = ()
    unopened: tuple[Unopened, ...] = ()


def _check(internal: tuple[Network, ...], outward: tuple[Network, ...]) -> None:
    """Refuse lists that contradict themselves or each other, for then somebody has meant something else."""
    pair = overlap(internal)
    if pair:
        wide, narrow = pair
        raise InvalidSpecError(
            f"spec.internal.networks: {narrow} lies within {wide}; keep {wide} if all of it is yours, else {narrow}"
        )
    for whole in WHOLE_SPACES:
        if Addresses.of([whole]).within(Addresses.of(internal)):
            raise InvalidSpecError(
                f"spec.internal.networks: {whole} as a whole is not internal, for private endpoints of external "
                "services and forward proxies have such addresses too; name your own networks"
            )
    if Addresses.of(internal).within(Addresses.of(outward)):
        swallowing = [str(outer) for outer in outward if any(contains(outer, inner) for inner in internal)]
        raise InvalidSpecError(
            "spec.internal: nothing of networks is left, because forwardProxies and privateEndpoints contain it all"
            f"{' (' + ', '.join(swallowing) + ')' if swallowing else ''}; narrow them to the proxies and endpoints "
            "themselves"
        )
