"""The status of a SovereigntyPolicy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from bolwerk.core import conditions
from bolwerk.core.catalogue import age_days
from bolwerk.core.conditions import Condition, false, shortened
from bolwerk.core.plan import Manifest
from bolwerk.core.policy.conditions import aspects, summary
from bolwerk.core.policy.finding import Finding
from bolwerk.core.policy.view import View

__all__ = ["status_of", "status_of_stalled"]

MOST_FINDINGS = 50
MOST_LIMITS = 32


def status_of(view: View, now: datetime) -> Manifest:
    """Return the whole status."""
    policy, catalogue = view.observed.policy, view.names.catalogue
    decided = aspects(view, now)
    ready, *exceptional = summary(view, decided)
    findings = list(_findings(view))
    references = view.observed.references
    total = len(findings) + (references.more if references else 0)
    limits = [*view.wall.limits, *(references.not_looked_at if references else ())]
    return {
        "observedGeneration": view.subject.generation,
        "conditions": conditions.written(
            [ready, *decided, *exceptional],
            before=(policy.get("status") or {}).get("conditions") or [],
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
        "limits": [shortened(limit) for limit in limits[:MOST_LIMITS]],
        "findings": findings[:MOST_FINDINGS],
        "findingsTotal": total,
    }


def status_of_stalled(policy: Mapping[str, Any], stalled: Condition, now: datetime) -> Manifest:
    """Return the status of a policy that cannot be acted upon: what was known before, and why it is stalled."""
    before = policy.get("status") or {}
    generation = policy["metadata"].get("generation", 0)
    ready = false("Ready", stalled.reason, stalled.message)
    known = before.get("conditions") or []
    kept = [each for each in known if each["type"] not in {"Ready", "Stalled", "Reconciling"}]
    told = conditions.written([ready, stalled], before=known, generation=generation, now=now)
    return {**before, "observedGeneration": generation, "conditions": [told[0], *kept, told[1]]}


def _findings(view: View) -> Iterator[dict[str, str]]:
    yield from (_finding("Overlap", each) for each in view.overlaps)
    yield from (_finding("Reopened", each) for each in view.reopened)
    for leak in view.observed.references.findings if view.observed.references else ():
        yield {"type": "Leak", "object": leak.object, "message": shortened(leak.message)}


def _finding(type_: str, finding: Finding) -> dict[str, str]:
    where = f"{finding.kind.name} {'/'.join(part for part in (finding.namespace, finding.name) if part)}"
    return {"type": type_, "object": where, "message": shortened(finding.sentence)}
