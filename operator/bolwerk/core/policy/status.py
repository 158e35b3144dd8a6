"""The status of a SovereigntyPolicy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bolwerk.core import conditions
from bolwerk.core.catalogue import age_days
from bolwerk.core.conditions import Condition, false, shortened
from bolwerk.core.plan import Manifest
from bolwerk.core.policy.conditions import aspects, summary
from bolwerk.core.policy.finding import Finding
from bolwerk.core.policy.holes import still_open, unopened_now
from bolwerk.core.policy.observed import Observed
from bolwerk.core.policy.view import View
from bolwerk.core.proof.tally import Tally, moment

__all__ = ["status_of", "status_of_stalled"]

MOST_FINDINGS = 50
MOST_LIMITS = 32
MOST_LEFT_OUT = 16
MOST_NODES = 50


def status_of(view: View, now: datetime) -> Manifest:
    """Return the whole status."""
    before, catalogue = view.observed.policy.get("status") or {}, view.names.catalogue
    decided = aspects(view, now)
    ready, *exceptional = summary(view, decided)
    references = _references(view, before)
    others = [
        *(_finding("Overlap", each) for each in view.overlaps),
        *(_finding("Reopened", each) for each in view.reopened),
        *_unopened(view),
    ]
    return {
        "observedGeneration": view.subject.generation,
        "conditions": conditions.written(
            [ready, *decided, *exceptional],
            before=before.get("conditions") or [],
            generation=view.subject.generation,
            now=now,
        ),
        "backend": view.choice.backend.name,
        "backendReason": shortened(view.choice.why),
        "governedNamespaces": len(view.governed),
        "catalogue": {
            "version": catalogue.version,
            "digest": catalogue.digest,
            "ageDays": age_days(catalogue, now),
        },
        "limits": [shortened(limit) for limit in (*view.names.limits, *view.wall.limits)[:MOST_LIMITS]],
        "findings": [*others, *_leaks(view, before)][:MOST_FINDINGS],
        "findingsTotal": len(others) + (references["leaks"] if references else 0),
        **({"openExceptions": view.opened} if view.opened else {}),
        **({"unopenedExceptions": unopened} if (unopened := unopened_now(view.wall, view.opened)) else {}),
        **({"proof": _proof(view.measured)} if view.subject.enforced else {}),
    } | ({"references": references} if references else {})


def status_of_stalled(observed: Observed, stalled: Condition, now: datetime) -> Manifest:
    """Return the status of a policy that cannot be acted upon: what was known before, and why it is stalled.

    Its holes are closed all the same when their exceptions are over.
    """
    before = {**(observed.policy.get("status") or {})}
    left = still_open(observed)
    before.pop("openExceptions", None)
    before |= {"openExceptions": left} if left else {}
    generation = observed.policy["metadata"].get("generation", 0)
    ready = false("Ready", stalled.reason, stalled.message)
    known = before.get("conditions") or []
    kept = [each for each in known if each["type"] not in {"Ready", "Stalled", "Reconciling"}]
    told = conditions.written([ready, stalled], before=known, generation=generation, now=now)
    return {**before, "observedGeneration": generation, "conditions": [told[0], *kept, told[1]]}


def _proof(measured: Tally) -> Manifest:
    proven, unproven = measured.proven, measured.unproven
    oldest = {"oldest": moment(min(proven.values()))} if proven else {}
    return {
        "nodes": len(measured.standings),
        "proven": len(proven),
        "uncovered": sum(each.verdict == "None" for each in unproven.values()),
        **oldest,
        "notProven": [
            {"node": node, "verdict": each.verdict, "message": shortened(each.message)}
            for node, each in list(unproven.items())[:MOST_NODES]
        ],
    }


def _unopened(view: View) -> list[Manifest]:
    return [
        {"type": "Unopened", "object": f"EgressException {hole.address}", "message": shortened(sentence)}
        for hole, sentence in view.wall.unopened
    ]


def _references(view: View, before: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found = view.observed.references
    if found is None:
        return before.get("references")  # after a restart, until the first look: what the last one came to
    left_out = [shortened(sentence) for sentence in found.not_looked_at[:MOST_LEFT_OUT]]
    return {"leaks": len(found.findings) + found.more, "notLookedAt": left_out}


def _leaks(view: View, before: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = view.observed.references
    if found is None:
        return [finding for finding in before.get("findings") or () if finding["type"] == "Leak"]
    return [{"type": "Leak", "object": each.object, "message": shortened(each.message)} for each in found.findings]


def _finding(type_: str, finding: Finding) -> dict[str, str]:
    where = f"{finding.kind.name} {'/'.join(part for part in (finding.namespace, finding.name) if part)}"
    return {"type": type_, "object": where, "message": shortened(finding.sentence)}
