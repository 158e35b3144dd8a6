"""Writes a report down as a document: one function for each section, in the order in which an auditor asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bolwerk.core.report.document import (
    Block,
    Bullets,
    Document,
    Paragraph,
    Quote,
    Record,
    Records,
    Said,
    Section,
    Table,
    Value,
)
from bolwerk.core.report.facts import Condition, ModelFacts, PolicyFacts, ProofFacts, Report, Rights, Trail
from bolwerk.core.report.left import left
from bolwerk.core.report.register import register as written
from bolwerk.core.report.rights import RIGHTS

__all__ = ["told"]

LINE = (
    "Daarom ben ik voorstander van het in eerste instantie onderzoeken van mogelijkheden om het overheidsbeleid zo "
    "vorm te geven dat AI-modellen in principe lokaal draaien, behalve in gevallen waarin zwaarwegende redenen dit "
    "verhinderen."
)
SOURCE = (
    "The State Secretary for the Interior and Kingdom Relations to the House of Representatives of the Netherlands, "
    "7 March 2025"
)
DECISION = ("When", "Action", "Object", "Result", "Actor", "Reason")
FACTS_ONLY = (
    "Facts as the cluster tells them, with the gaps named. Whether they suffice is for people to judge; no level of "
    "any framework is computed. The report holds no key, no password and no value of a ConfigMap or Secret."
)


def told(report: Report) -> Document:
    """Return the document."""
    return Document(
        title="Where the AI models run, and what can leave",
        sections=(
            Section("About this report", _about(report)),
            Section("At a glance", (_glance(report),)),
            Section("Models", _models(report)),
            Section("Policies", _policies(report)),
            Section("Namespaces", _namespaces(report)),
            Section("Exceptions", written(report.exceptions)),
            Section("Proofs of isolation", _proofs(report)),
            Section("What left", left(report.flows)),
            Section("Audit trail", _trail(report.trail)),
            Section("Who may change the rules", _rights(report)),
            Section("Not checked", (Bullets(report.not_checked),)),
        ),
    )


def _about(report: Report) -> tuple[Block, ...]:
    about = report.about
    catalogue = f"{about.catalogue_version}, {about.catalogue_age_days} days old, {about.catalogue_digest}"
    return (
        Quote(LINE, "nl", SOURCE),
        Table(
            "Facts about it",
            ("What", "Value"),
            (
                ("Made at", about.made_at),
                ("Made by", f"bolwerk {about.version}"),
                ("Installed", Said(about.installed_version)),
                ("Catalogue of this command", catalogue),
                ("Namespaces asked about", Said(", ".join(about.namespaces)) if about.namespaces else "all"),
                ("Leaves out what was over before", about.since or "nothing"),
            ),
        ),
        Paragraph(FACTS_ONLY),
    )


def _glance(report: Report) -> Table:
    governed = sum(bool(each.policy) for each in report.namespaces)
    register = report.exceptions
    phases = Counter(each.phase or "not judged" for each in register.items)
    exceptions = ", ".join(f"{number} {phase}" for phase, number in sorted(phases.items()))
    unknown = "none" if register.known else "not kept by this API server"
    serving = sum(each.serving.status == "True" for each in report.models)
    return Table(
        "Numbers",
        ("What", "Number"),
        (
            ("Models", f"{len(report.models)}, of which {serving} serve"),
            ("Models whose isolation a probe has shown", str(sum(x.isolated.status == "True" for x in report.models))),
            ("Policies", str(len(report.policies))),
            ("Governed namespaces, of how many", f"{governed} of {len(report.namespaces)}"),
            ("Findings beside the walls", str(sum(each.findings_total for each in report.policies))),
            ("Exceptions, as judged now", exceptions or unknown),
            ("Exceptions of which a wall has the hole", str(sum(x.hole.startswith("in ") for x in register.items))),
            ("Exceptions of which flows show use", _use(report)),
            ("Left without an exception: pods and places", _uncovered(report)),
            ("Things not checked", str(len(report.not_checked))),
        ),
    )


def _use(report: Report) -> str:
    known = report.flows is not None and report.flows.records
    return str(sum(each.used is not None for each in report.exceptions.items)) if known else "not known"


def _uncovered(report: Report) -> str:
    flows = report.flows
    if flows is None or not flows.records:
        return "not known"
    more = f", and {flows.more_uncovered} records of others" if flows.more_uncovered else ""
    return f"{len(flows.uncovered)}{more}"


def _models(report: Report) -> tuple[Block, ...]:
    if not report.models:
        return (Paragraph("There is no LocalModel in the namespaces asked about."),)
    return (Records(tuple(map(_model, report.models))),)


def _model(model: ModelFacts) -> Record:
    inside = f", folder {model.path}" if model.path else ""
    return Record(
        Said(f"{model.namespace}/{model.name}"),
        (
            ("Served as", Said(model.served_name)),
            ("Bytes from", Said(f"{model.source}{inside}")),
            ("Digest of these", _all(model.source_digests) or "none is known"),
            ("Engine", Said(f"{model.engine}, {model.engine_image or 'no image yet'}")),
            ("Engine image id", _all(model.engine_image_ids) or "no pod tells one"),
            ("Nodes", _all(model.nodes) or "none"),
            ("Replicas that serve", f"{model.ready_replicas} of {model.replicas}"),
            ("Reached at", Said(model.endpoint)),
            ("Owner", Said(f"namespace {model.namespace}")),
            ("Since", Said(f"{model.created_at}; phase {model.phase or 'not told'}")),
            ("Serving", _condition(model.serving)),
            ("Isolated", _condition(model.isolated)),
            (
                "Governed by",
                Said(model.policy) if model.policy else "no SovereigntyPolicy",
            ),
        ),
    )


def _policies(report: Report) -> tuple[Block, ...]:
    if not report.policies:
        return (Paragraph("There is no SovereigntyPolicy: no namespace is governed."),)
    return (Records(tuple(map(_policy, report.policies))),)


def _policy(policy: PolicyFacts) -> Record:
    findings = tuple(Said(f"{each.type}: {each.object}: {each.message}") for each in policy.findings)
    more = policy.findings_total - len(policy.findings)
    grounds = " and ".join(policy.grounds)
    bounds = f"{grounds}; at least {policy.approvals} by others; at most {policy.longest_days} days"
    return Record(
        Said(policy.name),
        (
            ("Mode", Said(f"{policy.mode}, priority {policy.priority}, since {policy.created_at}")),
            ("Backend", Said(f"{policy.backend}: {policy.backend_reason}") if policy.backend else "none chosen yet"),
            ("Governs", _all(policy.governed) or "no namespace"),
            ("Internal", _all(policy.internal) or "nothing"),
            ("Leads outside", _all((*policy.forward_proxies, *policy.private_endpoints)) or "nothing declared"),
            ("Exceptions allowed", Said(bounds)),
            ("Catalogue in use", Said(policy.catalogue)),
            ("Conditions", tuple(map(_condition, policy.conditions)) or "none yet"),
            ("Limits", _all(policy.limits) or "none told"),
            ("Findings", (*findings, *((f"and {more} more",) if more > 0 else ())) or "none"),
        ),
    )


def _namespaces(report: Report) -> tuple[Block, ...]:
    rows = tuple(
        (
            Said(each.name),
            Said(f"{each.policy}, {each.mode}") if each.policy else f"none: {each.why_not}",
            str(each.models),
            str(each.host_network_pods),
        )
        for each in report.namespaces
    )
    return (
        Table("Who governs each namespace", ("Namespace", "Governed by", "Models", "Pods on the node's network"), rows),
    )


def _proofs(report: Report) -> tuple[Block, ...]:
    proofs = report.proofs
    return (
        *((Paragraph(proofs.remark),) if proofs.remark else ()),
        *((Records(tuple(map(_proof, proofs.items))),) if proofs.items else ()),
        *((Paragraph("Gaps:"), Bullets(tuple(map(Said, proofs.gaps)))) if proofs.gaps else ()),
    ) or (Paragraph("No gap: each node with models has a fresh proof."),)


def _proof(proof: ProofFacts) -> Record:
    return Record(
        Said(f"node {proof.node}, {proof.finished_at}"),
        (
            ("Verdict", Said(f"{proof.verdict}: {proof.message}")),
            ("Policy", Said(proof.policy)),
            ("Observations", f"{proof.observations}, run because of {proof.trigger}"),
            ("Not checked", _all(proof.not_checked) or "nothing named"),
        ),
    )


def _trail(trail: Trail | None) -> tuple[Block, ...]:
    if trail is None:
        return (Paragraph("Not read: no file with the trail was given (--audit-log)."),)
    resumed = f"{trail.resumed} times; lines that no stored head knew of: {trail.unanchored}"
    facts = (
        ("Log", Said(trail.log)),
        ("Verdict", Said(trail.verdict)),
        ("Good entries", f"{trail.entries}, from {trail.first_at or '—'} to {trail.last_at or '—'}"),
        ("Last hash", Said(trail.head)),
        ("Another process went on", resumed),
    )
    counts = tuple((Said(action), str(number)) for action, number in trail.counts)
    decisions = tuple(
        tuple(map(Said, (x.at, x.action, x.object, x.result, x.actor, x.reason))) for x in trail.decisions
    )
    more = f" (the latest {len(decisions)}; {trail.more} before them are not shown)" if trail.more else ""
    return (
        Records((Record("The chain", facts),)),
        *((Table("What was done, how often", ("Action", "Number"), counts),) if counts else ()),
        *((Table(f"Decisions about exceptions{more}", DECISION, decisions),) if decisions else ()),
    )  # fmt: skip


def _rights(report: Report) -> tuple[Block, ...]:
    rights = report.rights
    if not rights.read:
        return (Paragraph(rights.remark),)
    may = tuple(Record(right.told, (("Who", _who(right.told, rights)),)) for right in RIGHTS)
    return Paragraph(rights.remark), Records(may)


def _who(told: str, rights: Rights) -> Value:
    found = tuple(
        Said(f"{each.subject}, in {f'namespace {each.where}' if each.where else 'the cluster'}, by {each.by}")
        for each in rights.items
        if each.right == told
    )
    return found or "nobody"


def _condition(condition: Condition) -> str:
    since = f", since {condition.since}" if condition.since else ""
    return Said(f"{condition.type} is {condition.status} ({condition.reason}){since}: {condition.message}")


def _all(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(Said, texts))
