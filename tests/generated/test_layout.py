"""Facts about the tree that break things far away when they change."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_operator_is_a_source_root_and_no_package() -> None:
    # With an __init__.py in it, and the repository on sys.path, Python's own `operator` module would be shadowed.
    assert (ROOT / "operator" / "bolwerk" / "__init__.py").is_file()
    assert not (ROOT / "operator" / "__init__.py").exists()


def test_helm_upgrades_the_crds() -> None:
    # What stands in a chart's crds/ is installed once and never upgraded.
    assert not (ROOT / "charts" / "bolwerk" / "crds").exists()
