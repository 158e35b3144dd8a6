"""What was not checked: never empty, and wherever the cluster tells how much, with the number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bolwerk.core.flows.found import Flows
from bolwerk.core.policy.governed import exempt
from bolwerk.core.report.facts import Exceptions, ModelFacts, NamespaceFacts, Proofs, Rights
from bolwerk.core.report.governance import host_network
from bolwerk.core.report.reading import at, key, name_of, namespace_of, texts
from bolwerk.core.report.world import World

__all__ = ["ALWAYS", "unchecked"]

EXAMPLES = 5

ALWAYS = (
    "What leaves the nodes themselves, not their pods: kubelets and runtimes pull images, and no wall governs them.",
    "The perimeter: firewalls, proxies and routers outside the cluster, and whatever is not in this cluster.",
    "Whether CoreDNS imports what Bolwerk writes for it: a refused name helps people; the wall does not depend on it.",
    "What goes through connections that are allowed: to other pods, to internal networks, through open exceptions.",
    "How many attempts to get out there were: CoreDNS and the network plugin count those, in their own metrics.",
    "Licences and origins of the models: no field of a LocalModel says them.",
    "People: RBAC and stamps hold user names as the cluster's identity provider gave them.",
)
"""True of every report, whatever the cluster."""


def unchecked(
    world: World,
    *,
    models: tuple[ModelFacts, ...],
    namespaces: tuple[NamespaceFacts, ...],
    exceptions: Exceptions,
    proofs: Proofs,
    rights: Rights,
    governing: Mapping[str, str],
) -> tuple[str, ...]:
    """Return one sentence for each thing."""
    return (
        *_pods(world, governing),
        *_namespaces(world, namespaces),
        *_models(models),
        *_isolation(models, proofs),
        *_references(world),
        *_records(world, exceptions, rights),
        *ALWAYS,
    )


def _pods(world: World, governing: Mapping[str, str]) -> Iterator[str]:
    outside = [each for each in world.pods if host_network(each)]
    governed = [each for each in outside if namespace_of(each) in governing]
    shown = ", ".join("/".join(key(each)) for each in sorted(governed, key=key)[:EXAMPLES])
    named = f" ({shown}{', …' if len(governed) > EXAMPLES else ''})" if governed else ""
    yield (
        f"Pods on their node's own network: {len(outside)} of {len(world.pods)} pods, {len(governed)} of them in "
        f"governed namespaces{named}. No network policy governs those."
    )


def _namespaces(world: World, namespaces: tuple[NamespaceFacts, ...]) -> Iterator[str]:
    spared = exempt(world.settings)
    yield f"The namespaces {', '.join(spared)}: never governed, because a wall there would cut the cluster from itself."
    free = [each for each in namespaces if not each.policy and each.name not in spared]
    if free:
        yield f"Other namespaces that no SovereigntyPolicy governs: {len(free)}. No wall, no rules of admission."
    auditing = [each for each in namespaces if each.mode == "Audit"]
    if auditing:
        yield f"Namespaces that are governed in Audit: {len(auditing)}. What leaves them is told of and not stopped."
    if world.scope.namespaces:
        yield "Namespaces that were not asked about."


def _models(models: tuple[ModelFacts, ...]) -> Iterator[str]:
    claims = sum(each.source.startswith("PersistentVolumeClaim") for each in models)
    if claims:
        yield f"The bytes of models in PersistentVolumeClaims: {claims} models. Nothing computes a digest of those."
    images = sum(each.source.startswith("image ") and not each.source_digests for each in models)
    if images:
        yield f"The bytes of models from images that neither a reference nor a pod gives a digest of: {images}."
    engines = sum(bool(each.nodes) and not each.engine_image_ids for each in models)
    if engines:
        yield f"Engine images of which no pod has told the id yet: {engines} models."


def _isolation(models: tuple[ModelFacts, ...], proofs: Proofs) -> Iterator[str]:
    unproven = sum(each.isolated.status != "True" for each in models)
    if unproven:
        yield f"Whether models are isolated in fact: of {len(models)}, {unproven} have no Isolated that is True."
    if not proofs.measured:
        yield f"Whether the network plugin enforces the walls. {proofs.remark}"


def _references(world: World) -> Iterator[str]:
    if not world.settings.references_config_maps:
        yield "ConfigMaps that governed pods refer to: reading them is switched off (references.configMaps)."
    if not world.settings.references_secrets:
        yield "Secrets that governed pods refer to: reading them is switched off (references.secrets)."
    for policy in sorted(world.policies, key=key):
        name = name_of(policy)
        if at(policy, "status", "references") is None:
            yield f"What governed pods refer to, for SovereigntyPolicy {name}: not looked at yet."
        for sentence in texts(policy, "status", "references", "notLookedAt"):
            yield f"For SovereigntyPolicy {name}: {sentence}"


def _flows(flows: Flows) -> Iterator[str]:
    """Name what the flows leave out; that some were lost on the way here only their collector knows."""
    if flows.records:
        yield f"What left before {flows.first_at} and after {flows.last_at}: the flows are of the time in between."
    if flows.silent_nodes:
        shown = ", ".join(flows.silent_nodes[:EXAMPLES]) + (", …" if len(flows.silent_nodes) > EXAMPLES else "")
        yield f"What left nodes with governed pods of which no flow was given: {len(flows.silent_nodes)} ({shown})."
    if flows.lost:
        yield f"Flows that Hubble itself has lost: {flows.lost} events."
    if flows.refused:
        yield f"Lines of flows that could not be read: {flows.refused}."
    unjudged = sum(number for _, number in flows.unjudged)
    if unjudged:
        yield f"Flow records of governed pods that lack what it takes to judge them: {unjudged}."


def _records(world: World, exceptions: Exceptions, rights: Rights) -> Iterator[str]:
    if exceptions.items:
        if world.flows is None:
            yield "How often exceptions were used: no flow records were given (--flows)."
        if not exceptions.guards:
            yield "Who asked for and who approved exceptions: no rules of admission vouch for those names."
    if world.flows is not None:
        yield from _flows(world.flows)
    if world.trail is None:
        yield "The audit trail: none was given (--audit-log). Exceptions that were deleted are known only there."
    elif not world.trail.whole:
        yield "The audit trail beyond the place where it is broken."
    if not rights.read:
        yield "Who may change the rules: roles and their bindings were not read."
