"""Files that are derived from the models are committed as they would be generated now."""

from __future__ import annotations

from pathlib import Path

import pytest

from bolwerk.api.crd import crd_yaml, shipped
from bolwerk.api.resources import KINDS, Resource
from bolwerk.generate import generated_files

ROOT = Path(__file__).parents[2]
LARGEST_CRD_BYTES = 60_000


@pytest.mark.parametrize("path", sorted(generated_files()))
def test_committed_as_generated(path: str) -> None:
    assert (ROOT / path).is_file(), f"{path} is missing: run `make crds` and commit what it writes"
    assert (ROOT / path).read_text(encoding="utf-8") == generated_files()[path], f"{path} is stale: run `make crds`"


@pytest.mark.parametrize("folder", ["crds", "charts/bolwerk/files/crds"])
def test_nothing_is_left_of_a_kind_that_is_gone(folder: str) -> None:
    committed = {str(path.relative_to(ROOT)) for path in (ROOT / folder).iterdir()}

    assert committed == {path for path in generated_files() if path.startswith(f"{folder}/")}


@pytest.mark.parametrize("resource", KINDS, ids=lambda resource: resource.kind)
def test_a_crd_is_small(resource: Resource) -> None:
    assert len(crd_yaml(resource).encode()) < LARGEST_CRD_BYTES


def test_no_crd_ships_before_its_controller() -> None:
    assert [resource.kind for resource in shipped()] == [
        "LocalModel",
        "SovereigntyPolicy",
        "EgressException",
        "EgressApproval",
        "IsolationProof",
    ]
