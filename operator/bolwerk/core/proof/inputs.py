"""Everything whose change asks for a new run, as one digest; and what a proof says of the objects that enforce."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from bolwerk.core.proof.arrangement import Arrangement, arrangement
from bolwerk.core.proof.observed import Observed
from bolwerk.core.settings import Settings

__all__ = ["catalogue_digest", "concerning", "inputs", "inputs_of", "policy_digest"]

OF_NODE = ("bootID", "kernelVersion", "kubeletVersion", "containerRuntimeVersion")
"""A node that was started anew has programmed its rules anew."""


def inputs(observed: Observed, settings: Settings) -> str:
    """Return the digest of what a run on this node is about; `Observed.changed` tells since when it is so."""
    return inputs_of(observed, arrangement(observed, settings))


def inputs_of(observed: Observed, arranged: Arrangement) -> str:
    """Return the digest, where what is to be tried has been arranged already.

    What turns back and forth by itself is no part of it: whether a model is ready, how many pods there are.
    """
    info = (observed.node.get("status") or {}).get("nodeInfo") or {}
    return _digest(
        {
            "node": {field: info.get(field) for field in OF_NODE},
            "policies": sorted(map(_policy, observed.policies)),
            "enforcing": concerning(observed, arranged),
            "plugins": sorted(observed.inventory.plugin_images),
            "strangers": sorted(observed.strangers),
            "subjects": sorted(
                [each.subject, each.namespace, dict(each.labels), each.owner[0]["uid"]]
                for each in arranged.assignments
                if each.arm == "Treatment"
            ),
            "control": [target.model_dump(mode="json") for target in _control(arranged)],
        }
    )


def concerning(observed: Observed, arranged: Arrangement) -> dict[str, str]:
    """Return the digests of the objects that may hold or open something for the subjects, by what they are called."""
    namespaces = {"", *(each.namespace for each in arranged.assignments if each.arm == "Treatment")}
    found = [(str(ref), digest) for ref, digest in observed.enforcing.items() if ref.namespace in namespaces]
    return dict(sorted(found))


def catalogue_digest(observed: Observed) -> str:
    """Return the digest of the catalogue that decides about names, or an empty string where none is in use."""
    for policy in observed.policies:
        digest = str(((policy.get("status") or {}).get("catalogue") or {}).get("digest", ""))
        if digest.startswith("sha256:"):
            return digest
    return ""


def policy_digest(manifest: Mapping[str, Any]) -> str:
    """Return the digest of an object that enforces: of what it says, and not of when and by whom it was written."""
    said = {field: manifest[field] for field in ("spec", "specs") if field in manifest}
    return _digest({"uid": manifest["metadata"].get("uid"), **said})


def _control(arranged: Arrangement) -> Iterable[Any]:
    return (target for each in arranged.assignments if each.arm == "Control" for target in each.targets)


def _policy(policy: Mapping[str, Any]) -> list[Any]:
    status = policy.get("status") or {}
    return [
        policy["metadata"]["name"],
        policy["metadata"]["uid"],
        policy["metadata"].get("generation", 0),
        (status.get("catalogue") or {}).get("digest"),
        sorted(str(each.get("uid")) for each in status.get("openExceptions") or ()),
    ]


def _digest(value: Any) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"
