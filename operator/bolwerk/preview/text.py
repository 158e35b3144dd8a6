"""Manifests as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

__all__ = ["as_yaml"]


def as_yaml(manifests: Iterable[Mapping[str, Any]], *, explicit_start: bool = True) -> str:
    """Return the objects as people read them: in their order, every value written out where it stands."""
    return yaml.dump_all(manifests, Dumper=_Readable, sort_keys=False, explicit_start=explicit_start, width=120)


class _Readable(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        # An anchor is the dumper's finding that two fields share an object in memory: nothing to tell a reader.
        del data
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Readable.add_representer(str, _text)
