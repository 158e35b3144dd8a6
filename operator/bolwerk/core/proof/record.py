"""A run, written down: the IsolationProof that the API server takes, whatever came of the run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bolwerk.core.kinds import ISOLATION_PROOF
from bolwerk.core.plan import Manifest
from bolwerk.core.proof.arrangement import Arrangement
from bolwerk.core.proof.due import Trigger
from bolwerk.core.proof.history import newest_first
from bolwerk.core.proof.inputs import catalogue_digest, concerning
from bolwerk.core.proof.observed import Observed
from bolwerk.core.proof.sightings import Sightings
from bolwerk.core.proof.targets import addresses_of
from bolwerk.core.proof.verdict import Seen, judge

__all__ = ["Run", "digest_of", "name_of", "record"]

MOST_OBSERVATIONS = 256
MOST_REASONS = 32
MOST_OBJECTS = 64
MOST_IMAGES = 16


@dataclass(frozen=True, slots=True)
class Run:
    """One run.

    Attributes
    ----------
    id
        Ten hexadecimal digits.
    inputs
        What the world was when it began.
    """

    id: str
    trigger: Trigger
    inputs: str
    started: datetime


def name_of(node: str, run: str) -> str:
    """Return the name of a run's proof."""
    return f"{node[:40].rstrip('-.')}-{run}"


def digest_of(proof: Mapping[str, Any]) -> str:
    """Return the digest by which the next proof of the node names this one."""
    canonical = json.dumps([proof["metadata"]["name"], proof["spec"]], sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def record(
    run: Run,
    observed: Observed,
    arranged: Arrangement,
    found: Sightings,
    *,
    image: str,
    version: str,
    now: datetime,
) -> Manifest:
    """Return the proof of a run that has ended; `image` is what its probes ran, `version` the operator's own."""
    judged = judge(found.seen, found.families)
    kept = _fitting(found.seen)
    remarks = [*found.remarks, *arranged.remarks, *observed.inventory.remarks]
    if len(kept) < len(found.seen):
        remarks.insert(0, f"{len(found.seen) - len(kept)} more observations are not listed for want of room")
    before = newest_first(observed.proofs)
    spec = {
        "run": run.id,
        "policy": arranged.policy,
        "node": observed.name,
        "trigger": run.trigger,
        "startedAt": _moment(run.started),
        "finishedAt": _moment(max(now, run.started)),
        "airGapped": _is_air_gapped(found, observed),
        "verdict": judged.verdict,
        "message": _short(judged.message, 1024),
        "families": list(found.families),
        "observations": [_observation(each) for each in kept],
        "provenance": _provenance(run, observed, arranged, image=image, version=version, remarks=remarks),
        "previous": digest_of(before[0]) if before else None,
    }
    spec["notChecked"] = {
        "hostNetworkPods": observed.inventory.host_network_pods,
        "reasons": _some([_short(each, 512) for each in dict.fromkeys(remarks)], MOST_REASONS),
    }
    return {
        "apiVersion": ISOLATION_PROOF.api_version,
        "kind": ISOLATION_PROOF.name,
        "metadata": {
            "name": name_of(observed.name, run.id),
            "labels": {"app.kubernetes.io/managed-by": "bolwerk"},
        },
        "spec": {field: value for field, value in spec.items() if value is not None},
    }


def _provenance(
    run: Run, observed: Observed, arranged: Arrangement, *, image: str, version: str, remarks: list[str]
) -> Manifest:
    info = (observed.node.get("status") or {}).get("nodeInfo") or {}
    objects = sorted(concerning(observed, arranged).items())
    if len(objects) > MOST_OBJECTS:
        remarks.append(
            f"{len(objects) - MOST_OBJECTS} more objects that enforce are not listed; provenance.inputs covers them"
        )
    digest = catalogue_digest(observed)
    return {
        "operatorVersion": version,
        "probeImage": image[:512],
        "networkPluginImages": [each[:512] for each in sorted(observed.inventory.plugin_images)[:MOST_IMAGES]],
        "kernelVersion": str(info.get("kernelVersion") or "unknown"),
        "kubeletVersion": str(info.get("kubeletVersion") or "unknown"),
        **({"catalogueDigest": digest} if digest else {}),
        "inputs": run.inputs,
        "policies": [{"reference": reference[:512], "digest": digest} for reference, digest in objects[:MOST_OBJECTS]],
    }


def _fitting(seen: Sequence[Seen]) -> tuple[Seen, ...]:
    """Return as many observations as a proof holds, so chosen that a subject is judged by them as by all.

    One for each subject, vector, family and outcome stands for the others, first of all what was not blocked; of what
    was, one that the control reached.
    """
    if len(seen) <= MOST_OBSERVATIONS:
        return tuple(seen)
    shown = {each.key for each in seen if each.arm == "Control" and each.outcome == "Reached"}
    kinds = set()
    ranks = {}
    for index in sorted(range(len(seen)), key=lambda index: seen[index].key not in shown):
        each = seen[index]
        kind = (each.subject, each.arm, each.vector, each.family, each.outcome)
        ranks[index] = (each.arm != "Control", kind in kinds, each.outcome == "Blocked", index)
        kinds.add(kind)
    return tuple(seen[index] for index in sorted(sorted(ranks, key=lambda index: ranks[index])[:MOST_OBSERVATIONS]))


def _observation(seen: Seen) -> Manifest:
    return {
        "subject": seen.subject,
        "arm": seen.arm,
        "vector": seen.vector,
        "family": seen.family,
        "target": _short(seen.target, 253),
        "outcome": seen.outcome,
        "detail": _short(seen.detail, 127),
        "attempts": seen.attempts,
    }


def _is_air_gapped(found: Sightings, observed: Observed) -> bool:
    """Whether the control got through to nothing but Bolwerk's own canary."""
    own = addresses_of(observed.canary)
    return not any(
        each.arm == "Control"
        and each.outcome == "Reached"
        and each.vector in ("TCP", "UDP")
        and each.target.rpartition(":")[0].strip("[]") not in own
        for each in found.seen
    )


def _some(texts: list[str], most: int) -> list[str]:
    return texts if len(texts) <= most else [*texts[: most - 1], f"and {len(texts) - most + 1} more"]


def _short(text: str, length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
