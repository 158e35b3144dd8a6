"""From exceptions to holes: which of them have to be open now, and what each opens, in the backends' words.

Called by the policy's reconciliation for the namespaces that the policy governs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from bolwerk.api.egressexception import Destination, EgressExceptionSpec, Subject
from bolwerk.api.sovereigntypolicy import SovereigntyPolicySpec
from bolwerk.core.catalogue import Catalogue, decisions
from bolwerk.core.catalogue.spelling import nearest
from bolwerk.core.egress.backends.networkpolicy import MODEL_LABEL
from bolwerk.core.egress.hole import Hole, Port, Ports, Unopened
from bolwerk.core.egress.networks import Network
from bolwerk.core.egress.networks import parsed as networks
from bolwerk.core.exceptions.judge import judge
from bolwerk.core.invalid import InvalidSpecError, parsed

__all__ = ["LARGEST_HOLES", "due", "hole_of", "holes"]

LARGEST_HOLES = 1000
"""Of one policy at a time: more is no exception any more, and the status lists every one."""

Object: TypeAlias = Mapping[str, Any]


def due(
    exceptions: Iterable[Object], approvals: Iterable[Object], policy: SovereigntyPolicySpec, *now: datetime
) -> list[Object]:
    """Return the exceptions that are judged to be open now, by every clock; those asked for first to the front."""
    by_uid: dict[str, list[Object]] = {}
    for approval in approvals:
        named = (approval.get("spec") or {}).get("exception") or {}
        by_uid.setdefault(str(named.get("uid")), []).append(approval)
    found = [
        exception
        for exception in exceptions
        if judge(exception, by_uid.get(exception["metadata"]["uid"], ()), policy, *now).phase == "Open"
    ]
    return sorted(found, key=_asked)


def holes(
    exceptions: Iterable[Object], policy: SovereigntyPolicySpec, catalogue: Catalogue
) -> tuple[tuple[Hole, ...], tuple[Unopened, ...]]:
    """Return what exceptions that are due open, and what of them nobody can open.

    Parameters
    ----------
    catalogue
        The one in use; the policy's own entries are added here.
    """
    found: list[Hole] = []
    unopened: list[Unopened] = []
    known = _Known(policy, catalogue)
    for number, exception in enumerate(exceptions):
        hole, sentences = hole_of(exception, known)
        if number >= LARGEST_HOLES:
            sentences = [f"The policy has {LARGEST_HOLES} open exceptions already; wait until some have ended."]
        elif not hole.empty:
            found.append(hole)
        unopened.extend((hole, sentence) for sentence in sentences)
    return tuple(found), tuple(unopened)


class _Known:
    """The catalogue with the policy's own entries, put together only if a group is asked for."""

    def __init__(self, policy: SovereigntyPolicySpec, catalogue: Catalogue) -> None:
        self._policy, self._shipped = policy, catalogue
        self._known: Catalogue | None = None

    def __call__(self) -> Catalogue:
        if self._known is None:
            try:
                self._known = decisions(self._shipped, self._policy.catalogue).catalogue
            except InvalidSpecError:
                self._known = self._shipped  # the policy is told in its own status
        return self._known


def hole_of(exception: Object, catalogue: Callable[[], Catalogue]) -> tuple[Hole, list[str]]:
    """Return what one exception opens, and a sentence for each part of it that cannot be opened by anybody."""
    spec = parsed(EgressExceptionSpec, exception.get("spec"))
    sentences: list[str] = []
    inside: list[tuple[Network, Ports]] = []
    domains: list[tuple[str, Ports]] = []
    for destination in spec.destinations:
        ports = _ports(destination)
        if destination.network is not None:
            inside.extend((network, ports) for network in networks([destination.network], "spec.destinations"))
        elif destination.domain is not None:
            domains.append((destination.domain, ports))
        elif destination.catalogue_group is not None:
            names, objections = _group(destination.catalogue_group, catalogue())
            domains.extend((name, ports) for name in names)
            sentences.extend(objections)
    metadata = exception["metadata"]
    return Hole(
        namespace=metadata["namespace"],
        exception=metadata["name"],
        uid=metadata["uid"],
        pod_selector=_pods(spec.subject),
        service_account=spec.subject.service_account_name,
        networks=tuple(dict.fromkeys(inside)),
        domains=tuple(dict.fromkeys(domains)),
    ), sentences


def _pods(subject: Subject) -> dict[str, Any]:
    """Return the selector of the pods, less those of LocalModels: an exception of a namespace opens no seal."""
    selector = subject.pod_selector
    asked = selector.model_dump(mode="json", by_alias=True) if selector else {}
    expressions = [
        {"key": each["key"], "operator": each["operator"]} | ({"values": each["values"]} if each["values"] else {})
        for each in asked.get("matchExpressions") or ()
    ]
    labels = asked.get("matchLabels") or {}
    return {
        **({"matchLabels": labels} if labels else {}),
        "matchExpressions": [*expressions, {"key": MODEL_LABEL, "operator": "DoesNotExist"}],
    }


def _ports(destination: Destination) -> Ports:
    return tuple(sorted({Port(each.protocol, each.port) for each in destination.ports}))


def _group(name: str, catalogue: Catalogue) -> tuple[list[str], list[str]]:
    """Return the domains of a group, and what is to be said of the rest of it."""
    group = catalogue.groups.get(name)
    if group is None:
        return [], [f"The catalogue has no group {name}; {nearest(name, catalogue.groups)}"]
    names = [*group.exact, *_with_all_under(group.suffixes)]
    if not group.patterns:
        return names, []
    shown = ", ".join(group.patterns[:3]) + (", …" if len(group.patterns) > 3 else "")  # noqa: PLR2004 - a handful
    sentence = (
        f"Names of group {name} that only a pattern describes ({shown}) stay closed, because no backend opens "
        "patterns; ask for the domains that are needed by name."
    )
    return names, [sentence]


def _with_all_under(suffixes: Iterable[str]) -> Iterator[str]:
    for suffix in suffixes:
        yield suffix
        yield f"*.{suffix}"


def _asked(exception: Object) -> tuple[str, str, str]:
    metadata = exception["metadata"]
    return metadata.get("creationTimestamp", ""), metadata.get("namespace", ""), metadata["name"]
