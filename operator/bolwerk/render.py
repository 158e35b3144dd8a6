"""What the operator would apply for a LocalModel, worked out offline: `bolwerk render`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import yaml

from bolwerk.core.model.observed import Observed
from bolwerk.core.model.reconcile import reconcile
from bolwerk.core.plan import Manifest
from bolwerk.core.settings import Settings

__all__ = ["RefusedError", "as_yaml", "render"]

NO_UID = "00000000-0000-0000-0000-000000000000"
"""Stands in the owner reference for the uid that only the API server gives."""


class RefusedError(ValueError):
    """The operator would make no pods from this; the message says what to change."""


def render(model: Mapping[str, Any], settings: Settings) -> list[Manifest]:
    """Return the objects in the order in which they would be applied.

    The same reconciliation as in the cluster, over an empty world.

    Raises
    ------
    RefusedError
        If the LocalModel would be stalled.
    """
    metadata = {"namespace": "default", "uid": NO_UID, "generation": 1, **model["metadata"]}
    plan = reconcile(Observed(model={**model, "metadata": metadata}), settings, datetime.fromtimestamp(0, UTC))
    for condition in (plan.status or {}).get("conditions", []):
        if condition["type"] == "Stalled":
            raise RefusedError(condition["message"])
    return [each.manifest for each in plan.apply]


def as_yaml(manifests: Iterable[Manifest]) -> str:
    """Return the objects as people read them: in their order, every value written out where it stands."""
    return yaml.dump_all(manifests, Dumper=_Readable, sort_keys=False, explicit_start=True, width=120)


class _Readable(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        # An anchor is the dumper's finding that two fields share an object in memory: nothing to tell a reader.
        del data
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Readable.add_representer(str, _text)
