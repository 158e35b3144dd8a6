"""The chart, rendered with a matrix of values: against golden files, and against Kubernetes' own schemas.

`make manifests` writes the golden files and manifests/install anew; read the diff before you commit it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from bolwerk.generate import FOUR_EYES
from chart.rendering import CHART, NAMESPACE, NEWEST, OLDEST, ROOT, SUPPORTED_MINORS, Render, run_helm

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())
INSTALL = ROOT / "manifests" / "install" / "bolwerk.yaml"
INSTALL_HEADER = """\
# Rendered from charts/bolwerk by `make manifests`; edit the chart, not this file.
"""


class Readable(yaml.SafeDumper):
    """Writes a text of several lines as it reads."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


Readable.add_representer(str, _text)


def values_of(case: str) -> dict[str, Any]:
    return yaml.safe_load((GOLDEN / case / "values.yaml").read_text(encoding="utf-8")) or {}


def check_golden(path: Path, text: str, *, update: bool) -> None:
    if update:
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, f"{path.relative_to(ROOT)} is stale: run `make manifests`"


def test_lint_finds_nothing(helm: Path) -> None:
    run_helm(helm, "lint", "--strict", "--quiet", str(CHART))


@pytest.mark.parametrize("case", CASES)
def test_rendered_as_in_the_golden_file(render: Render, case: str, update_golden: bool) -> None:
    objects = [item for item in render(values_of(case)) if item["kind"] != "CustomResourceDefinition"]

    text = yaml.dump_all(objects, Dumper=Readable, sort_keys=False, width=1000, explicit_start=True)

    check_golden(GOLDEN / case / "expected.yaml", text, update=update_golden)


def test_the_plain_manifests_are_the_chart_with_its_defaults(helm: Path, update_golden: bool) -> None:
    # For every supported cluster, so for the oldest.
    text = plain(helm, f"--kube-version={OLDEST}", "--set=crds.enabled=false")

    check_golden(INSTALL, text, update=update_golden)


@pytest.mark.skipif(not (ROOT / FOUR_EYES).is_file(), reason="the exceptions do not ship yet")
def test_what_only_newer_servers_have_is_a_file_of_its_own(helm: Path, update_golden: bool) -> None:
    text = plain(helm, f"--kube-version={NEWEST}", "--show-only=templates/four-eyes-stamps.yaml")

    check_golden(INSTALL.with_name("stamps.yaml"), text, update=update_golden)


def plain(helm: Path, *flags: str) -> str:
    """Return what people apply who do not use Helm, so that nothing of Helm's stays in it."""
    text = run_helm(helm, "template", "bolwerk", str(CHART), f"--namespace={NAMESPACE}", *flags)
    lines = [line for line in text.splitlines(keepends=True) if "helm.sh/" not in line]
    return INSTALL_HEADER + "".join(lines).replace("managed-by: Helm", "managed-by: kubectl")


@pytest.mark.parametrize("minor", SUPPORTED_MINORS)
@pytest.mark.parametrize("case", CASES)
def test_every_object_is_valid_for_each_supported_minor(render: Render, case: str, minor: str) -> None:
    checked = 0
    for item in render(values_of(case), minor=minor):
        if item["apiVersion"].startswith("monitoring.coreos.com/"):
            continue  # not Kubernetes' own
        kubernetes_validate.validate(item, minor, strict=True)
        checked += 1
    assert checked >= 9


@pytest.mark.parametrize("case", CASES)
def test_no_two_objects_share_a_name(render: Render, case: str) -> None:
    keys = [(item["kind"], item["metadata"]["name"]) for item in render(values_of(case))]

    assert len(keys) == len(set(keys))
