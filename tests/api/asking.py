"""Asking a real API server whether it would take an object; shared by the tests of the CRDs."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.controlplane import ControlPlane

Manifest = dict[str, Any]

GONE = object()
"""As a value of `changed`: leave the field out."""


@dataclass(frozen=True)
class Api:
    """The API server, seen by somebody who applies YAML."""

    plane: ControlPlane

    def refusal(self, manifest: Manifest) -> str:
        """Return what `kubectl apply` would print, or an empty string if the object would be taken."""
        try:
            self.plane.kubectl("create", "--dry-run=server", "--filename=-", stdin=json.dumps(manifest))
        except RuntimeError as error:
            return str(error)
        return ""

    def refusal_of_change(self, manifest: Manifest, changes: Mapping[str, Any]) -> str:
        """Store an object, and return what the API server says to a change of it; empty if it takes the change."""
        self.plane.kubectl("apply", "--filename=-", stdin=json.dumps(manifest))
        try:
            self.plane.kubectl("apply", "--filename=-", stdin=json.dumps(changed(manifest, changes)))
        except RuntimeError as error:
            return str(error)
        return ""

    def stored(self, manifest: Manifest) -> Manifest:
        """Return the object as the API server would store it, its defaults filled in."""
        printed = self.plane.kubectl(
            "create", "--dry-run=server", "--filename=-", "--output=json", stdin=json.dumps(manifest)
        )
        loaded: Manifest = json.loads(printed)
        return loaded


def changed(manifest: Manifest, changes: Mapping[str, Any]) -> Manifest:
    """Return a copy in which dotted paths have other values; `GONE` removes one."""
    copied = copy.deepcopy(manifest)
    for path, value in changes.items():
        *parents, last = path.split(".")
        node = copied
        for parent in parents:
            node = node.setdefault(parent, {})
        if value is GONE:
            node.pop(last, None)
        else:
            node[last] = value
    return copied
