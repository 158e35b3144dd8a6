"""The status of a LocalModel."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bolwerk.core import conditions
from bolwerk.core.conditions import Condition
from bolwerk.core.model.children.service import endpoint
from bolwerk.core.model.conditions.isolated import isolated
from bolwerk.core.model.conditions.modelavailable import model_available
from bolwerk.core.model.conditions.scheduled import scheduled
from bolwerk.core.model.conditions.serving import serving
from bolwerk.core.model.conditions.summary import phase, summary
from bolwerk.core.model.conditions.view import View
from bolwerk.core.model.engine.parts import EngineParts
from bolwerk.core.plan import Manifest
from bolwerk.core.proof.tally import Tally, moment

__all__ = ["status_of", "status_of_invalid"]

MOST_NODES = 16


def status_of(view: View, engine: EngineParts, *, stalled: Condition | None, now: datetime) -> Manifest:
    """Return the whole status."""
    subject = view.subject
    aspects = [model_available(view), scheduled(view), serving(view), isolated(view)]
    verdict = summary(aspects, stalled)
    ready, *exceptional = verdict
    before = view.observed.model.get("status") or {}
    status: Manifest = {
        "observedGeneration": subject.generation,
        "phase": phase(ready, next((each for each in exceptional if each.type == "Stalled"), None)),
        "conditions": conditions.written(
            [ready, *aspects, *exceptional],
            before=before.get("conditions") or [],
            generation=subject.generation,
            now=now,
        ),
        "endpoint": endpoint(subject, engine),
        "replicas": ((view.deployment or {}).get("status") or {}).get("replicas", 0),
        "readyReplicas": view.ready,
        "selector": ",".join(f"{key}={value}" for key, value in sorted(subject.selector.items())),
    }
    serving_generation = _serving_generation(view, before)
    return (
        status
        | ({"isolation": _isolation(view.measured.tally)} if view.measured.tally.standings else {})
        | ({"servingGeneration": serving_generation} if serving_generation else {})
    )


def _isolation(tally: Tally) -> Manifest:
    proven = tally.proven
    found = {
        "nodes": len(tally.standings),
        "proven": len(proven),
        "notProven": list(tally.unproven)[:MOST_NODES],
    }
    return found | ({"provenAt": moment(min(proven.values()))} if tally.all_proven else {})


def _serving_generation(view: View, before: Mapping[str, Any]) -> int | None:
    if view.ready:
        return view.subject.generation
    # Pods of an earlier template are of the generation that was seen serving last.
    return before.get("servingGeneration") if view.older_ready else None


def status_of_invalid(model: Mapping[str, Any], stalled: Condition, *, now: datetime) -> Manifest:
    """Return the status of a LocalModel whose spec means nothing: what was known before, and that it is stalled."""
    before = model.get("status") or {}
    generation = model["metadata"].get("generation", 0)
    verdict = summary([], stalled)
    return {
        **before,
        "observedGeneration": generation,
        "phase": phase(verdict[0], stalled),
        "conditions": conditions.written(
            verdict, before=before.get("conditions") or [], generation=generation, now=now
        ),
    }
