"""Every reason that a user can meet is explained in docs/reasons.md, and nothing that no user meets is."""

from __future__ import annotations

import re
from pathlib import Path

from bolwerk.core.reasons import Reason

DOCUMENT = Path(__file__).parents[2] / "docs" / "reasons.md"
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| (.+) \| (.+) \|$", re.MULTILINE)


def test_every_reason_is_explained_once_with_what_to_do() -> None:
    rows = ROW.findall(DOCUMENT.read_text(encoding="utf-8"))

    assert sorted(name for name, *_ in rows) == sorted(Reason)
    assert all(meaning.endswith(".") and remedy.endswith(".") for _, _, meaning, remedy in rows)
