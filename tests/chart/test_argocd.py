"""Argo CD's view of a LocalModel: its health script against real objects, run as Argo CD runs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa import lua51  # type: ignore[import-untyped]

from api.asking import changed
from bolwerk.core.reasons import Reason
from chart.rendering import ROOT

ARGOCD = ROOT / "manifests" / "argocd"
# The layout of Argo CD's own repository, so that offering the script there is a copy.
SCRIPT = ARGOCD / "resource_customizations" / "bolwerk.dev" / "LocalModel"
PATCH = ARGOCD / "argocd-cm-patch.yaml"
CASES = yaml.safe_load((SCRIPT / "health_test.yaml").read_text(encoding="utf-8"))["tests"]

Health = Callable[[dict[str, Any]], tuple[str, str]]


@pytest.fixture
def health() -> Health:
    """The health script in Lua 5.1 and without its libraries, as Argo CD runs it."""
    runtime = lua51.LuaRuntime(unpack_returned_tuples=True)
    runtime.execute("string, table, os, io, package, debug, math, require = nil")
    script = runtime.eval(f"function(obj)\n{(SCRIPT / 'health.lua').read_text(encoding='utf-8')}\nend")

    def judged(manifest: dict[str, Any]) -> tuple[str, str]:
        verdict = script(runtime.table_from(manifest, recursive=True))
        return verdict["status"], verdict["message"]

    return judged


def loaded(path: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return manifest


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["inputPath"])
def test_health_of_a_real_object(health: Health, case: dict[str, Any]) -> None:
    want = case["healthStatus"]

    assert health(loaded(SCRIPT / case["inputPath"])) == (want["status"], want["message"])


def test_every_testdata_file_has_a_case() -> None:
    assert {path.name for path in (SCRIPT / "testdata").iterdir()} == {Path(case["inputPath"]).name for case in CASES}


def test_no_status_that_the_contract_allows_is_taken_for_healthy_but_ready(health: Health) -> None:
    healthy = loaded(SCRIPT / "testdata" / "healthy.yaml")
    others = [each for each in healthy["status"]["conditions"] if each["type"] != "Ready"]

    for status in ("False", "Unknown"):
        ready = {"type": "Ready", "status": status, "reason": "WaitingForPods", "message": "not yet"}
        assert health(changed(healthy, {"status.conditions": [ready, *others]})) == ("Progressing", "not yet")
    assert health(changed(healthy, {"status.conditions": others}))[0] == "Progressing"
    assert health(changed(healthy, {"metadata.generation": 99}))[0] == "Progressing"


def test_the_reason_that_the_script_reads_exists() -> None:
    assert f'"{Reason.SCALED_TO_ZERO}"' in (SCRIPT / "health.lua").read_text(encoding="utf-8")


def test_the_patch_of_argocd_cm_carries_the_script(update_golden: bool) -> None:
    script = (SCRIPT / "health.lua").read_text(encoding="utf-8")
    header = "# kubectl -n argocd patch configmap argocd-cm --patch-file manifests/argocd/argocd-cm-patch.yaml\n"
    key = "  resource.customizations.health.bolwerk.dev_LocalModel: |\n"
    text = f"{header}data:\n{key}" + "".join(f"    {line}".rstrip() + "\n" for line in script.splitlines())

    if update_golden:
        PATCH.write_text(text, encoding="utf-8")
    assert PATCH.read_text(encoding="utf-8") == text, "stale: run `make manifests`"
    assert loaded(PATCH)["data"]["resource.customizations.health.bolwerk.dev_LocalModel"] == script


def test_the_application_installs_the_chart_with_values_that_exist() -> None:
    operator, _ = yaml.safe_load_all((ARGOCD / "application.yaml").read_text(encoding="utf-8"))
    source = operator["spec"]["source"]
    values = loaded(ROOT / source["path"] / "values.yaml")

    def check(given: dict[str, Any], known: dict[str, Any]) -> None:
        for key, value in given.items():
            assert key in known
            if isinstance(value, dict) and known[key]:
                check(value, known[key])

    check(source["helm"]["valuesObject"], values)
