"""How an object is judged: refused where that is enforced, warned of in an audit, let through where nobody governs."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from admission.asking import Asker, Manifest
from admission.conftest import AUDITED, ENFORCED, FREE


def cases(table: list[Any]) -> list[Any]:
    return [pytest.param(*row[1:], id=row[0]) for row in table]


def moved(manifest: Manifest, namespace: str) -> Manifest:
    copied = copy.deepcopy(manifest)
    copied["metadata"]["namespace"] = namespace
    return copied


def assert_refused(developer: Asker, manifest: Manifest, rule: str, want: str) -> None:
    answer = developer.create(manifest)
    audited = developer.create(moved(manifest, AUDITED))
    free = developer.create(moved(manifest, FREE))

    assert answer.refused, answer
    assert f"'bolwerk-{ENFORCED}-{rule}'" in answer.message
    assert want in answer.message
    assert audited.allowed, audited
    assert any(f"'bolwerk-{AUDITED}-{rule}'" in warning for warning in audited.warnings), audited
    assert free.allowed, free
    assert not free.warnings


def assert_let_through(developer: Asker, manifest: Manifest) -> None:
    for namespace in (ENFORCED, AUDITED):
        answer = developer.create(moved(manifest, namespace))

        assert answer.allowed, answer
        assert not answer.warnings
