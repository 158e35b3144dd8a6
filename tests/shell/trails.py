"""Reading what an audit trail has told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line)["audit"] for line in log.read_text().splitlines()] if log.exists() else []


def actions(log: Path) -> list[str]:
    return [entry["action"] for entry in read(log)]
