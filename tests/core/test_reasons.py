"""Every reason that a user can meet is explained in docs/reasons.md, and nothing that no user meets is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bolwerk.core.reasons import Reason
from core import test_isolated as isolated
from core import test_status as model
from core.exceptions import test_reconcile as exception
from core.policy import test_conditions as policy

DOCUMENT = Path(__file__).parents[2] / "docs" / "reasons.md"
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| (.+) \| (.+) \|$", re.MULTILINE)


def test_every_reason_is_explained_once_with_what_to_do() -> None:
    rows = ROW.findall(DOCUMENT.read_text(encoding="utf-8"))

    assert sorted(name for name, *_ in rows) == sorted(Reason)
    assert all(meaning.endswith(".") and remedy.endswith(".") for _, _, meaning, remedy in rows)


PRODUCED = {
    *(case.reason for case in model.CASES),
    *(case.ready for case in model.CASES),
    *model.PRODUCED_ELSEWHERE,
    *(case.reason for case in isolated.CASES),
    *(case.ready for case in isolated.CASES),
    *(case.reason for case in policy.CASES),
    *policy.PRODUCED_ELSEWHERE,
    *(case.reason for case in exception.CASES),
}


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_produced_by_a_test(reason: Reason) -> None:
    assert reason in PRODUCED
