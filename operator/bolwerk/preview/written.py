"""Reads the fields of the Algoritmeregister that people have written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from bolwerk.preview.refused import RefusedError

__all__ = ["fields_in"]


def fields_in(file: Path) -> dict[str, Any]:
    """Return what stands in a file, by `namespace/name`.

    Raises
    ------
    RefusedError
        When it is no YAML, or not keyed so.
    """
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RefusedError(f"{file} cannot be read: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(key, str) and key.count("/") == 1 for key in found):
        raise RefusedError(f"{file}: write the fields of each model under its namespace/name")
    return found
