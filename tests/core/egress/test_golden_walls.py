"""Whole walls, reviewed as YAML.

`pytest tests/core/egress --update-golden` writes them anew; read the diff before you commit it.
"""

from __future__ import annotations

import kubernetes_validate  # type: ignore[import-untyped]
import pytest

from bolwerk.core.egress.backend import Backend
from core.egress import goldens

SUPPORTED_MINORS = ("1.33", "1.34", "1.35", "1.36")
EVERY = pytest.mark.parametrize(
    ("case", "backend"), [pytest.param(case, backend, id=f"{case}-{backend.name}") for case, backend in goldens.PAIRS]
)


@EVERY
def test_an_input_renders_as_committed(case: str, backend: Backend, *, update_golden: bool) -> None:
    path = goldens.path(case, backend)
    text = goldens.as_text(goldens.wall(case, backend))
    if update_golden:
        path.write_text(text, encoding="utf-8")

    assert text == path.read_text(encoding="utf-8"), f"{path} renders differently: if meant, run with --update-golden"


@pytest.mark.parametrize("minor", SUPPORTED_MINORS)
@pytest.mark.parametrize("case", goldens.CASES)
def test_networkpolicies_are_valid_for_every_supported_kubernetes(case: str, minor: str) -> None:
    (backend,) = (each for _, each in goldens.PAIRS if each.name == "NetworkPolicy" and _ == case)

    for manifest in goldens.expected(case, backend):
        kubernetes_validate.validate(manifest, minor, strict=True)


@EVERY
def test_every_limit_is_a_sentence_that_fits_into_the_status(case: str, backend: Backend) -> None:
    limits = goldens.wall(case, backend).limits

    assert len(limits) <= 32  # as the CRD has it
    for limit in limits:
        assert len(limit) <= 1024
        assert limit[0].isupper() or limit.startswith("spec.")
        assert limit.endswith(".")
