"""Whom a run on a node speaks for: the models there, and one governed namespace of each policy that enforces."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bolwerk.core.invalid import InvalidSpecError
from bolwerk.core.kinds import LOCAL_MODEL, NETWORK_POLICY, SOVEREIGNTY_POLICY
from bolwerk.core.model.subject import Subject as Model
from bolwerk.core.ownership import owned_by
from bolwerk.core.policy.overlaps import governable, governing
from bolwerk.core.policy.subject import Subject as Policy
from bolwerk.core.proof.observed import Observed
from bolwerk.core.settings import Settings

__all__ = ["Subject", "Subjects", "considered", "subjects"]

MOST_MODELS = 32
"""Models of one node that a run tries: each is a pod."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One whom pods of a run impersonate.

    Attributes
    ----------
    policy
        The SovereigntyPolicy that governs the namespace, enforcing or not, or None.
    model
        The LocalModel, or None for a governed namespace.
    live
        The LocalModel as the API server has it, or the policy.
    alone
        Whether a namespace has no network policies but walls and models': then whatever is shut is shut by a wall.
    """

    namespace: str
    policy: Policy | None
    model: Model | None
    live: Mapping[str, Any]
    alone: bool = True

    def __str__(self) -> str:
        return f"LocalModel {self.namespace}/{self.model.name}" if self.model else f"Namespace {self.namespace}"

    @property
    def owner(self) -> list[dict[str, Any]]:
        """Whose its pods are."""
        kind = LOCAL_MODEL if self.model else SOVEREIGNTY_POLICY
        return owned_by(kind, self.live["metadata"]["name"], self.live["metadata"]["uid"])


@dataclass(frozen=True, slots=True)
class Subjects:
    """All subjects of a run, and what it does not speak for, a sentence each."""

    found: tuple[Subject, ...]
    remarks: tuple[str, ...]


def considered(node: Mapping[str, Any], *, has_models: bool) -> bool:
    """Whether a node has to be measured: models run there, or could for it has a GPU."""
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    return has_models or any(
        str(amount) != "0" and ("gpu" in name or "/mig-" in name) for name, amount in allocatable.items() if "/" in name
    )


def subjects(observed: Observed, settings: Settings) -> Subjects:
    """Return whom a run on this node tries now, in a stable order."""
    by = governing(observed.policies, governable(observed.namespaces, settings))
    remarks: list[str] = []
    policies = dict(_policies(observed, settings, remarks))
    models = tuple(_models(observed, by, policies, remarks))
    if len(models) > MOST_MODELS:
        left = ", ".join(map(str, models[MOST_MODELS:]))
        remarks.append(f"a run tries {MOST_MODELS} models of a node; not these: {left}")
    lived_in = {each.namespace for each in models}
    walls = (
        _namespace(policy, live, by=by, lived_in=lived_in, observed=observed, remarks=remarks)
        for policy, live in policies.values()
    )
    return Subjects((*models[:MOST_MODELS], *(each for each in walls if each)), tuple(remarks))


def _policies(
    observed: Observed, settings: Settings, remarks: list[str]
) -> Iterator[tuple[str, tuple[Policy, Mapping[str, Any]]]]:
    for live in sorted(observed.policies, key=lambda each: str(each["metadata"]["name"])):
        name = live["metadata"]["name"]
        if live["metadata"].get("deletionTimestamp"):
            continue
        try:
            yield name, (Policy.of(live, settings), live)
        except InvalidSpecError as error:
            remarks.append(f"SovereigntyPolicy {name} is not measured: {error}")


def _models(
    observed: Observed,
    by: Mapping[str, str],
    policies: Mapping[str, tuple[Policy, Mapping[str, Any]]],
    remarks: list[str],
) -> Iterator[Subject]:
    for live in sorted(observed.models, key=lambda each: (each["metadata"]["namespace"], each["metadata"]["name"])):
        metadata = live["metadata"]
        if metadata.get("deletionTimestamp"):
            continue
        try:
            model = Model.of(live)
        except InvalidSpecError as error:
            remarks.append(f"LocalModel {metadata['namespace']}/{metadata['name']} is not measured: {error}")
            continue
        policy, _ = policies.get(by.get(model.namespace, ""), (None, None))
        yield Subject(model.namespace, policy, model, live)


def _namespace(
    policy: Policy,
    live: Mapping[str, Any],
    *,
    by: Mapping[str, str],
    lived_in: Collection[str],
    observed: Observed,
    remarks: list[str],
) -> Subject | None:
    """Choose the namespace that speaks for a policy: where nothing else closes what the wall has to close."""
    if not policy.enforced:
        return None
    if not policy.spec.proof.canaries:
        remarks.append(
            f"SovereigntyPolicy {policy.name}: its wall is not measured, for spec.proof.canaries names no host outside "
            "that a probe could try"
        )
        return None
    going = {each["metadata"]["name"] for each in observed.namespaces if each["metadata"].get("deletionTimestamp")}
    own = _own_policies(observed, policy)
    governed = [name for name, by_whom in by.items() if by_whom == policy.name and name not in going]
    chosen = min(governed, key=lambda name: (name in own, name not in lived_in, name), default=None)
    if chosen is None:
        return None
    if chosen in own:
        remarks.append(
            f"Namespace {chosen} has network policies of its own ({', '.join(sorted(own[chosen])[:3])}): what they "
            f"close cannot be told from what SovereigntyPolicy {policy.name} closes, and what has to work is not tried"
        )
    remarks.extend(_unspoken(policy, live, chosen, len(governed)))
    return Subject(chosen, policy, None, live, alone=chosen not in own)


def _unspoken(policy: Policy, live: Mapping[str, Any], chosen: str, governed: int) -> Iterator[str]:
    """Yield what an ordinary pod of one namespace does not speak for."""
    whose = f"SovereigntyPolicy {policy.name}"
    if governed > 1:
        yield f"of the {governed} namespaces that {whose} governs, an ordinary pod in {chosen} was tried for all"
    opened = len((live.get("status") or {}).get("openExceptions") or ())
    if opened:
        yield (
            f"{whose} has {opened} open exceptions: what they open was not tried, nor who else bears the labels that "
            "they select"
        )


def _own_policies(observed: Observed, policy: Policy) -> dict[str, set[str]]:
    """Return, by namespace, the names of NetworkPolicies that are neither a wall's nor a model's."""
    models = {(each["metadata"]["namespace"], each["metadata"]["name"]) for each in observed.models}
    wall = f"bolwerk-{policy.name}"
    found: dict[str, set[str]] = {}
    for ref in observed.enforcing:
        if ref.namespace and ref.kind == NETWORK_POLICY and not ref.name.startswith(wall) and ref.key not in models:
            found.setdefault(ref.namespace, set()).add(ref.name)
    return found
