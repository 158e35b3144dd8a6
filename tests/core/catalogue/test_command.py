"""`bolwerk catalogue`: the answers, and the exit status that a script goes by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from bolwerk import cli
from bolwerk.core.catalogue import parse
from bolwerk.data import catalogue_text
from core.catalogue.test_overlay import NEW, overlay

SHIPPED = parse(catalogue_text())
POLICY = {
    "apiVersion": "bolwerk.dev/v1alpha1",
    "kind": "SovereigntyPolicy",
    "metadata": {"name": "rijk"},
    "spec": {
        "namespaceSelector": {},
        "mode": "Enforce",
        "internal": {"networks": ["10.20.0.0/16"]},
        "catalogue": {
            "alert": ["anthropic"],
            "entries": [{"name": "ours", "hosts": ["tenant.openai.com"]}],
            "allow": ["ours"],
        },
    },
}


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.main, ["catalogue", *map(str, arguments)])


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(POLICY), encoding="utf-8")
    return file


@pytest.fixture
def laid(tmp_path: Path) -> Path:
    file = tmp_path / "overlay.yaml"
    file.write_text(overlay(groups={"new": NEW}, remove=["anthropic"]), encoding="utf-8")
    return file


def test_list_names_every_group_and_says_how_old_all_that_is() -> None:
    done = run("list")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["GROUP", "JURISDICTION", "PURPOSE", "SHARED", "ENTRIES", "TITLE"]
    assert [line.split()[0] for line in lines[1 : 1 + len(SHIPPED.groups)]] == list(SHIPPED.groups)
    assert f"{len(SHIPPED.groups)} groups" in lines[-2]
    assert f"catalogue {SHIPPED.version}, " in lines[-2]
    assert lines[-1] == SHIPPED.digest


def test_list_as_json_is_for_scripts(laid: Path) -> None:
    answer = json.loads(run("list", "--output", "json", "--overlay", laid).stdout)
    assert answer["version"] == f"{SHIPPED.version} + overlay 2026.12.01"
    assert answer["digest"].startswith("sha256:")
    names = [group["name"] for group in answer["groups"]]
    assert names[-1] == "new"
    assert "anthropic" not in names


def test_show_tells_everything_of_a_group_and_where_it_is_from() -> None:
    group = yaml.safe_load(run("show", "openai").stdout)
    assert "openai.com" in group["suffixes"]
    assert all(source["what"] for source in group["sources"].values())
    assert json.loads(run("show", "openai", "-o", "json").stdout) == group


def test_an_unknown_group_is_answered_with_the_nearest() -> None:
    done = run("show", "opanai")
    assert done.exit_code == 2
    assert "did you mean openai?" in done.stderr


@pytest.mark.parametrize(
    ("hosts", "want_status", "want_lines"),
    [
        pytest.param(["api.openai.com"], 0, ["api.openai.com\topenai\tsuffix openai.com"], id="a name"),
        pytest.param(["https://u:p@OpenAI.com.:443/v1?x"], 0, ["openai.com\topenai\tsuffix openai.com"], id="a URL"),
        pytest.param(["openai.com:443"], 0, ["openai.com\topenai\tsuffix openai.com"], id="a port"),
        pytest.param(["www.example.org"], 1, ["www.example.org\tnot in the catalogue"], id="an ordinary name"),
        pytest.param(
            ["openai.com", "www.example.org"],
            1,
            ["openai.com\topenai\tsuffix openai.com", "www.example.org\tnot in the catalogue"],
            id="one of two",
        ),
    ],
)  # fmt: skip
def test_a_name_is_told_what_it_belongs_to(hosts: list[str], want_status: int, want_lines: list[str]) -> None:
    done = run("test", *hosts)
    assert (done.exit_code, done.stdout.splitlines()) == (want_status, want_lines)


@pytest.mark.parametrize(
    ("host", "want_status", "want"),
    [
        ("api.openai.com", 0, "api.openai.com\tRefuse\topenai\tsuffix openai.com"),
        ("tenant.openai.com", 1, "tenant.openai.com\tAllow\tours\texact tenant.openai.com"),
        ("api.anthropic.com", 1, "api.anthropic.com\tAlert\tanthropic\tsuffix anthropic.com"),
        ("www.example.org", 1, "www.example.org\tnot in the catalogue"),
    ],
)
def test_with_a_policy_the_answer_is_whether_it_refuses(policy: Path, host: str, want_status: int, want: str) -> None:
    done = run("test", host, "-f", policy)
    assert (done.exit_code, done.stdout.strip()) == (want_status, want)
    answer = json.loads(run("test", host, "-f", policy, "-o", "json").stdout)
    assert answer[0]["decision"] == (None if "not in" in want else want.split("\t")[1])


@pytest.mark.parametrize("host", ["a b", "http://", "https://[::1", "", "x..y"])
def test_what_names_no_host_has_no_answer(host: str) -> None:
    done = run("test", "openai.com", host)
    assert done.exit_code == 2
    assert "names no host; write a name such as" in done.stderr


@pytest.mark.parametrize(
    ("change", "want"),
    [
        ({"catalogue": {"refuse": ["opanai"]}}, "did you mean openai?"),
        ({"mode": "Sometimes"}, "spec.mode"),
    ],
)
def test_a_faulty_policy_has_no_answer(policy: Path, change: dict[str, object], want: str) -> None:
    policy.write_text(yaml.safe_dump({**POLICY, "spec": {**POLICY["spec"], **change}}), encoding="utf-8")  # type: ignore[dict-item]
    done = run("test", "openai.com", "-f", policy)
    assert done.exit_code == 2
    assert want in done.stderr


@pytest.mark.parametrize(
    ("content", "want"),
    [
        ("", "there is no LocalModel and no SovereigntyPolicy"),
        (
            yaml.safe_dump_all([POLICY, {**POLICY, "metadata": {"name": "second"}}]),
            "has 2 SovereigntyPolicies; exactly one has to decide",
        ),
    ],
)
def test_one_policy_decides(tmp_path: Path, content: str, want: str) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text(content, encoding="utf-8")
    done = run("test", "openai.com", "-f", file)
    assert done.exit_code == 2
    assert want in done.stderr


def test_check_says_what_a_good_overlay_changes(laid: Path) -> None:
    done = run("check", laid)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[:3] == [
        "adds new",
        "removes anthropic",
        f"good: catalogue {SHIPPED.version} + overlay 2026.12.01",
    ]


def test_check_takes_the_config_map_as_well(laid: Path, tmp_path: Path) -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "bolwerk-catalogue"},
        "data": {"catalogue.yaml": laid.read_text(encoding="utf-8")},
    }
    file = tmp_path / "configmap.yaml"
    file.write_text(yaml.safe_dump(manifest), encoding="utf-8")
    assert run("check", file).stdout == run("check", laid).stdout


@pytest.mark.parametrize(
    ("content", "want"),
    [
        (overlay(remove=["opanai"]), "did you mean openai?"),
        (overlay(groups={"new": NEW | {"patterns": ["^a"]}}), "groups.new.patterns: ^a is not anchored"),
        ("a: [", "overlay.yaml: "),
        ("kind: ConfigMap\ndata: {catalog.yaml: x}\n", "has to stand under catalogue.yaml"),
    ],
)
def test_check_says_what_is_wrong_with_a_faulty_one(laid: Path, content: str, want: str) -> None:
    laid.write_text(content, encoding="utf-8")
    done = run("check", laid)
    assert done.exit_code == 1
    assert want in done.stderr
    assert run("list", "--overlay", laid).exit_code == 2, "and elsewhere there is no answer"
